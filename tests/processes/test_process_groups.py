"""Tests that share something run in one process, and all others where there is room."""

from pathlib import Path

import pytest
from process_groups import BY_PARAM, FILES, process_group

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/editor/test_editor.py::test_one", "test_editor.py"),
        ("tests/editor/test_editor.py::test_two[a/b::c]", "test_editor.py"),
        ("tests/end_to_end/test_reuse.py::test_one[classes and values]", "test_reuse.py[classes and values]"),
        ("tests/end_to_end/test_reuse.py::test_two[classes and values]", "test_reuse.py[classes and values]"),
        ("tests/end_to_end/test_reuse.py::test_two[files]", "test_reuse.py[files]"),
        ("tests/test_docs.py::test_x[test_editor.py]", "tests/test_docs.py::test_x[test_editor.py]"),
    ],
)
def test_the_group_of_a_test(nodeid, group):
    assert process_group(nodeid) == group


def test_each_file_that_is_named_is_there():
    assert {path.name for path in TESTS.rglob("test_*.py")} >= FILES | BY_PARAM

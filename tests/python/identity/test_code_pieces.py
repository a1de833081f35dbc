"""The text of what counts: as it is written, by the names that it is counted under."""

from pathlib import Path

import pytest

from pipespec.errors import Span
from pipespec.project.disk_modules import DiskModules
from pipespec.python.callable_ref import CallableRef
from pipespec.python.identity.code_facts import CodePiece
from pipespec.python.identity.counted_code import code_facts

STEPS = '''\
"""Steps."""

import functools
from words import shout

LIMIT = 3  # at most


@functools.cache
def fit(n: int) -> list:
    """Fit."""
    return [shout(str(n))] * LIMIT


TABLE = {}
TABLE["a"] = 1


def read() -> dict:
    return TABLE


def unread() -> dict:
    return {}
'''


@pytest.fixture
def pieces(tmp_path):
    (tmp_path / "steps.py").write_text(STEPS)
    (tmp_path / "words.py").write_text("def shout(text):\n    return eval('text.upper()')\n")

    def read(name):
        ref = CallableRef("steps", name, Span("p.yaml", 1, 1, 1, 2))
        facts = code_facts(ref, (tmp_path,), DiskModules(tmp_path, ()))
        assert facts.pieces.keys() == {one for one in facts.counted if not one.endswith(" annotations")}
        return facts.pieces

    return read


def test_pieces_are_functions_constants_and_whole_modules(pieces, tmp_path):
    steps, words = str(tmp_path / "steps.py"), str(tmp_path / "words.py")

    assert pieces("fit") == {
        "steps:LIMIT": CodePiece("LIMIT = 3  # at most", steps, 6),
        "steps:fit": CodePiece("\n".join(STEPS.split("\n")[8:12]), steps, 9),
        "words": CodePiece(Path(words).read_text(), words, 1),
    }


def test_statements_about_one_name_are_one_piece(pieces, tmp_path):
    found = pieces("read")

    assert found["steps:TABLE"] == CodePiece('TABLE = {}\nTABLE["a"] = 1', str(tmp_path / "steps.py"), 15)

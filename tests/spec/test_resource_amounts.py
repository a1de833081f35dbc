"""Amounts of resources: how they are written, judged and spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.nodes import ScalarNode
from pipespec.errors import Severity, Span
from pipespec.operations.compiling.compile_file import compile_file
from pipespec.spec.resource_amounts import read_amount, spelled_amount

SIZE = "a size such as 4GiB or 500MB"
PIPELINE = """\
pipespec: 1
name: p
params: {{size: {value}}}
engine: {{resources: {{memory: {of_engine}}}}}
steps:
  a:
    call: m:f
    matrix: {{size: [{value}]}}
    resources: {{memory: {of_step}}}
"""


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("4GiB", 4 << 30),
        ("1.5 GiB", 3 << 29),
        ("500MB", 500_000_000),
        ("64 kB", 64_000),
        ("1KiB", 1024),
        ("2TB", 2 * 10**12),
    ],
)
def test_memory_is_counted_in_bytes(build, written, amount):
    quoted = f"'{written}'"
    spec, found = build(
        PIPELINE.format(value=quoted, of_engine='"${params.size}"', of_step='"${matrix.size}"')
    )

    assert found == []
    assert spec.engine.resources == {"memory": amount}
    [step] = spec.steps.values()
    assert step.resources == {"memory": amount}


@pytest.mark.parametrize(
    "written", ["4", "0", "4.5", "4G", "4Gi", "4 gib", "GiB", "-1GiB", "4GiB/s", "all", "true"]
)
def test_memory_without_a_unit_is_refused_wherever_it_comes_from(tmp_path, written):
    """A number alone could be bytes, or what other tools mean by it."""
    for places in (
        {"of_engine": written, "of_step": "1GiB"},
        {"of_engine": "1GiB", "of_step": written},
        {"of_engine": '"${params.size}"', "of_step": "1GiB"},
        {"of_engine": "1GiB", "of_step": '"${matrix.size}"'},
    ):
        (tmp_path / "pipeline.yaml").write_text(PIPELINE.format(value=written, **places))
        (tmp_path / "m.py").write_text("def f(size):\n    return size\n")
        found = compile_file(str(tmp_path / "pipeline.yaml"), trusted=False).diagnostics

        [error] = [one for one in found if one.severity is Severity.ERROR]
        assert error.message.endswith(f", but must be {SIZE}"), (places, error)
        assert "resources.memory'" in error.message


def read(name, value):
    return read_amount(name, ScalarNode(value, Span("pipeline.yaml", 1, 1, 1, 2)))


@given(st.integers(1, 1 << 45))
def test_memory_is_spelled_as_what_it_is_or_nearly(amount):
    there = read("memory", spelled_amount("memory", amount))

    assert there is not None
    assert abs(there - amount) <= max(0.05 * (1 << 10), 0.051 * amount)


@pytest.mark.parametrize(
    ("amount", "spelled"),
    [
        (4 << 30, "4GiB"),
        (16_000_000_000, "16GB"),
        (512 << 20, "512MiB"),
        ((23 << 30) + 17, "23.0GiB"),
        (1, "0.0kB"),
    ],
)
def test_memory_is_spelled_in_the_largest_unit_that_leaves_a_whole_number(amount, spelled):
    assert spelled_amount("memory", amount) == spelled


def test_other_resources_are_counted():
    assert (read("gpu", 2), read("gpu", "2"), read("gpu", "4GiB"), read("gpu", -1)) == (2, 2, None, None)
    assert spelled_amount("gpu", 4096) == "4096"

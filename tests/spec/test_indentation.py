"""A line that is indented wrongly gives one message, which names that line and how far it is to be indented."""

from __future__ import annotations

import re

import pytest

from pipespec.document.yaml.yaml_reader import read
from pipespec.errors import InvalidPipelineError
from pipespec.spec.schema.document_schema import check_shape

PIPELINE = """\
pipespec: 1
name: houses
params:
  rate: 4
  model:
    epochs: 3
steps:
  clean:
    call: steps:clean
    inputs:
      raw: {file: houses.csv}
    outputs: {table: table.csv}
  fit:
    call: steps:fit
    matrix:
      depth: [4, 8]
    inputs:
      table: clean.table
    params:
      rate: ${params.rate}
    outputs:
      model: model.joblib
      scores: scores.json
    metrics: scores
    checks:
      r2: {min: 0.5}
    tags:
      - model
      - slow
notify:
  - url: x
    on: [failure]
"""
LINES = PIPELINE.splitlines()


def found_in(text):
    try:
        return check_shape(read(text, file="pipeline.yaml"))
    except InvalidPipelineError as error:
        return error.diagnostics


def shifted(number, shift):
    line = LINES[number - 1]
    depth = len(line) - len(line.lstrip()) + shift
    return "\n".join([*LINES[: number - 1], " " * depth + line.lstrip(), *LINES[number:]]) + "\n"


SHIFTS = [
    (number, shift)
    for number, line in enumerate(LINES, 1)
    for shift in (-4, -3, -2, -1, 1, 2, 3, 4)
    if len(line) - len(line.lstrip()) + shift >= 0
]


def test_the_pipeline_is_sound():
    assert found_in(PIPELINE) == ()


@pytest.mark.parametrize(("number", "shift"), SHIFTS)
def test_one_line_that_is_indented_wrongly_gives_one_message(number, shift):
    found = found_in(shifted(number, shift))

    assert len(found) <= 1


@pytest.mark.parametrize(("number", "shift"), SHIFTS)
def test_the_message_points_at_the_line_or_names_it_or_one_that_it_takes_along(number, shift):
    for one in found_in(shifted(number, shift)):
        named = [int(line) for line in re.findall(r"(?:lines?|to) (\d+)", f"{one.message} {one.hint}")]
        inside = [line for line in named if line >= number]
        assert one.span.line == number or inside


@pytest.mark.parametrize(
    "number",
    [number for number, line in enumerate(LINES, 1) if line[:1] == " " and LINES[number - 2][-1:] != ":"],
)
@pytest.mark.parametrize("shift", [-1, 1])
def test_one_space_too_many_or_too_few_is_told_with_the_right_number(number, shift):
    (found,) = found_in(shifted(number, shift))
    line = LINES[number - 1]
    if found.code == "bad-value":
        assert "are read as one text" in found.hint  # a list item that is deeper than the one above it
        return
    depth = len(line) - len(line.lstrip())
    assert found.span.line == number
    assert f"by {depth} space" in found.hint


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  x: y\n z: 3\n",
        "a: [1,\n  2\n b: 3\n",
        "a: 'x\n  y: z\n b: 3\n",
        "a: b: c\n",
        "a:\n  b: c: d\n",
    ],
)
def test_where_something_is_open_over_several_lines_nothing_is_said_of_indentation(text):
    assert not any("matches no line above" in one.message for one in found_in(text))


@pytest.mark.parametrize(
    "written",
    [
        "inputs: {tags: {path: x}}",
        "inputs:\n      tags: {path: x}",
        "inputs:\n      metrics: {path: x}",
        "params:\n      n-jobs: 3",
        "params:\n    retry: {times: x}",
        "checks:\n      timeout: {min: x}",
        "outputs:\n      checks: {path: x}",
    ],
)
def test_a_key_that_would_fit_nowhere_else_is_not_said_to_be_misplaced(written):
    text = f"pipespec: 1\nsteps:\n  a:\n    call: m:f\n    {written}\n"

    found = found_in(text)

    assert found
    assert "misplaced-key" not in [one.code for one in found]


def test_references_to_a_step_that_is_indented_too_far_are_not_told_as_well(build):
    text = """
pipespec: 1
steps:
  a:
    call: m:f
    outputs: {x: x.csv}
    b:
      call: m:f
      outputs: {x: x.csv}
  c: {call: "m:f", inputs: {x: b.x}, needs: [b]}
"""
    assert build(text)[1] == [("misplaced-key", 7)]

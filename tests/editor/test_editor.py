"""What an editor makes of `schema --for`, asked through the real language server for YAML."""

import json
import shutil
from pathlib import Path

import pytest

from pipespec import api

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = sorted(
    path.name for path in (REPOSITORY / "pipelines").glob("*.yaml") if "pipespec:" in path.read_text()
)
pytestmark = pytest.mark.slow

FUNCTIONS = '''
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt, Interval, MinLen


@dataclass
class Model:
    depth: int
    rate: Annotated[float, Interval(ge=0, lt=1)] = 0.1


def read(path: str, limit: int | None = None) -> list:
    """Read rows.

    Args:
        path: Where the rows are.
        limit: How many of them
            at most.
    """


def train(
    rows: list,
    model: Model,
    epochs: Annotated[int, Gt(0)] = 3,
    mode: Literal["fast", "slow"] = "fast",
    shuffle: bool = True,
    name: Annotated[str, MinLen(9)] = "a long name",
):
    """Train a model on rows."""


def anything(**options): ...
'''
PIPELINE = """\
pipespec: 1
params: {epochs: 5}
steps:
  rows:
    call: functions:read
    params: {path: rows.csv}
    outputs: {rows: rows.json, folder: folder/}
  each:
    call: functions:train
    matrix: {epochs: [1, 2]}
    inputs: {rows: rows.rows}
    params: {model: {depth: 4}}
    outputs: {model: model.joblib}
  any:
    call: functions:anything
    inputs: {models: "each[*].model"}
"""


def with_schema(file, folder, text=None):
    """Write the schema made for a file, and return the file's text with a first line that names it."""
    (folder / "schema.json").write_text(json.dumps(api.schema(file)), encoding="utf-8")
    text = Path(file).read_text(encoding="utf-8") if text is None else text
    lines = [line for line in text.splitlines(keepends=True) if "$schema=" not in line]
    return f"# yaml-language-server: $schema={(folder / 'schema.json').as_uri()}\n" + "".join(lines)


@pytest.fixture
def edited(tmp_path):
    """Return the pipeline as an editor has it after some more lines were written."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    return lambda more="": with_schema(tmp_path / "pipeline.yaml", tmp_path, PIPELINE + more)


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_is_marked_in_an_example(name, server):
    text = with_schema(REPOSITORY / "pipelines" / name, server.folder)

    assert server.mistakes(name, text) == []


def test_nothing_is_marked_in_a_new_project(server):
    api.init(server.folder / "wave")

    assert (
        server.mistakes("pipeline.yaml", with_schema(server.folder / "wave/pipeline.yaml", server.folder))
        == []
    )


def test_nothing_is_marked_in_all_forms_of_references_and_values(server, edited):
    text = edited(
        """\
  more:
    call: functions:train
    inputs: {rows: {from: rows.rows, load: {lines: true}}}
    needs: [each]
    params:
      model: ${params.model}
      epochs: ${params.epochs}
      mode: "${params.mode}"
      shuffle: ???
      name: ${x}
  parts: {call: "functions:read", inputs: {path: rows.folder/part.csv}, params: {limit: null}}
  one: {call: "functions:anything", inputs: {x: "each[epochs=1].model", y: "each[epochs=${matrix.epochs}]", z: {file: a.csv}}}
  wave: {call: "functions:read", matrix: {path: rows.rows, limit: "${params.limits}"}}
  new: {call: "other:unknown", params: {a: 1}, inputs: {b: each[*]}}
""".replace("each[*]}", '"each[*]"}')
    )

    assert server.mistakes("pipeline.yaml", text) == []


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("inputs: {rows: rwos.rows}", ""),
        ("inputs: {rows: rows.rowz}", ""),
        ("inputs: {rosw: rows.rows}", "rosw"),
        ("inputs: {rows: {from: rows}}", ""),
        ("needs: [rwos]", ""),
        ("params: {epoch: 1}", "epoch"),
        ("params: {epochs: many}", "whole number"),
        ("params: {epochs: 1.5}", "integer"),
        ("params: {epochs: 0}", "exclusive minimum of 0"),
        ("params: {model: {depth: 1, rate: 1}}", "exclusive maximum of 1"),
        ("params: {name: short}", ""),
        ("params: {shuffle: no}", "true or false"),
        ("params: {mode: medium}", ""),
        ("params: {model: {depth: 1, width: 2}}", "width"),
        ("params: {model: {rate: 1}}", "depth"),
        ("tiemout: 3s", "tiemout"),
    ],
)
def test_a_mistake_is_marked_in_its_line(server, edited, line, part):
    text = edited(f"  more:\n    call: functions:train\n    {line}\n")

    found = server.mistakes("pipeline.yaml", text)

    assert {place for place, _ in found} == {text.count("\n")}, found
    assert any(part in message for _, message in found), found


def test_steps_and_outputs_are_completed(server, edited):
    offered = server.completions(
        "pipeline.yaml", edited("  more:\n    call: functions:train\n    inputs:\n      rows: |\n")
    )

    assert {"rows.rows", "rows.folder", "each[*]", "each[*].model"} <= set(offered)
    assert "rows" not in offered, "it has two outputs"


def test_needs_are_completed(server, edited):
    assert {"rows", "each", "any"} <= set(
        server.completions("pipeline.yaml", edited("  more:\n    needs:\n      - |\n"))
    )


def test_arguments_of_a_function_are_completed(server, edited):
    text = "  more:\n    call: functions:train\n    params:\n      epochs: 1\n      |\n"
    offered = server.completions("pipeline.yaml", edited(text))

    assert {"model", "mode", "shuffle"} <= set(offered)
    assert not {"path", "limit"} & set(offered), "these are of another function"


def test_values_of_an_argument_are_completed(server, edited):
    text = "  more:\n    call: functions:train\n    params:\n      mode: |\n"

    assert {"fast", "slow"} <= set(server.completions("pipeline.yaml", edited(text)))


def test_an_argument_tells_its_type_default_and_meaning(server, edited):
    text = edited("  more:\n    call: functions:read\n    params:\n      |limit: 3\n")
    shown = server.hover("pipeline.yaml", text)

    assert "limit: int | None = None" in shown.replace("\\", "")
    assert "How many of them at most." in shown


def test_a_call_tells_what_the_function_does(server, edited):
    assert "Train a model on rows." in server.hover(
        "pipeline.yaml", edited("  more:\n    |call: functions:train\n")
    )


def test_the_examples_are_there():
    assert {"energy.yaml", "news.yaml", "titanic.yaml"} <= set(EXAMPLES)
    assert shutil.which("git") is not None

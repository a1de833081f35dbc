"""The schema made for one pipeline: what it knows, and that it refuses nothing that `validate` lets pass."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pipespec import api
from pipespec.checks.assignability import find_misfit
from pipespec.checks.editor.argument_schema import argument_schema
from pipespec.document.nodes import plain
from pipespec.document.yaml.yaml_reader import read, read_value
from pipespec.errors import InvalidPipelineError
from pipespec.operations.compiling.compile_file import compile_file, read_signatures
from pipespec.python.docstrings import described_arguments

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = [
    path for path in sorted((REPOSITORY / "pipelines").glob("*.yaml")) if "\npipespec:" in path.read_text()
]

FUNCTIONS = """
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

from annotated_types import Ge, Gt, Interval, Len, MinLen, MultipleOf

raise RuntimeError("nothing of a project is imported")


class Mode(Enum):
    FAST = 1
    SLOW = "slow"


class Computed(Enum):
    ONE = len("x")


@dataclass
class Layer:
    width: int
    inner: "Layer | None" = None


def f(
    none, whole: int, real: float, flag: bool, text: str, day: dt.date, path: Path, raw: bytes, any: Any,
    maybe: Optional[int], either: int | str, kind: Literal["a", 1, None], mode: Mode, computed: Computed,
    items: list[int], pair: tuple[int, str], many: tuple[int, ...], names: set[str], sequence: Sequence[int],
    table: dict[str, float], mapping: Mapping[str, list[int]], layer: Layer, layers: list[Layer], unknown: "what.Ever",
    above: Annotated[int, Gt(1)], share: Annotated[float, Interval(ge=0, lt=1)] | None, by: Annotated[float, MultipleOf(0.1)],
    words: Annotated[str, MinLen(5)], two: Annotated[list, Len(2, 2)], few: Annotated[dict[str, int], Len(1)],
    even: Annotated[int, MultipleOf(2)],
    count: int = 3, label: str = "x", other: list = [],
): ...
"""
VALUES = [
    "1", "1.5", "-0", "1e3", "true", "null", "text", '"1"', "2021-10-01", "a", "FAST", "slow", "ONE", "[]", "[1, 2]", "[1, x]",
    "[x, y]", "{}", "{a: 1}", "{a: [1]}", "{a: x}", "{width: 1}", "{width: x}", "{width: 1, inner: {width: 2}}",
    "{width: 1, inner: {}}", "{width: 1, more: 2}", "[{width: 1}]", "[{}]", "${secret:X}", "/a/b", '""',
]  # fmt: skip


@pytest.fixture
def source(tmp_path):
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    (tmp_path / "pipeline.yaml").write_text("pipespec: 1\nsteps: {s: {call: 'functions:f'}}\n")
    compiled = compile_file(tmp_path / "pipeline.yaml", trusted=False)
    return read_signatures(compiled.spec, compiled.modules)["functions:f"]


def test_what_fits_by_validate_fits_the_schema(source):
    expression = {"$defs": {"expression": {"type": "string", "pattern": r"\$\{"}}}
    refused = []
    for argument in source.arguments:
        schema = Draft202012Validator({**argument_schema(argument, source, None), **expression})
        Draft202012Validator.check_schema(schema.schema)
        for text in VALUES:
            node = read_value(text, file="value")
            misfit = find_misfit(node, argument.annotation, source.definitions)
            if misfit is None and not schema.is_valid(plain(node)):
                refused.append((argument.name, text))

    assert refused == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("whole", ["1.5", "true", "text", "[]"]),
        ("real", ["true", "text"]),
        ("flag", ["1", "text"]),
        ("text", ["1", "true"]),
        ("kind", ["FAST", "2"]),
        ("mode", ["ONE", "3"]),
        ("items", ["[1, x]", "1"]),
        ("table", ["{a: x}", "[]"]),
        ("layer", ["{width: x}", "{}", "{width: 1, more: 2}", "{width: 1, inner: {}}"]),
        ("maybe", ["text"]),
    ],
)
def test_what_does_not_fit_is_refused(source, name, values):
    expression = {"$defs": {"expression": {"type": "string", "pattern": r"\$\{"}}}
    schema = Draft202012Validator({**argument_schema(source.argument(name), source, None), **expression})

    assert [text for text in values if schema.is_valid(plain(read_value(text, file="value")))] == []


def test_an_argument_is_described_with_its_default(source):
    assert argument_schema(source.argument("count"), source, "How many.") == {
        "description": "`count: int = 3` - How many.",
        "type": ["integer", "string"],
        "pattern": r"\$\{|^\?\?\?$",
        "patternErrorMessage": "a whole number is needed here, or an expression such as ${params.name}",
        "default": 3,
    }
    assert argument_schema(source.argument("none"), source, None) == {"description": "`none`"}


@pytest.mark.parametrize(
    "docstring",
    [
        "First.\n\n    Args:\n        a: What a\n            is.\n        b (int, optional): What b is: more.\n\n    Returns:\n        c: no\n    ",
        "First.\n\nArguments:\n  a: What a is.\n  b: What b is: more.\n",
        "First.\n\n    :param a: What a\n        is.\n    :param int b: What b is: more.\n    :returns: c\n    ",
        "First.\n\n  Parameters\n  ----------\n  a : int\n    What a\n    is.\n  b : str\n    What b is: more.\n\n  Returns\n  -------\n  c\n    No.\n  ",
        "First.\n\nParameters\n----------\na\n    What a is.\n\nb: str\n    What b is: more.\n**rest\n",
    ],
)
def test_docstrings_of_several_styles_tell_of_arguments(docstring):
    assert described_arguments(docstring) == {"a": "What a is.", "b": "What b is: more."}


@pytest.mark.parametrize("docstring", [None, "", "First.", "Args:", "Args:\n\n", "Args:\n    nothing here\n"])
def test_docstrings_that_tell_nothing(docstring):
    assert described_arguments(docstring) == {}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.name)
def test_an_example_fits_its_own_schema(file):
    schema = api.schema(file)
    Draft202012Validator.check_schema(schema)

    mistakes = Draft202012Validator(schema).iter_errors(plain(read(file.read_bytes(), file="example")))
    assert [(list(one.path), one.message) for one in mistakes] == []


@pytest.fixture
def in_project(empty_project):
    empty_project.write(
        "functions.py", "raise RuntimeError\ndef f(x=None, /, y=None): ...\ndef g(**more): ...\n"
    )
    empty_project.write(
        "pipeline.yaml",
        "pipespec: 1\nsteps:\n"
        "  a: {call: 'functions:f', outputs: {o: o.json, d: d/}}\n"
        "  b: {call: 'functions:g', matrix: {n: [1, 2]}, outputs: {o: o.json}}\n"
        "  broken: {call: 'functions:f', inputs: {y: gone.o}, outputs: {o: 3}}\n",
    )
    return empty_project


def test_references_are_listed_and_the_long_forms_fit_a_pattern(in_project):
    found = in_project.pipespec("schema", "--for", "pipeline.yaml").json["$defs"]["reference"]
    listed, long = found["anyOf"]
    reference = Draft202012Validator(found)

    assert [name for name in listed["enum"] if not name.startswith("broken")] == [
        "a.o",
        "a.d",
        "b[*]",
        "b[*].o",
    ]
    fitting = ["a.d/part/x.csv", "b[n=1].o", "b[n=1]", "b[n=${matrix.n}].o", "b[*]", "broken.o", "broken"]
    assert [text for text in fitting if not reference.is_valid(text)] == []
    wrong = ["a", "a.x", "a.o/part", "b.o", "b[n=1].x", "gone.o", "ab.o", "brokens"]
    assert [text for text in wrong if reference.is_valid(text)] == []
    assert long["type"] == "string"


def test_a_function_with_open_arguments_takes_any_and_one_by_position_is_left_out(in_project):
    calls = {
        one["if"]["properties"]["call"]["const"]: one["then"]["properties"]
        for one in in_project.pipespec("schema", "--for", "pipeline.yaml").json["$defs"]["step"]["allOf"]
    }

    assert list(calls["functions:f"]["params"]["properties"]) == ["y"]
    assert calls["functions:f"]["params"]["additionalProperties"] is False
    assert calls["functions:g"]["inputs"] == {"properties": {}, "additionalProperties": True}


def test_layers_add_steps(in_project):
    in_project.write("more.yaml", "steps: {$add: {c: {call: 'functions:f', outputs: {o: o.json}}}}\n")
    schema = in_project.pipespec("schema", "--for", "pipeline.yaml", "-f", "more.yaml").json

    assert "c.o" in schema["$defs"]["reference"]["anyOf"][0]["enum"]


def test_a_file_without_steps_is_told_like_any_mistake(in_project):
    in_project.write("empty.yaml", "pipespec: 1\n")

    assert in_project.pipespec("schema", "--for", "gone.yaml").code == 2
    answer = in_project.pipespec("schema", "--for", "empty.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert "Traceback" not in answer.err
    with pytest.raises(InvalidPipelineError):
        api.schema(in_project.folder / "empty.yaml")


def test_layers_without_a_file_are_wrong_usage(in_project):
    assert in_project.pipespec("schema", "--set", "params.x=1").code == 2
    assert json.loads(in_project.pipespec("schema").out) == api.schema()

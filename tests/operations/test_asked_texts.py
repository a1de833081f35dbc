"""Texts of the environment are read as the annotations of their params say."""

import pytest

from pipespec import api
from pipespec.document.nodes import plain
from pipespec.errors import InvalidPipelineError

STEPS = """
from dataclasses import dataclass
from typing import Literal

@dataclass
class Settings:
    number: int
    text: str

def step(value: {annotation}): ...
"""


@pytest.fixture
def value_of(tmp_path, monkeypatch):
    """Compile a step whose one param is what is written, and return the param's value."""
    monkeypatch.chdir(tmp_path)

    def compiled(annotation, written, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "steps.py").write_text(STEPS.format(annotation=annotation))
        (tmp_path / "pipeline.yaml").write_text(
            f"pipespec: 1\nparams: {{shared: '${{env:VALUE}}'}}\n"
            f"steps: {{step: {{call: 'steps:step', params: {{value: {written}}}}}}}\n"
        )
        return plain(api.load("pipeline.yaml").spec.steps["step"].params["value"])

    return compiled


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("int", "3", 3),
        ("int", "-3", -3),
        ("float", "3", 3),
        ("float", "1e-3", 0.001),
        ("bool", "true", True),
        ("bool", "False", False),
        ("int | None", "null", None),
        ("int | None", "", None),
        ("Literal[1, 2]", "2", 2),
        ("str", "3", "3"),
        ("int | str", "3", "3"),
        ("Literal['1']", "1", "1"),
        ("object", "3", "3"),
    ],
)
def test_a_text_is_read_where_the_function_takes_no_text(value_of, annotation, text, value):
    for written in ('"${env:VALUE}"', '"${params.shared}"', f'"${{env:NOTHING, {text}}}"'):
        found = value_of(annotation, written, VALUE=text)
        assert (found, type(found)) == (value, type(value)), written


@pytest.mark.parametrize(
    ("annotation", "written", "value"),
    [
        ("list[int]", '["${env:A}", 2]', [1, 2]),
        ("dict[str, bool]", '{k: "${env:B}"}', {"k": True}),
        ("dict[str, list[int]]", '{k: ["${env:A}"]}', {"k": [1]}),
        ("Settings", '{number: "${env:A}", text: "${env:A}"}', {"number": 1, "text": "1"}),
        ("dict", '{k: "${env:A}"}', {"k": "1"}),
    ],
)
def test_texts_in_collections_are_read_as_what_they_hold(value_of, annotation, written, value):
    assert value_of(annotation, written, A="1", B="true", VALUE="") == value


@pytest.mark.parametrize(
    ("annotation", "written"),
    [("int", '"${env:VALUE}"'), ("int", '"1${env:VALUE}"'), ("bool", '"${env:VALUE}"'), ("int", '"3"')],
)
def test_what_is_no_such_value_does_not_fit(value_of, annotation, written):
    with pytest.raises(InvalidPipelineError) as refused:
        value_of(annotation, written, VALUE="x")

    assert [one.code for one in refused.value.diagnostics] == ["param-type"]


def test_validate_judges_a_default_and_leaves_what_it_does_not_ask(value_of, tmp_path):
    for default, codes in (("3", []), ("x", ["param-type"]), (None, [])):
        written = '"${env:UNKNOWN}"' if default is None else f'"${{env:UNKNOWN, {default}}}"'
        value_of("object", written, VALUE="", UNKNOWN="")
        (tmp_path / "steps.py").write_text("def step(value: int): ...\n")
        assert [one.code for one in api.validate(["pipeline.yaml"]).diagnostics] == codes


def test_a_rendered_module_reads_them_the_same_way(value_of):
    value_of("int", '"${env:VALUE, 3}"', VALUE="4")

    assert 'runtime.scalar(runtime.env("VALUE", "3"))' in api.render("pipeline.yaml")


@pytest.mark.parametrize(
    ("annotation", "written"),
    [
        ("int", '"${env:VALUE}"'),
        ("int", '"${params.shared}"'),
        ("int", '"${env:NOTHING, 3}"'),
        ("str", '"${env:VALUE}"'),
        ("list[int]", '["${env:VALUE}", 4]'),
        ("list[str]", '["${env:VALUE}", "4"]'),
        ("dict[str, list[int]]", '{a: ["${env:VALUE}"]}'),
        ("Settings", '{number: "${env:VALUE}", text: "${env:VALUE}"}'),
    ],
)
def test_the_document_that_a_run_records_says_what_the_function_got(
    value_of, tmp_path, monkeypatch, annotation, written
):
    value = value_of(annotation, written, VALUE="3")
    recorded = api.load("pipeline.yaml").config()
    monkeypatch.delenv("VALUE")
    (tmp_path / "recorded.yaml").write_text(str(recorded))

    again = api.load("recorded.yaml")

    assert plain(again.spec.steps["step"].params["value"]) == value

"""Values that wait for the environment, which a stranger's file may not ask: nothing is said that is not known."""

from __future__ import annotations

import pytest

from pipespec.errors import Severity
from pipespec.operations.compiling.compile_file import compile_file


@pytest.fixture
def mistakes(tmp_path, monkeypatch):
    def found(step, *, keeps_env=False):
        (tmp_path / "pyproject.toml").touch()
        (tmp_path / "functions.py").write_text("def one(x=1, y=2):\n    return 1\n")
        body = f"    call: functions:one\n    {step}\n    outputs: {{n: n.json}}\n"
        (tmp_path / "pipeline.yaml").write_text(f"pipespec: 1\nsteps:\n  one:\n{body}")
        monkeypatch.chdir(tmp_path)
        compiled = compile_file("pipeline.yaml", trusted=False, keeps_env=keeps_env)
        errors = [one for one in compiled.diagnostics if one.severity is Severity.ERROR]
        return compiled, [f"{one.code}: {one.message}" for one in errors]

    return found


@pytest.mark.parametrize(
    "step",
    [
        "resources: {gpu: '${env:GPUS}'}",
        "inputs: {x: {file: '${env:DATA}/x.json'}}",
        "inputs: {x: {files: '${env:DATA}/*.json'}}",
        "inputs: {x: {dir: '${env:DATA}'}}",
    ],
)
def test_what_a_variable_will_be_is_no_mistake_before_it_is_known(mistakes, step):
    assert mistakes(step)[1] == []


def test_a_value_that_is_known_is_still_judged(mistakes):
    assert mistakes("inputs: {x: {file: '${env:DATA, data}/x.json'}}")[1] == [
        "missing-file: input 'x': there is no file 'data/x.json'"
    ]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("${env:A}", "${env:A}"),
        ("${env:A, b}", "${env:A, b}"),
        ("${oc.env:A, ${env:B, c}}", "${oc.env:A, ${env:B, c}}"),
        ("x${env:A, ${step.name}}y", "x${env:A, one}y"),
        ("${env:A, {b, c}}", "${env:A, {b, c}}"),
        ("${env:A,}", "${env:A, }"),
    ],
)
def test_kept_references_bear_their_defaults_resolved(mistakes, written, kept):
    compiled, said = mistakes(f"params: {{x: '{written}'}}", keeps_env=True)

    assert said == []
    assert compiled.spec.steps["one"].params["x"].text == kept


@pytest.mark.parametrize("default", ["1", "{a: b}", "'lone }'", "' spaces '"])
def test_a_default_that_would_read_otherwise_cannot_be_kept(mistakes, tmp_path, default):
    step = "params: {x: '${env:A, ${params.d}}'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        mistakes(step)
        text = (tmp_path / "pipeline.yaml").read_text()
        (tmp_path / "pipeline.yaml").write_text(text.replace("steps:", f"params: {{d: {default}}}\nsteps:"))
        compiled = compile_file("pipeline.yaml", trusted=False, keeps_env=True)

    assert [one.code for one in compiled.diagnostics if one.severity is Severity.ERROR] == [
        "reference-syntax"
    ]

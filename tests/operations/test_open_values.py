"""`???` is an open value for what only looks at a pipeline, and a mistake for what runs it."""

import pytest

from pipespec import api
from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.views.diff_view import render_text
from pipespec.views.document_view import to_yaml

PIPELINE = """\
pipespec: 1
params:
  token: ???
  folder: ${params.token}/raw
  list:
    - 1
    - ???
  text: "???"
mlflow:
  tracking_uri: ???
engine:
  workers: ???
steps:
  make:
    call: steps:make
    params:
      token: ${params.token}
      folder: ${params.folder}-${step.name}
      when: ???
    resources:
      gpu: ???
  read:
    call: steps:read
    inputs:
      table:
        file: ${params.folder}/table.csv
notify:
  -
    url: ???
"""
STEPS = "def make(token: int, folder: str, when: dict): ...\ndef read(table): ...\n"
UNSET = [
    "params.token",
    "params.list[1]",
    "mlflow.tracking_uri",
    "engine.workers",
    "steps.make.params.when",
    "steps.make.resources.gpu",
    "notify[0].url",
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "steps.py").write_text(STEPS)
    monkeypatch.chdir(tmp_path)


def load(*overrides):
    return api.load("pipeline.yaml", overrides=overrides, requires_values=False)


def test_what_looks_at_a_pipeline_takes_it_as_it_is():
    assert api.validate(["pipeline.yaml"]).diagnostics == ()
    portrait = api.load("pipeline.yaml", trusted=False).portrait()
    assert list(portrait.spec.steps) == ["make", "read"]
    assert api.schema("pipeline.yaml")["properties"]["steps"]
    assert render_text(api.diff("pipeline.yaml", "pipeline.yaml")).endswith("no difference")


def test_the_resolved_document_says_what_is_open_and_reads_the_same_again(tmp_path):
    shown = to_yaml(load().document)

    (tmp_path / "pipeline.yaml").write_text(shown)
    assert to_yaml(load().document) == shown
    assert [line.strip() for line in shown.splitlines() if "?" in line or "${" in line] == [
        "token: ???",
        'folder: "${params.token}/raw"',
        "- ???",
        'text: "???"',
        "tracking_uri: ???",
        "workers: ???",
        "token: ${params.token}",
        'folder: "${params.token}/raw-${step.name}"',
        "when: ???",
        "gpu: ???",
        'file: "${params.token}/raw/table.csv"',
        "url: ???",
    ]


def test_what_runs_says_each_with_the_place_that_sets_it():
    with pytest.raises(InvalidPipelineError) as caught:
        api.load("pipeline.yaml")

    told = [(one.code, one.message.split("'")[1]) for one in caught.value.diagnostics]
    assert told == [("required-value", path) for path in UNSET]
    assert [str(one.hint).rpartition("--set ")[2] for one in caught.value.diagnostics][:2] == [
        "params.token=...",
        "params.list=...",
    ]
    with pytest.raises(InvalidPipelineError):
        api.render("pipeline.yaml")


def test_what_was_loaded_with_open_values_is_not_planned():
    with pytest.raises(UsageError, match="open values"):
        load().plan()


def test_a_value_that_a_higher_layer_sets_is_judged():
    found = api.validate(["pipeline.yaml"], overrides=["params.token=x", "params.folder=y"]).diagnostics

    assert {one.code for one in found} == {"missing-file", "param-type"}


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("timeout: ???", "steps.make.timeout"),
        ("call: ???", "steps.make.call"),
        ("matrix: {a: ???}", "steps.make.matrix.a"),
        ("inputs: {a: ???}", "steps.make.inputs.a"),
    ],
)
def test_what_decides_the_shape_of_a_pipeline_has_to_be_set(tmp_path, place, path):
    (tmp_path / "pipeline.yaml").write_text(f"pipespec: 1\nsteps: {{make: {{{place}}}}}\n")

    found = api.validate(["pipeline.yaml"]).diagnostics

    told = {one.code: one.message.split("'")[1] for one in found if one.code != "missing-key"}
    assert told == {"required-value": path}

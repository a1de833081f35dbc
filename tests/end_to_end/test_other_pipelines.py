"""Another pipeline's output as an input: read from its records, never run from here."""

import json
import shlex
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[2] / "schemas/plan.schema.json"

STEPS = """
def fit(depth: int) -> dict:
    return {"depth": depth}


def use(model: dict) -> dict:
    return {"used": model["depth"]}
"""

TRAIN = """\
pipespec: 1
steps:
  fit: {call: 'steps:fit', matrix: {depth: [4, 8]}, params: {}, outputs: {model: model.json}}
"""

USE = """\
pipespec: 1
steps:
  use:
    call: steps:use
    inputs: {model: {pipeline: train.yaml, output: "fit[depth=4].model"}}
    outputs: {o: o.json}
"""


@pytest.fixture
def two(empty_project):
    empty_project.write("parts/steps.py", STEPS)
    empty_project.write("parts/train.yaml", TRAIN)
    empty_project.write("parts/use.yaml", USE)
    return empty_project


def test_the_result_is_read_once_it_is_complete_and_a_new_one_runs_what_reads_it(two):
    answer = two.pipespec("run", "parts/use.yaml")
    assert (answer.code, answer.out) == (1, "")
    command = "pipespec run parts/train.yaml 'fit[depth=4]'"
    assert answer.err == (
        f"error: step 'fit[depth=4]' of pipeline 'train.yaml' is not complete; run it with: {command}\n"
    )
    assert not (two.folder / "mlflow.db").exists()

    assert two.ran("fit[depth=4]", file="parts/train.yaml") == {"fit[depth=4]"}
    assert two.ran(file="parts/use.yaml") == {"use"}
    assert two.ran(file="parts/use.yaml") == set()

    two.edit("parts/steps.py", '{"depth": depth}', '{"depth": depth + 1}')
    assert two.pipespec("plan", "parts/use.yaml").code == 1
    two.run(file="parts/train.yaml")
    assert two.ran(file="parts/use.yaml") == {"use"}


def test_a_result_in_another_store_is_read(two):
    two.edit(
        "parts/train.yaml", "pipespec: 1\n", "pipespec: 1\nmlflow: {tracking_uri: 'sqlite:///other.db'}\n"
    )
    two.run(file="parts/train.yaml")

    assert two.ran(file="parts/use.yaml") == {"use"}


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        (
            "parts/train.yaml",
            "params: {}",
            "inputs: {o: {pipeline: use.yaml, output: use}}",
            "pipelines read each other in a circle: parts/use.yaml -> parts/train.yaml -> parts/use.yaml",
        ),
        ("parts/use.yaml", "fit[depth=4].model", "fti", "there is no step 'fti'; did you mean 'fit'?"),
        ("parts/use.yaml", "fit[depth=4].model", "fit.model", "'fit' means 2 steps of pipeline 'train.yaml'"),
        (
            "parts/use.yaml",
            "fit[depth=4].model",
            "fit[depth=4].modle",
            "'fit[depth=4].modle' is not an output",
        ),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(two, file, old, new, why):
    two.edit("parts/steps.py", "def fit(depth: int)", "def fit(depth: int, o=None)")
    two.run(file="parts/train.yaml")
    two.edit(file, old, new)

    answer = two.pipespec("run", "parts/use.yaml")

    assert answer.code == 2
    assert why in answer.err
    assert len(answer.err.splitlines()) == 1


def test_the_latest_run_is_read_whatever_was_changed_since_and_it_is_told_which(two):
    two.edit("parts/use.yaml", 'output: "fit[depth=4].model"}', 'output: "fit[depth=4].model", run: latest}')
    answer = two.pipespec("run", "parts/use.yaml")
    command = "pipespec run parts/train.yaml 'fit[depth=4]'"
    assert (answer.code, answer.err) == (
        1,
        f"error: step 'fit[depth=4]' of pipeline 'train.yaml' never finished; run it with: {command}\n",
    )

    two.run(file="parts/train.yaml")
    run_id = two.query("select run_uuid from tags where key = 'pipespec.step' and value = 'fit[depth=4]'")[0][
        0
    ]
    ran = two.pipespec("run", "parts/use.yaml")
    which = f"uses 'fit[depth=4].model' of 'train.yaml': run {run_id[:8]}, the latest that finished"
    assert ran.code == 0, ran.err
    assert which in ran.out
    two.edit("parts/steps.py", '{"depth": depth}', '{"depth": depth + 1}')
    planned = two.pipespec("plan", "parts/use.yaml")
    assert which in planned.out
    assert two.ran(file="parts/use.yaml") == set()

    two.run(file="parts/train.yaml")
    assert two.ran(file="parts/use.yaml") == {"use"}
    answer = two.pipespec("plan", "parts/use.yaml", "--format", "json").json
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(answer)
    told = answer["outside"]
    assert [(one["step"], one["input"], one["source"], one["output"]) for one in told] == [
        ("use", "model", "train.yaml", "fit[depth=4].model")
    ]
    assert told[0]["run_id"] != run_id


def test_another_pipeline_is_read_with_its_overlays(two):
    two.write("parts/deep.yaml", "steps: {fit: {matrix: {depth: [4, 16]}}}\n")
    two.edit(
        "parts/use.yaml",
        'output: "fit[depth=4].model"}',
        'output: "fit[depth=16].model", overlays: [deep.yaml]}',
    )
    answer = two.pipespec("run", "parts/use.yaml")
    command = "pipespec run parts/train.yaml 'fit[depth=16]' -f parts/deep.yaml"
    assert (answer.code, answer.err) == (
        1,
        f"error: step 'fit[depth=16]' of pipeline 'train.yaml -f deep.yaml' is not complete; run it with: {command}\n",
    )

    assert two.pipespec(*shlex.split(command)[1:]).code == 0
    ran = two.pipespec("run", "parts/use.yaml")

    assert ran.code == 0, ran.err
    assert "uses 'fit[depth=16].model' of 'train.yaml -f deep.yaml': run " in ran.out
    two.edit("parts/use.yaml", "overlays: [deep.yaml]", "overlays: [gone.yaml]")
    gone = two.pipespec("run", "parts/use.yaml")
    assert gone.code == 2
    assert "parts/gone.yaml" in gone.err
    assert "Traceback" not in gone.err


def test_a_step_that_reads_another_pipeline_is_called_with_what_that_recorded(two, tmp_path):
    two.run(file="parts/train.yaml")

    answer = two.pipespec("call", "parts/use.yaml", "use", "--out", str(tmp_path / "out"))

    assert answer.code == 0, answer.err
    assert json.loads((tmp_path / "out/o.json").read_text()) == {"used": 4}

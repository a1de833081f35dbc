"""Another pipeline's output as an input: read from its records, never run from here."""

import pytest

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

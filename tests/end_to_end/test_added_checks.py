"""`metrics` and `checks` that are added to a step which is complete: the recorded output is read, and nothing runs."""

from pathlib import Path

import pytest

STEPS = """
from pathlib import Path


def train(depth: int) -> dict:
    return {"accuracy": depth / 10, "loss": {"train": 0.5, "test@5": 0.75}}


def fill(folder: Path) -> None:
    (folder / "scores.json").write_text('{"f1": 0.5}')


def best(scores: dict, folder: Path) -> dict:
    return scores
"""
PIPELINE = """\
pipespec: 1
name: later
steps:
  train: {call: "steps:train", params: {depth: 7}, outputs: {scores: scores.json}}
  fill: {call: "steps:fill", outputs: {folder: files/}}
  best: {call: "steps:best", inputs: {scores: train, folder: fill}, outputs: {best: best.json}}
"""
TRAIN, FILL = "outputs: {scores: scores.json}", "outputs: {folder: files/}"


@pytest.fixture
def later(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    assert empty_project.ran() == {"train", "fill", "best"}
    return empty_project


def ask(project, train="", fill=""):
    text = PIPELINE.replace(TRAIN, f"{TRAIN}{train}").replace(FILL, f"{FILL}{fill}")
    project.write("pipeline.yaml", text)


def metrics(project):
    steps = project.pipespec("status", "pipeline.yaml", "--format", "json").json["steps"]
    return {
        one["step"]: {
            name: value for name, value in one["metrics"].items() if not name.startswith("pipespec.")
        }
        for one in steps
    }


def test_metrics_and_checks_are_read_from_the_recorded_output(later):
    ask(
        later,
        ", metrics: scores, checks: {accuracy: {min: 0.7}, loss.test@5: {max: 0.75}}",
        ", metrics: folder/scores.json, checks: {f1: {min: 0.5}}",
    )

    assert later.pipespec("plan", "pipeline.yaml", "--exit-code").code == 0
    assert later.ran() == set()
    assert metrics(later) == {
        "train": {"accuracy": 0.7, "loss.train": 0.5, "loss.test_5": 0.75},
        "fill": {"f1": 0.5},
        "best": {},
    }


def test_metrics_alone_are_shown(later):
    ask(later, ", metrics: scores")

    assert later.ran() == set()
    assert metrics(later)["train"] == {"accuracy": 0.7, "loss.train": 0.5, "loss.test_5": 0.75}


def test_bounds_that_the_recorded_output_misses_fail_the_step(later):
    ask(later, ", metrics: scores, checks: {accuracy: {min: 0.8}, recall: {min: 0.1}}")

    answer = later.pipespec("run", "pipeline.yaml", "--format", "json")

    assert answer.code == 1
    assert {one["step"]: (one["state"], one["error"]) for one in answer.json["steps"]} == {
        "train": (
            "failed",
            (
                "accuracy is 0.7, below its minimum 0.8; metric 'recall' was not recorded; "
                "metrics that were: 'accuracy', 'loss.test_5', 'loss.train'"
            ),
        ),
        "fill": ("reused", None),
        "best": ("blocked", "depends on 'train', which failed"),
    }


@pytest.mark.parametrize("checks", ["", ", checks: {accuracy: {min: 0.5}}"])
def test_an_output_that_was_altered_has_no_metrics(later, checks):
    (uri,) = later.query(
        "select artifact_uri from runs join tags using (run_uuid) where key = 'pipespec.step' and value = 'train'"
    )[0]
    file = Path(uri.removeprefix("file://"), "scores.json")
    file.write_text(file.read_text().replace("0.7", "0.9"))  # of the same size

    ask(later, f", metrics: scores{checks}")

    assert metrics(later)["train"] == {}
    assert later.pipespec("plan", "pipeline.yaml", "--exit-code").code == (1 if checks else 0)


def test_a_step_that_is_decided_at_its_turn_is_judged_by_its_output_too(later):
    ask(later, ", metrics: scores, checks: {accuracy: {min: 0.7}}")
    later.edit("steps.py", "'{\"f1\": 0.5}'", "'{\"f1\":' + ' 0.5}'")  # the same bytes

    later.write(
        "pipeline.yaml",
        (later.folder / "pipeline.yaml")
        .read_text()
        .replace('"steps:best", ', '"steps:best", metrics: best, checks: {accuracy: {max: 0.7}}, '),
    )

    assert later.planned() == {"train": "reuse", "fill": "run", "best": "wait"}
    assert later.run() == {"train": "reused", "fill": "ran", "best": "reused"}

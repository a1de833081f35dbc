"""Tracking off: records go to a private store in the project's `.pipespec`, and nothing reaches the pipeline's own store."""

import sqlite3

import pytest

STORE = "store: sqlite:///.pipespec/private/mlflow.db (private: tracking is off)"
NOWHERE = "http://127.0.0.1:9"
CODE = """
import os

import mlflow


def seen() -> dict:
    mlflow.log_metric("loss", 0.5)
    return {"registry": os.environ.get("MLFLOW_REGISTRY_URI")}
"""
PIPELINE = f"""\
pipespec: 1
name: seen
mlflow: {{tracking_uri: {NOWHERE}, tags: {{team: nlp}}}}
steps:
  seen: {{call: "seen:seen", outputs: {{seen: seen.json}}}}
"""


@pytest.fixture
def shared(empty_project):
    """A pipeline whose server is away."""
    empty_project.write("seen.py", CODE)
    empty_project.write("pipeline.yaml", PIPELINE)
    empty_project.write("pipeline.sandbox.yaml", "mlflow: false\n")
    return empty_project


def last_line(project, *words, **variables):
    answer = project.pipespec(*words, **variables)
    assert answer.code == 0, answer.err
    return next(line for line in answer.out.splitlines() if line.startswith("store: "))


def test_runs_with_tracking_off_are_recorded_in_the_project_alone(shared):
    away = {"MLFLOW_REGISTRY_URI": NOWHERE}
    first = shared.pipespec("run", "--no-tracking", **away)
    assert (first.code, STORE in first.out.splitlines()) == (0, True), first.err

    for words, variables in (
        (["run", "--no-tracking"], {}),
        (["plan", "--env", "sandbox"], {}),
        (["status", "-f", "pipeline.sandbox.yaml"], {}),
        (["status", "--set", "mlflow=false"], {}),
        (["status"], {"PIPESPEC_TRACKING": "0"}),
    ):
        assert last_line(shared, *words, **variables) == STORE
    again = shared.pipespec("run", "--no-tracking")
    assert again.out.splitlines()[0].startswith("0 ran, 1 reused")

    assert sorted(path.name for path in shared.folder.iterdir() if path.name.startswith("ml")) == []
    assert shared.pipespec("get", "seen.seen", "-", "--no-tracking").json == {"registry": None}
    with sqlite3.connect(shared.folder / ".pipespec/private/mlflow.db") as opened:
        metrics = opened.execute("select distinct value from metrics where key = 'loss'").fetchall()
        assert metrics == [(0.5,)]
    assert shared.pipespec("logs", "seen", "--no-tracking").code == 0


def test_the_command_line_turns_tracking_on_again(shared):
    shared.write("pyproject.toml", "[tool.pipespec]\ntracking = false\n")
    assert last_line(shared, "plan") == STORE

    answer = shared.pipespec("plan", "--tracking")

    assert (answer.code, NOWHERE in answer.err) == (3, True)


def test_a_layer_above_one_without_tracking_chooses_a_store_again(shared):
    words = ["plan", "-f", "pipeline.sandbox.yaml", "--set", "mlflow.tracking_uri=sqlite:///own.db"]

    assert last_line(shared, *words) == "store: sqlite:///own.db"


@pytest.mark.parametrize("value", ["3", "'off'", "[1]"])
def test_what_is_neither_a_mapping_nor_false_is_refused(shared, value):
    answer = shared.pipespec("validate", "--set", f"mlflow={value}")

    shown = {"'off'": "'off'", "[1]": "a list"}.get(value, value)
    assert answer.code == 1
    assert f"error[wrong-kind]: 'mlflow' is {shown}, but must be a mapping, or false" in answer.out

"""What MLflow's functions do inside a step: each row of the table in `docs/mlflow.md` is executed in one."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from fluent_steps import CHILD, in_step, log_twice, params_of, runs_of, status_of

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs/mlflow.md"
TABLE = (
    PAGE.read_text(encoding="utf-8")
    .partition("| call | effect in a step |\n|---|---|\n")[2]
    .partition("\n\n")[0]
)
ROWS = [re.findall(r"`([^`]+)`", line.split(" | ")[0]) for line in TABLE.splitlines()]


def call(world, started, calls, *, then=lambda mlflow: None):
    """Execute calls in a step, then something else, then log a param with nothing said of where to."""

    def function():
        import mlflow

        values = [eval(one, {"mlflow": mlflow}) for one in calls]
        said = then(mlflow)
        mlflow.log_param("after", 1)
        return [getattr(getattr(value, "info", None), "run_id", None) for value in values], said

    code, answer = in_step(world, started, function)
    assert code == 0, answer
    return answer[0]


def of_step(world, started):
    run = world.client.get_run(started.run_id)
    return run.data.params, run.data.metrics


def active_run(world, started, calls):
    def then(mlflow):
        first = mlflow.active_run().info.run_id
        mlflow.end_run()
        ended = mlflow.active_run()
        mlflow.log_param("again", 1)
        with mlflow.start_run():
            pass
        return first, ended, mlflow.active_run()

    assert call(world, started, calls, then=then) == ([started.run_id], (started.run_id, None, None))
    assert of_step(world, started) == ({"again": "1", "after": "1"}, {})


def logging(world, started, calls):
    call(world, started, calls)
    assert of_step(world, started) == ({"rounds": "7", "after": "1"}, {"loss": 0.5})
    assert world.client.get_run(started.run_id).data.tags["mood"] == "good"
    assert [file.path for file in world.client.list_artifacts(started.run_id)] == ["notes.txt"]


def autologging(world, started, calls):
    def then(mlflow):
        from sklearn.linear_model import LinearRegression

        LinearRegression(n_jobs=3).fit([[1], [2]], [1, 2])

    call(world, started, calls, then=then)
    assert of_step(world, started)[0]["n_jobs"] == "3"
    assert len(runs_of(world, "world/train")) == 1


def start_run(world, started, calls):
    def then(mlflow):
        mlflow.end_run()
        return mlflow.start_run().info.run_id

    assert call(world, started, calls, then=then) == ([started.run_id], started.run_id)
    assert of_step(world, started) == ({"after": "1"}, {})


def start_run_with_name(world, started, calls):
    before = world.client.get_run(started.run_id).info.run_name
    assert call(world, started, calls) == ([started.run_id], None)
    run = world.client.get_run(started.run_id)
    assert run.info.run_name == run.data.tags["mlflow.runName"] == before
    assert (run.data.tags["team"], run.data.tags["mlflow.note.content"]) == ("nlp", "Mine.")


def start_run_nested(world, started, calls):
    (nested,), _ = call(world, started, calls)
    run = world.client.get_run(nested)
    assert (run.info.experiment_id, run.data.tags["mlflow.parentRunId"], run.data.params) == (
        started.experiment_id,
        started.run_id,
        {"after": "1"},
    )
    assert of_step(world, started) == ({}, {})


def start_run_elsewhere(world, started, calls):
    (own,), _ = call(world, started, calls)
    assert [(run.info.run_id, run.data.params) for run in runs_of(world, "Default")] == [
        (own, {"after": "1"})
    ]
    other = world.client.create_run("0").info.run_id
    assert call(world, started, [f"mlflow.start_run(run_id={other!r})"]) == ([other], None)
    assert params_of(world, started) == {}


def end_run(world, started, calls):
    def then(mlflow):
        mlflow.log_param("before", 1)
        mlflow.end_run("FAILED")
        return mlflow.active_run(), mlflow.get_run(started.run_id).info.status

    assert call(world, started, calls, then=then) == ([None], (None, "RUNNING"))
    assert of_step(world, started) == ({"before": "1", "after": "1"}, {})


def last_active_run(world, started, calls):
    def then(mlflow):
        with mlflow.start_run(nested=True) as run:
            within = mlflow.last_active_run().info.run_id == run.info.run_id
        return within, mlflow.last_active_run().info.run_id

    assert call(world, started, calls, then=then) == ([started.run_id], (True, started.run_id))


def set_experiment(world, started, calls):
    def then(mlflow):
        with mlflow.start_run() as run:
            mlflow.log_param("own", 1)
        return mlflow.active_run(), run.info.run_id

    _, (active, own) = call(world, started, calls, then=then)
    assert active is None
    assert [(run.info.run_id, run.data.params) for run in runs_of(world, "mine")] == [(own, {"own": "1"})]
    assert params_of(world, started) == {"after": "1"}


def set_tracking_uri(world, started, calls):
    shutil.copy(world.root / "mlflow.db", world.root / "mine.db")  # as empty as it is, but for the run
    call(world, started, calls)
    assert params_of(world, started) == {}
    import mlflow

    theirs = mlflow.MlflowClient(f"sqlite:///{world.root}/mine.db")
    assert theirs.get_run(started.run_id).data.params == {}
    assert [run.data.params for run in theirs.search_runs(["0"])] == [{"after": "1"}]


def client(world, started, calls):
    call(world, started, calls)
    assert params_of(world, started) == {"after": "1"}


def children(world, started, calls):
    assert len(calls) == 4
    (world.root / "child.py").write_text(CHILD.format(name="subprocess"), encoding="utf-8")

    def function():
        import multiprocessing
        import subprocess

        import joblib

        names = {"multiprocessing": multiprocessing, "subprocess": subprocess, "joblib": joblib, "sys": sys}
        program, spawn, fork, parallel = (eval(one, names) for one in calls)
        assert program.returncode == 0
        for method in (spawn, fork):
            child = method.Process(target=log_twice, args=(method.get_start_method(),))
            child.start()
            child.join()
            assert child.exitcode == 0
        parallel([joblib.delayed(log_twice)("loky")])
        # A fork of this process runs exit callbacks in the order in which other tests imported their modules.
        joblib.externals.loky.get_reusable_executor().shutdown(wait=True)

    assert in_step(world, started, function)[0] == 0
    assert params_of(world, started) == {
        name: value
        for way in ("subprocess", "spawn", "fork", "loky")
        for name, value in ((way, "1"), (f"{way}_again", "2"))
    }
    assert len(runs_of(world, "world/train")) == 1
    assert runs_of(world, "Default") == []


CHECKS = [
    active_run,
    logging,
    autologging,
    start_run,
    start_run_with_name,
    start_run_nested,
    start_run_elsewhere,
    end_run,
    last_active_run,
    set_experiment,
    set_tracking_uri,
    client,
    children,
]


@pytest.mark.parametrize(
    ("calls", "check"), list(zip(ROWS, CHECKS, strict=True)), ids=[one.__name__ for one in CHECKS]
)
def test_each_row_of_the_table_holds(world, started, calls, check):
    check(world, started, calls)
    assert status_of(world, started) == "RUNNING"

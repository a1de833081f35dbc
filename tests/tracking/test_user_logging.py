"""What a step's function may do with MLflow's own API; each pattern runs in a process of its own, as steps do."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap

import pytest
from fluent_steps import in_step, params_of, runs_of, status_of

from pipespec.tracking.writing import user_logging


def test_bare_logging_reaches_the_steps_run(world, started):
    def function():
        import mlflow

        mlflow.log_param("rounds", 7)
        mlflow.log_metric("loss", 0.5)
        mlflow.set_tag("mood", "good")
        mlflow.log_text("hello", "notes/hello.txt")
        return mlflow.active_run().info.run_id

    assert in_step(world, started, function) == (0, (started.run_id, True))
    run = world.client.get_run(started.run_id)
    assert (run.data.params, run.data.metrics, run.data.tags["mood"]) == (
        {"rounds": "7"},
        {"loss": 0.5},
        "good",
    )
    assert world.client.download_artifacts(started.run_id, "notes/hello.txt", str(world.root))
    assert len(runs_of(world, "world/train")) == 1
    assert runs_of(world, "Default") == []


def test_start_run_reaches_the_steps_run_as_often_as_it_is_called(world, started):
    def function():
        import mlflow

        seen = []
        with mlflow.start_run() as run:
            mlflow.log_param("first", 1)
            seen.append(run.info.run_id)
        with mlflow.start_run(run_name="mine", tags={"team": "nlp"}, description="Said twice."):
            mlflow.log_param("second", 2)
        run = mlflow.start_run()
        mlflow.log_param("third", 3)
        mlflow.end_run()
        return [*seen, run.info.run_id, mlflow.last_active_run().info.run_id]

    assert in_step(world, started, function) == (0, ([started.run_id] * 3, True))
    assert params_of(world, started) == {"first": "1", "second": "2", "third": "3"}
    assert world.client.get_run(started.run_id).data.tags["team"] == "nlp"
    assert len(runs_of(world, "world/train")) == 1


def test_start_run_after_bare_logging_is_no_mistake(world, started):
    def function():
        import mlflow

        mlflow.log_param("before", 1)
        with mlflow.start_run():
            mlflow.log_param("within", 2)
        mlflow.log_param("after", 3)

    assert in_step(world, started, function)[0] == 0
    assert params_of(world, started) == {"before": "1", "within": "2", "after": "3"}


def test_two_runs_open_at_once_are_a_mistake_as_ever(world, started):
    def function():
        import mlflow

        mlflow.start_run()
        mlflow.start_run()

    code, said = in_step(world, started, function)
    assert code == 1
    assert "is already active" in said


@pytest.mark.parametrize("outer", [True, False])
def test_nested_runs_are_the_users_own_below_the_steps(world, started, outer):
    def function():
        import contextlib

        import mlflow

        ids = []
        with mlflow.start_run() if outer else contextlib.nullcontext():
            for depth in (4, 8):
                with mlflow.start_run(nested=True, run_name=f"depth {depth}") as child:
                    mlflow.log_param("depth", depth)
                    ids.append(child.info.run_id)
            mlflow.log_param("best", 4)
        return ids

    code, (ids, _) = in_step(world, started, function)
    children = [world.client.get_run(run_id) for run_id in ids]
    assert code == 0
    assert started.run_id not in ids
    assert [child.data.params for child in children] == [{"depth": "4"}, {"depth": "8"}]
    assert [child.info.status for child in children] == ["FINISHED"] * 2
    assert [child.data.tags["mlflow.parentRunId"] for child in children] == [started.run_id] * 2
    assert [child.info.experiment_id for child in children] == [started.experiment_id] * 2
    assert params_of(world, started) == {"best": "4"}


def test_logging_after_end_run_still_reaches_the_steps_run(world, started):
    def function():
        import mlflow

        mlflow.log_param("before", 1)
        mlflow.end_run()
        mlflow.end_run("FAILED")
        mlflow.log_param("after", 2)

    assert in_step(world, started, function)[0] == 0
    assert params_of(world, started) == {"before": "1", "after": "2"}


@pytest.mark.parametrize("way", ["set_terminated", "update_run"])
def test_the_status_of_the_steps_run_is_out_of_reach_of_the_client_too(world, started, way):
    def function():
        import mlflow

        getattr(mlflow.MlflowClient(), way)(started.run_id, status="FINISHED")

    assert in_step(world, started, function)[0] == 0
    assert status_of(world, started) == "RUNNING"


def test_a_chosen_experiment_takes_the_users_own_runs(world, started):
    def function():
        import mlflow

        mlflow.set_experiment("theirs")
        mlflow.log_param("bare", 1)
        mlflow.end_run()
        with mlflow.start_run(run_name="own") as run:
            mlflow.log_param("own", 2)
        mlflow.log_param("bare_again", 3)
        return run.info.run_id

    code, (own, reusable) = in_step(world, started, function)
    assert (code, reusable) == (0, False)
    assert [run.info.run_id for run in runs_of(world, "theirs")] == [own]
    assert dict(world.client.get_run(own).data.params) == {"own": "2"}
    assert world.client.get_run(own).info.status == "FINISHED"
    assert params_of(world, started) == {"bare": "1", "bare_again": "3"}


@pytest.mark.parametrize("by", ["experiment_id", "name"])
def test_the_steps_own_experiment_is_no_other(world, started, by):
    def function():
        import mlflow

        given = {}
        if by == "name":
            mlflow.set_experiment("world/train")
        else:
            given = {"experiment_id": started.experiment_id}
        with mlflow.start_run(**given) as run:
            return run.info.run_id

    code, (run_id, _) = in_step(world, started, function)
    assert (code, run_id) == (0, started.run_id)


def test_another_experiment_by_id_and_another_run_by_id_are_the_users_own(world, started):
    other = world.client.create_run(world.client.create_experiment("theirs")).info

    def function():
        import mlflow

        with mlflow.start_run(experiment_id=other.experiment_id) as by_experiment:
            pass
        with mlflow.start_run(run_id=other.run_id) as by_run:
            mlflow.log_param("x", 1)
        return by_experiment.info.run_id, by_run.info.run_id

    _, ((by_experiment, by_run), _) = in_step(world, started, function)
    assert by_run == other.run_id
    assert {run.info.run_id for run in runs_of(world, "theirs")} == {by_experiment, by_run}
    assert params_of(world, started) == {}


def test_another_store_is_the_users_own(world, started, tmp_path, empty_store):
    import shutil

    elsewhere = shutil.copy(empty_store, tmp_path / "elsewhere.db")

    def function():
        import mlflow

        mlflow.log_param("ours", 1)
        mlflow.end_run()
        mlflow.set_tracking_uri(f"sqlite:///{elsewhere}")
        with mlflow.start_run() as run:
            mlflow.log_param("theirs", 2)
        mlflow.log_param("theirs_bare", 3)
        return run.info.run_id, mlflow.active_run().info.run_id

    code, ((own, bare), reusable) = in_step(world, started, function)
    assert (code, reusable) == (0, False)
    assert params_of(world, started) == {"ours": "1"}
    import mlflow

    theirs = mlflow.MlflowClient(f"sqlite:///{elsewhere}")
    assert [dict(theirs.get_run(run_id).data.params) for run_id in (own, bare)] == [
        {"theirs": "2"},
        {"theirs_bare": "3"},
    ]
    assert theirs.get_run(bare).info.status == "FINISHED"


def test_the_same_store_by_another_spelling_is_the_same(world, started):
    def function():
        import mlflow

        mlflow.set_tracking_uri("sqlite:///mlflow.db")
        with mlflow.start_run() as run:
            mlflow.log_param("x", 1)
        return run.info.run_id

    assert in_step(world, started, function)[1][0] == started.run_id
    assert params_of(world, started) == {"x": "1"}


@pytest.mark.parametrize("explicit", [True, False])
def test_autologging_reaches_the_steps_run(world, started, explicit):
    def function():
        import contextlib

        import mlflow
        from sklearn.linear_model import LinearRegression

        mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
        with mlflow.start_run() if explicit else contextlib.nullcontext():
            LinearRegression(fit_intercept=False).fit([[0.0], [1.0]], [0.0, 1.0])

    code, (_, reusable) = in_step(world, started, function)
    assert (code, reusable) == (0, False)
    assert params_of(world, started)["fit_intercept"] == "False"
    assert len(runs_of(world, "world/train")) == 1


def test_autologging_under_the_name_of_our_param_breaks_neither(world):
    begun = world.start(params={"fit_intercept": "ours"})

    def function():
        import mlflow
        from sklearn.linear_model import LinearRegression

        mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
        LinearRegression(fit_intercept=False).fit([[0.0], [1.0]], [0.0, 1.0])

    assert in_step(world, begun, function)[0] == 0
    world.recorder.publish(begun, world.outcome(begun, {"t.csv": b"1"}), manifest={})
    assert world.ledger().run(begun.run_id).status == "FINISHED"
    assert params_of(world, begun)["fit_intercept"] == "ours"


@pytest.mark.parametrize("value", [True, None, 3, 0.005, 1e-7, "text", [1, "a"], {}])
def test_an_argument_logged_under_its_own_name_is_our_param_already(world, value):
    begun = world.start(params={"argument": value})

    def function():
        import mlflow

        mlflow.log_param("argument", value)

    assert in_step(world, begun, function)[0] == 0
    assert params_of(world, begun) == {"argument": str(value)}


@pytest.mark.parametrize("within", [True, False])
def test_an_exception_leaves_the_status_to_the_parent(world, started, within):
    def function():
        import contextlib

        import mlflow

        with mlflow.start_run() if within else contextlib.nullcontext():
            mlflow.log_param("x", 1)
            raise ValueError("no such column")

    code, said = in_step(world, started, function)
    assert code == 1
    assert "no such column" in said
    assert status_of(world, started) == "RUNNING"


@pytest.mark.parametrize("code", [0, 1])
def test_an_exit_leaves_the_status_to_the_parent(world, started, code):
    def function():
        import mlflow

        mlflow.log_param("x", 1)
        sys.exit(code)

    assert in_step(world, started, function) == (code, f"exit {code}")
    assert status_of(world, started) == "RUNNING"


def test_threads_reach_the_steps_run(world, started):
    def function():
        import threading

        import mlflow

        def log(number):
            mlflow.log_param(f"bare_{number}", number)
            mlflow.end_run()
            with mlflow.start_run():
                mlflow.log_param(f"within_{number}", number)

        threads = [threading.Thread(target=log, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert in_step(world, started, function)[0] == 0
    assert params_of(world, started) == {
        f"{kind}_{n}": f"{n}" for n in range(3) for kind in ("bare", "within")
    }
    assert len(runs_of(world, "world/train")) == 1


def test_processes_that_the_function_forks_reach_the_steps_run(world, started):
    def function():
        import mlflow

        mlflow.log_param("parent", 1)
        child = multiprocessing.get_context("fork").Process(target=lambda: mlflow.log_param("child", 2))
        child.start()
        child.join()
        return child.exitcode

    assert in_step(world, started, function) == (0, (0, True))
    assert params_of(world, started) == {"parent": "1", "child": "2"}
    assert status_of(world, started) == "RUNNING"


def test_asynchronous_logging_is_finished_before_the_step_is(world, started):
    def function():
        import mlflow

        for step in range(20):
            mlflow.log_metric("loss", step, step=step, synchronous=False)

    assert in_step(world, started, function)[0] == 0
    assert len(world.client.get_metric_history(started.run_id, "loss")) == 20


def test_a_run_that_the_function_left_open_is_ended(world, started):
    def function():
        import mlflow

        mlflow.set_experiment("theirs")
        return mlflow.start_run().info.run_id

    _, (own, _) = in_step(world, started, function)
    assert world.client.get_run(own).info.status == "FINISHED"


def test_traces_and_models_go_to_the_steps_experiment(world, started):
    def function():
        import mlflow

        mlflow.trace(lambda: 1, name="traced")()
        return mlflow.tracking.fluent._get_experiment_id()

    assert in_step(world, started, function)[1][0] == started.experiment_id


def test_nothing_reaches_the_next_step_in_the_same_process(world, started):
    second = world.start("second", "second")

    def function():
        import mlflow

        before = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW")}
        mlflow.log_param("first", 1)
        assert user_logging.deactivate()
        user_logging.activate(world.recorder.tracking_uri, second.run_id, second.experiment_id)
        mlflow.log_param("second", 2)
        with mlflow.start_run():
            mlflow.log_param("third", 3)
        assert user_logging.deactivate()
        after = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW")}
        return sorted(set(before) - set(after)), sorted(set(after) - set(before))

    assert in_step(world, started, function, deactivate=False) == (
        0,
        (["MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI"], []),
    )
    assert params_of(world, started) == {"first": "1"}
    assert params_of(world, second) == {"second": "2", "third": "3"}


def test_a_function_that_does_not_use_mlflow_does_not_pay_for_it(world):
    begun = world.start()
    code = """
        import sys
        from pipespec.tracking.writing import user_logging
        user_logging.activate(*sys.argv[1:])
        import json, decimal
        assert "mlflow" not in sys.modules and "sqlalchemy" not in sys.modules
        assert user_logging.deactivate()
        import mlflow
        print(mlflow.__spec__.loader.__class__.__name__)
    """
    done = run_python(code, world, begun)
    assert (done.stdout, done.returncode) == ("SourceFileLoader\n", 0), done.stderr


def test_a_function_that_imports_mlflow_itself_is_joined(world, started):
    code = """
        import sys
        from pipespec.tracking.writing import user_logging
        user_logging.activate(*sys.argv[1:])
        import mlflow.sklearn
        import importlib.resources
        mlflow.log_param("x", 1)
        with mlflow.start_run():
            mlflow.log_param("y", 2)
        assert importlib.resources.files("mlflow").joinpath("version.py").is_file()
        sys.exit(1)
    """
    done = run_python(code, world, started)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert params_of(world, started) == {"x": "1", "y": "2"}


def run_python(code: str, world, begun) -> subprocess.CompletedProcess:
    arguments = [world.recorder.tracking_uri, begun.run_id, begun.experiment_id]
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=world.root,
    )

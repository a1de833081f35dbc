"""What other interpreters log that a step starts: with and without pipespec in them, and after the step's end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from fluent_steps import in_step, params_of, runs_of, status_of

from pipespec.tracking.writing.child_logging import StepRunContext
from pipespec.tracking.writing.step_environment import STEP_RUN

pytestmark = pytest.mark.slow


def run_child(code, *, without=()):
    environment = {name: value for name, value in os.environ.items() if name not in without}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done


def test_without_pipespec_the_first_run_of_a_child_is_the_steps(world, started):
    def function():
        run_child("import mlflow\nmlflow.log_param('x', 1)\n", without=(STEP_RUN,))

    assert in_step(world, started, function)[0] == 0
    assert params_of(world, started) == {"x": "1"}
    assert len(runs_of(world, "world/train")) == 1
    assert status_of(world, started) == "FINISHED"  # as the page says; the parent ends it anew
    world.client.update_run(started.run_id, status="RUNNING")


def test_a_child_that_outlives_the_step_resumes_nothing(world):
    begun = world.start()
    told = {}

    def function():
        told.update(
            {name: value for name, value in os.environ.items() if name.startswith(("MLFLOW_", "PIPESPEC_"))}
        )
        return dict(told)

    _, (environment, _) = in_step(world, begun, function)
    record = world.recorder.publish(begun, world.outcome(begun, {"t.csv": b"1"}), manifest={})
    done = subprocess.run(
        [sys.executable, "-c", "import mlflow\nwith mlflow.start_run():\n    mlflow.log_param('late', 1)\n"],
        env={**os.environ, **environment},
        cwd=world.root,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert params_of(world, begun) == {}
    assert status_of(world, begun) == "FINISHED"
    assert world.ledger().complete([world.key("one")])[world.key("one")].run_id == record.run_id
    others = [run.data.params for run in runs_of(world, "world/train") if run.info.run_id != begun.run_id]
    assert others == [{"late": "1"}]


def test_a_child_that_chooses_for_itself_is_left_alone(world, started):
    def function():
        run_child(
            "import mlflow\n"
            "mlflow.set_experiment('theirs')\n"
            "with mlflow.start_run():\n"
            "    mlflow.log_param('own', 1)\n"
            "mlflow.log_param('bare', 2)\n"
        )

    assert in_step(world, started, function)[0] == 0
    assert [run.data.params for run in runs_of(world, "theirs")] == [{"own": "1"}]
    assert params_of(world, started) == {"bare": "2"}


def test_where_no_step_runs_mlflow_is_as_it_is(tmp_path):
    code = (
        "import sys, types, mlflow\n"
        "import mlflow.tracking.fluent as fluent\n"
        "assert type(mlflow) is types.ModuleType\n"
        "assert not hasattr(fluent.start_run, 'joins_step')\n"
        "assert 'pipespec.tracking.writing.child_logging' in sys.modules\n"
        "print(sorted(name for name in sys.modules if name.startswith('pipespec.')))\n"
    )
    done = run_child(code, without=(STEP_RUN,))
    assert done.stdout == (
        "['pipespec.tracking', 'pipespec.tracking.writing', 'pipespec.tracking.writing.child_logging',"
        " 'pipespec.tracking.writing.step_environment']\n"
    )


def test_the_plug_in_adds_nothing_to_runs(monkeypatch):
    monkeypatch.delenv(STEP_RUN, raising=False)
    context = StepRunContext()
    assert (context.in_context(), context.tags()) == (False, {})


@pytest.mark.parametrize("form", ["from mlflow import log_param", "import mlflow.entities"])
def test_a_child_is_joined_however_it_imports_mlflow(world, started, form):
    log = "log_param" if form.startswith("from") else "mlflow.log_param"

    def function():
        return run_child(
            f"{form}\nimport types, sys\n{log}('x', 1)\nprint(type(sys.modules['mlflow']).__name__)\n"
        ).stdout

    assert in_step(world, started, function) == (0, ("module\n", True))
    assert params_of(world, started) == {"x": "1"}
    assert status_of(world, started) == "RUNNING"

"""Killing a run at every named point, and running again: the end is that of one clean run."""

import os
import signal
import time

import pytest
from fault_judge import assert_clean_end, executions, with_steps

from pipespec.fault_points import POINTS, REGISTRATION_POINTS

pytestmark = pytest.mark.faults


@pytest.fixture
def three(empty_project):
    return with_steps(empty_project)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_kill_at_a_point_and_run_again(three, point, nth):
    fault = {"PIPESPEC_FAULT_TESTING": "1", "PIPESPEC_FAULT": f"{point}:{nth}:kill9"}

    struck = three.pipespec("run", "pipeline.yaml", **fault)

    in_child = point.startswith("step.") or (point.startswith("publish.") and struck.code == 1)
    passed_unharmed = nth == 2 and struck.code == 0
    assert passed_unharmed or struck.code == (1 if in_child else -signal.SIGKILL), (struck.code, struck.err)
    assert_clean_end(three)
    assert all(count <= 2 for count in executions(three).values())


@pytest.mark.parametrize("point", [point for point in POINTS if not point.startswith("step.")])
def test_error_at_a_point_is_told_and_healed(three, point):
    fault = {"PIPESPEC_FAULT_TESTING": "1", "PIPESPEC_FAULT": f"{point}:1:raise"}

    struck = three.pipespec("run", "pipeline.yaml", **fault)

    assert struck.code in (0, 1, 3), (struck.code, struck.err)
    assert "Traceback" not in struck.err
    assert_clean_end(three)


@pytest.mark.parametrize("seed", range(3))
def test_kill_at_any_moment_and_run_again(three, seed):
    moment = 2.0 + seed * 1.7
    process = three.start("run", "pipeline.yaml")
    time.sleep(moment)  # the moment is the point of the test: anywhere in start-up, steps and publication
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)

    assert_clean_end(three)


MODEL_STEPS = """
import pandas as pd
from sklearn.dummy import DummyRegressor


def train(table: pd.DataFrame):
    return DummyRegressor().fit(table[["a"]], table["y"])
"""

MODEL_PIPELINE = """\
pipespec: 1
name: models
steps:
  train:
    call: steps:train
    inputs: {table: {file: table.csv}}
    outputs: {model: {file: model/, flavor: sklearn, register: {name: mean, alias: champion}}}
"""


@pytest.mark.parametrize("point", REGISTRATION_POINTS)
def test_kill_while_a_model_is_registered_and_run_again(empty_project, point):
    empty_project.write("steps.py", MODEL_STEPS)
    empty_project.write("table.csv", "a,y\n1,2\n3,4\n")
    empty_project.write("pipeline.yaml", MODEL_PIPELINE)
    fault = {"PIPESPEC_FAULT_TESTING": "1", "PIPESPEC_FAULT": f"{point}:1:kill9"}

    struck = empty_project.pipespec("run", "pipeline.yaml", **fault)

    assert struck.code == -signal.SIGKILL, struck.err
    for expected in ({"train": "reused"}, {"train": "reused"}):
        assert empty_project.run() == expected
        versions = "select name, version from model_versions where current_stage != 'Deleted_Internal'"
        assert empty_project.query(versions) == [("mean", 1)]
        aliases = "select name, alias, version from registered_model_aliases"
        assert empty_project.query(aliases) == [("mean", "champion", 1)]

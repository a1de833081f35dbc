"""Killing a run at every named point, and running again: the end is that of one clean run.

The judge reads MLflow's database and the artifact folders itself, through no code of ours.
"""

import hashlib
import json
import os
import signal
import time
from collections import Counter

import pytest

from pipespec.fault_points import POINTS, REGISTRATION_POINTS

pytestmark = pytest.mark.faults

STEPS = """
import os


def note(word):
    with open(os.path.join(os.path.dirname(__file__), "executions.txt"), "a") as file:
        file.write(word + "\\n")


def first(count: int) -> list:
    note("first")
    return list(range(count))


def second(numbers: list, folder) -> dict:
    note("second")
    (folder / "a.txt").write_text("a" * len(numbers))
    (folder / "b.txt").write_text("b")
    return {"size": len(numbers)}


def third(sizes: dict) -> dict:
    note("third")
    return sizes
"""

PIPELINE = """\
pipespec: 1
name: three
steps:
  first:
    call: steps:first
    params: {count: 3}
    outputs: {numbers: numbers.json}
  second:
    call: steps:second
    inputs: {numbers: first}
    outputs: {folder: folder/, sizes: sizes.json}
    metrics: sizes
  third:
    call: steps:third
    inputs: {sizes: second.sizes}
    outputs: {sizes: sizes.json}
"""

STEP_NAMES = {"first", "second", "third"}


@pytest.fixture
def three(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    return empty_project


def published(project):
    """Every finished run with a key: its step, after checking that each file it promises is there, whole."""
    rows = project.query(
        "select r.run_uuid, r.artifact_uri, s.value, k.value, o.value, m.value from runs r"
        " join tags s on s.run_uuid = r.run_uuid and s.key = 'pipespec.step'"
        " join tags k on k.run_uuid = r.run_uuid and k.key = 'pipespec.key'"
        " join tags o on o.run_uuid = r.run_uuid and o.key = 'mlflow.pipespec.outputs'"
        " join tags m on m.run_uuid = r.run_uuid and m.key = 'pipespec.manifest'"
        " where r.status = 'FINISHED'"
    )
    for run_id, uri, _, _, outputs, manifest in rows:
        folder = uri.removeprefix("file://")
        with open(os.path.join(folder, "pipespec/step.json"), "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == manifest, run_id
        for output in json.loads(outputs).values():
            path = os.path.join(folder, output["file"])
            if output["file"].endswith("/"):
                assert sum(len(files) for _, _, files in os.walk(path)) == output["files"]
            else:
                with open(path, "rb") as file:
                    assert hashlib.sha256(file.read()).hexdigest() == output["digest"]
    return Counter(step for _, _, step, _, _, _ in rows)


def executions(project):
    return Counter((project.folder / "executions.txt").read_text().split())


def assert_clean_end(project):
    """Run plainly; then all is published once, nothing is left over, and another run does nothing."""
    again = project.pipespec("run", "pipeline.yaml", "--format", "json")
    assert again.code == 0, again.err
    assert published(project) == dict.fromkeys(STEP_NAMES, 1)
    # The run of an invocation that died may stay RUNNING: where nothing is to do, nothing is written.
    assert project.query(
        "select count(*) from runs r join tags t on t.run_uuid = r.run_uuid"
        " where t.key = 'pipespec.step' and r.status = 'RUNNING'"
    ) == [(0,)]
    assert project.ran() == set()
    if again.json["invocation"] is not None:  # where nothing is to do, nothing is touched
        staging = project.folder / ".pipespec/staging"
        assert not staging.exists() or not list(staging.iterdir())


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


@pytest.mark.parametrize("seed", range(6))
def test_kill_at_any_moment_and_run_again(three, seed):
    moment = 2.0 + seed * 0.9
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

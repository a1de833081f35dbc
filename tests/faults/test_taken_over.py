"""A run that stands still while another host takes it over, and one that is killed just before its end: one result counts.

The other host is the same computer under another name, so that its processes can only be judged by their leases; its clock goes
a year wrong. What came of it is read from MLflow's database, through no code of ours.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from fault_judge import PIPELINE, executions, with_steps

pytestmark = pytest.mark.faults

AS_ANOTHER_HOST = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
RUN = [sys.executable, "-m", "pipespec", "run", "pipeline.yaml", "--format", "json"]
WRONG_CLOCK = """
import time
_right = time.time
time.time = lambda: _right() + {seconds}
"""
YEAR = 365 * 24 * 3600


@pytest.fixture
def in_a_file(empty_project):
    return with_steps(empty_project), empty_project.folder / "mlflow.db"


@pytest.fixture
def on_a_server(empty_project, mlflow_on_sqlite):
    project = with_steps(empty_project)
    text = PIPELINE.replace("name: three\n", f"name: three-{uuid.uuid4().hex[:8]}\n")
    project.write("pipeline.yaml", f"{text}mlflow: {{tracking_uri: '{mlflow_on_sqlite.url}'}}\n")
    project.edit("pipeline.yaml", "{count: 3}", f"{{count: {uuid.uuid4().int % 10**6}}}")
    return project, mlflow_on_sqlite.folder / "mlflow.db"


def start(project, *before, **extra):
    return subprocess.Popen(
        [*before, *RUN],
        cwd=project.folder,
        env=project.environment(**extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def fault(point, deed):
    return {"PIPESPEC_FAULT_TESTING": "1", "PIPESPEC_FAULT": f"{point}:1:{deed}"}


def stands_still(process):
    while (Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]) != "T":
        assert process.poll() is None, process.communicate()
        os.sched_yield()


def states(process):
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err
    return {step["step"]: step["state"] for step in json.loads(out)["steps"]}


def statuses(project, database):
    """The states of all runs of each step, in the order in which they were made."""
    name = next(line for line in (project.folder / "pipeline.yaml").open() if line.startswith("name: "))
    with closing(sqlite3.connect(database)) as db:
        rows = db.execute(
            "SELECT s.value, r.status FROM runs r JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'pipespec.step'"
            " JOIN tags p ON p.run_uuid = r.run_uuid AND p.key = 'pipespec.pipeline' WHERE p.value = ? ORDER BY r.rowid",
            (name.removeprefix("name: ").strip(),),
        ).fetchall()
    found = {}
    for step, status in rows:
        found.setdefault(step, []).append(status)
    return found


@pytest.mark.parametrize(
    ("store", "point", "seconds", "executed"),
    [
        ("in_a_file", "publish.after-manifest", YEAR, 2),
        ("on_a_server", "publish.before-batch", YEAR, 2),
        ("on_a_server", "publish.before-batch", -YEAR, 2),
        ("on_a_server", "publish.after-batch", YEAR, 1),
    ],
)
def test_of_a_run_that_stood_still_and_who_took_it_over_one_result_counts(
    request, tmp_path, store, point, seconds, executed
):
    if subprocess.run(["unshare", "--uts", "true"], capture_output=True).returncode:
        pytest.skip("only root may be another host")
    project, database = request.getfixturevalue(store)
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock/sitecustomize.py").write_text(WRONG_CLOCK.format(seconds=seconds))

    late = start(project, **fault(point, "stop"))
    try:
        stands_still(late)
        other = start(project, *AS_ANOTHER_HOST, PYTHONPATH=str(tmp_path / "clock"))
        theirs = states(other)
    finally:
        os.kill(late.pid, signal.SIGCONT)
    ours = states(late)

    assert executions(project) == {"first": executed, "second": 1, "third": 1}
    if executed == 2:
        assert theirs == dict.fromkeys(("first", "second", "third"), "ran")
        assert ours == dict.fromkeys(("first", "second", "third"), "reused")
        expected = ["KILLED", "FINISHED"]
    else:  # all of its result was there but its end, which who took over wrote
        assert (theirs["first"], ours["first"]) == ("reused", "ran")
        expected = ["FINISHED"]
    found = statuses(project, database)
    assert found["first"] == expected
    assert [state for runs in found.values() for state in runs if state != "KILLED"] == ["FINISHED"] * 3


def test_a_result_of_which_all_but_its_end_was_written_is_not_made_again(on_a_server):
    project, database = on_a_server
    killed = start(project, **fault("publish.after-batch", "kill9"))
    killed.communicate(timeout=150)
    assert killed.returncode == -signal.SIGKILL
    assert statuses(project, database) == {"first": ["RUNNING"]}

    assert states(start(project)) == {"first": "reused", "second": "ran", "third": "ran"}

    assert executions(project) == {"first": 1, "second": 1, "third": 1}
    assert statuses(project, database) == {step: ["FINISHED"] for step in ("first", "second", "third")}

"""A run that waits for another says for whom, since when, and how to go on."""

import os
import re
import signal

import pytest
from tests.conftest import new_project

pytestmark = pytest.mark.faults

STEPS = """
import pathlib, time

def slow(n: int) -> dict:
    here = pathlib.Path(__file__).parent
    (here / "began").touch()
    while not (here / "go").exists():
        time.sleep(0.05)
    return {"n": n}
"""
PIPELINE = """\
pipespec: 1
name: slow
steps:
  slow: {call: "steps:slow", params: {n: 1}, outputs: {out: out.json}}
"""


@pytest.fixture
def project(tmp_path):
    made = new_project(tmp_path / "project")
    made.write("steps.py", STEPS)
    made.write("pipeline.yaml", PIPELINE)
    return made


def waits_for(path):
    while not path.exists():
        os.sched_yield()


def first_line(process, beginning):
    """Return the first line of a process's stderr that begins so."""
    return next(line for line in process.stderr if line.startswith(beginning)).rstrip("\n")


def test_a_wait_for_a_run_is_told_once_and_its_result_is_taken(project):
    one = project.start("run", "pipeline.yaml")
    waits_for(project.folder / "began")
    other = project.start("run", "pipeline.yaml", "--format", "json")

    line = first_line(other, "slow waits")
    (project.folder / "go").touch()
    ended = [process.communicate(timeout=60) for process in (one, other)]

    [run_id] = [
        run
        for (run,) in project.query(
            "SELECT run_uuid FROM runs WHERE status = 'FINISHED' AND name LIKE 'slow%' AND run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'pipespec.key')"
        )
    ]
    assert re.sub(r"\d\d:\d\d:\d\d", "TIME", line) == (
        f"slow waits for run {run_id[:8]}, which computes the same since TIME UTC in process {one.pid}; its result is taken"
        " when it ends, and if it is interrupted the step runs here"
    )
    assert "waits" not in ended[1][1]
    assert (one.returncode, other.returncode) == (0, 0)
    assert f'"run_id": "{run_id}"' in ended[1][0]


def test_a_run_that_stands_still_is_told_with_what_helps(project):
    one = project.start("run", "pipeline.yaml")
    waits_for(project.folder / "began")
    os.kill(one.pid, signal.SIGSTOP)
    other = project.start("run", "pipeline.yaml")

    line = first_line(other, "slow waits")
    (project.folder / "go").touch()
    os.kill(one.pid, signal.SIGKILL)
    one.communicate(timeout=60)
    out, _ = other.communicate(timeout=60)

    assert line.endswith(
        f" in process {one.pid}; that process is stopped: 'kill -CONT {one.pid}' lets it go on, 'kill -KILL {one.pid}'"
        " ends it, and the step runs here"
    )
    assert (other.returncode, out.startswith("1 ran,")) == (0, True)

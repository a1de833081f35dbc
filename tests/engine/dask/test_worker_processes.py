"""Steps of several threads of a worker, in processes of one template."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from functools import partial

import pytest

from pipespec.engine.dask.worker_processes import WorkerProcesses
from pipespec.engine.processes.executors import LocalExecutor
from pipespec.step.step_job import OutputJob, StepJob

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="steps say that they are done on Linux only")

MODULE = """
import time
from pathlib import Path

def well(x):
    return x

def slow(here):
    Path(here).touch()
    time.sleep(3600)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "made.py").write_text(MODULE)
    return tmp_path


@pytest.fixture
def processes(folder):
    opened = WorkerProcesses(
        lambda on_done: LocalExecutor(folder=folder, log=folder / "log", grace=0.3, on_done=on_done)
    )
    yield opened
    opened.close(30.0)


def job(folder, step, function, **params):
    staging = folder / f"staging-{step}"
    staging.mkdir()
    return StepJob(
        step=step,
        call=f"made:{function}",
        module_folders=(str(folder),),
        root=str(folder),
        staging=str(staging),
        log=str(folder / f"{step}.log"),
        params=params,
        outputs=(OutputJob("o", "o.json"),) if function == "well" else (),
    )


def outcome(running):
    until = time.monotonic() + 60
    while (found := running.wait(1.0)) is None:
        assert time.monotonic() < until
    return found


def until_there(path):
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_each_thread_gets_the_outcome_of_its_own_step(processes, folder):
    found = {}

    def execute(step):
        running = processes.start(job(folder, step, "well", x=step), None)
        found[step] = outcome(running), running.is_done

    threads = [threading.Thread(target=partial(execute, f"s{number}")) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert {step: (came.step, came.failure, done) for step, (came, done) in found.items()} == {
        f"s{number}": (f"s{number}", None, True) for number in range(4)
    }
    assert len(list(folder.glob("log"))) == 1


def test_a_step_is_cancelled_while_another_goes_on(processes, folder):
    steps = {step: processes.start(job(folder, step, "slow", here=str(folder / step)), None) for step in "ab"}
    for step in steps:
        until_there(folder / step)

    processes.cancel("a", at_once=False)

    assert outcome(steps["a"]).failure.message == "was cancelled"
    assert steps["b"].wait(0.0) is None


@pytest.mark.parametrize("when", ["while it runs", "afterwards"])
def test_what_is_started_when_all_ends_is_cancelled(folder, when):
    processes = WorkerProcesses(
        lambda on_done: LocalExecutor(folder=folder, log=folder / "log", on_done=on_done)
    )
    start = partial(processes.start, job(folder, "a", "slow", here=str(folder / "here")), None)
    with contextlib.ExitStack() as stack:
        stack.callback(processes.close, 30.0)
        if when == "while it runs":
            running = start()
            until_there(folder / "here")
    if when == "afterwards":
        running = start()

    processes.cancel("a", at_once=True)  # nobody is there

    assert outcome(running).failure.message == "was cancelled"

"""Jobs that execute in processes, by the real worker, without a run around them."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from pathlib import Path

import pytest

from pipespec.engine.processes.executors import InlineExecutor, LocalExecutor
from pipespec.step.step_job import OutputJob, StepJob, result_path, taken_outputs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

MODULE = """
import os, signal, time
from pathlib import Path

def well(x):
    return x

def slow(here):
    Path(here).touch()
    time.sleep(3600)

def stubborn(here):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    slow(here)

def tidy(here):
    signal.signal(signal.SIGTERM, lambda *_: (Path(here + ".tidied").touch(), os._exit(0)))
    slow(here)

def large(x):
    bytearray(100_000_000)
    return x

def failing(x):
    raise ValueError(x)

def forged(x):
    os._exit(3)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "made.py").write_text(MODULE)
    return tmp_path


@pytest.fixture
def local(folder):
    executor = LocalExecutor(folder=folder, log=folder / "template.log", grace=0.3)
    yield executor
    executor.close()


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
        outputs=(OutputJob("o", "o.json"),) if function in ("well", "large") else (),
    )


def outcomes(executor, count=1):
    found, until = {}, time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < until
        found.update({outcome.step: outcome for outcome in executor.wait(0.05)})
    return found


def until_there(executor, path):
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        assert list(executor.wait(0.01)) == []


def failure(outcome):
    return (outcome.failure.kind, outcome.failure.message)


def test_a_job_is_executed_and_its_outcome_comes_back(local, folder):
    local.submit(job(folder, "a", "well", x=[1, 2]), timeout=None)

    outcome = outcomes(local)["a"]

    assert outcome.failure is None
    assert [(saved.name, saved.file, saved.files) for saved in outcome.outputs] == [("o", "o.json", 1)]
    assert json.loads((taken_outputs(folder / "staging-a") / "o.json").read_text()) == [1, 2]


def test_a_step_is_done_when_its_outputs_are_saved_unless_it_needed_much_memory(folder):
    done = []
    executor = LocalExecutor(folder=folder, log=folder / "template.log", on_done=done.append)
    with contextlib.closing(executor):
        for function in ("well", "large", "failing"):
            executor.submit(job(folder, function, function, x=1), timeout=None)
            outcomes(executor)

    assert done == ["well"]


def test_jobs_execute_beside_each_other(local, folder):
    for name in "abc":
        local.submit(job(folder, name, "slow", here=str(folder / name)), timeout=None)

    for name in "abc":
        until_there(local, folder / name)


def test_a_result_without_a_clean_exit_is_not_believed(local, folder):
    first = job(folder, "a", "well", x=1)
    local.submit(first, timeout=None)
    outcomes(local)
    forged = job(folder, "b", "forged", x=1)
    result_path(forged.staging).write_bytes(result_path(first.staging).read_bytes())

    local.submit(forged, timeout=None)

    assert failure(outcomes(local)["b"]) == ("exited", "exited with code 3 after it returned its result")


def test_a_timeout_counts_from_the_start_of_the_process(local, folder):
    local.submit(job(folder, "a", "slow", here=str(folder / "here")), timeout=0.5)

    outcome = outcomes(local)["a"]

    assert failure(outcome) == ("timeout", "exceeded its timeout of 0.5 s")
    assert 0.5 <= outcome.seconds < 30


def test_a_cancelled_job_has_its_grace(local, folder):
    local.submit(job(folder, "a", "tidy", here=str(folder / "here")), timeout=None)
    until_there(local, folder / "here")

    local.cancel("a", at_once=False)

    assert failure(outcomes(local)["a"]) == ("cancelled", "was cancelled")
    assert (folder / "here.tidied").exists()


def test_a_cancelled_job_that_does_not_go_is_killed(local, folder):
    local.submit(job(folder, "a", "stubborn", here=str(folder / "here")), timeout=None)
    until_there(local, folder / "here")

    local.cancel("a", at_once=False)

    assert failure(outcomes(local)["a"]) == ("cancelled", "was cancelled")


def test_a_job_cancelled_at_once_has_no_grace(folder):
    executor = LocalExecutor(folder=folder, log=folder / "template.log", grace=3600)
    try:
        executor.submit(job(folder, "a", "stubborn", here=str(folder / "here")), timeout=None)
        until_there(executor, folder / "here")

        executor.cancel("a", at_once=False)
        executor.cancel("a", at_once=True)

        assert failure(outcomes(executor)["a"]) == ("cancelled", "was cancelled")
    finally:
        executor.close()


def test_a_job_cancelled_before_it_is_known_to_run_ends_now_and_never_runs_on(local, folder):
    local.submit(job(folder, "a", "slow", here=str(folder / "here")), timeout=None)
    local.cancel("a", at_once=False)

    assert failure(next(iter(local.wait(0.0)))) == ("cancelled", "was cancelled")
    local.submit(job(folder, "b", "well", x=1), timeout=None)
    assert outcomes(local)["b"].failure is None
    no_step_is_left(folder)


def no_step_is_left(folder):
    """Wait until there are but the template, and the process that waits for the next step."""
    until = time.monotonic() + 60
    while len(processes_in(folder)) != 2:
        assert time.monotonic() < until, processes_in(folder)
        time.sleep(0.01)


def processes_in(folder):
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append(entry.name)
    return found


def test_cancelling_what_does_not_execute_is_nothing(local):
    local.cancel("nothing", at_once=True)

    assert list(local.wait(0.0)) == []


def test_an_inline_step_executes_here_and_the_others_elsewhere(local, folder, capfd):
    errors = []
    executor = InlineExecutor(["a"], errors.append, local)
    before = signal.getsignal(signal.SIGINT)

    executor.submit(job(folder, "a", "nothing_there"), timeout=None)
    executor.submit(job(folder, "b", "well", x=1), timeout=None)
    found = outcomes(executor, 2)

    assert found["a"].failure.kind == "import"
    assert found["b"].failure is None
    assert len(errors) == 1
    assert signal.getsignal(signal.SIGINT) is before
    assert "nothing_there" in capfd.readouterr().err

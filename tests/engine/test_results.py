"""What became of a step, in the words of a report."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pipespec.engine.step_results import blocked, cancelled, completed, failed, why_not_run
from pipespec.plan.plan import Action, Decision
from pipespec.plan.records import StepKey, StepRecord
from pipespec.plan.results import Remedy, StepResult, StepState
from pipespec.step.step_job import Failure
from pipespec.tracking.started_run import StartedRun

KEY = StepKey("k" * 64, {})


@pytest.fixture
def step(engine):
    engine.write("steps.py", "def one(): ...\n")
    engine.write(
        "pipeline.yaml",
        "pipespec: 1\nname: n\nsteps:\n"
        "  one: {call: 'steps:one', outputs: {o: o.json}, metrics: o, checks: {a: {min: 1}, b: {max: 2}}}\n",
    )
    return engine.spec().steps["one"]


def record(**metrics):
    return StepRecord("run", "one", KEY.hex, {}, 0, 10.0, 12.5, "file:///a", metrics)


def test_a_reused_step_took_as_long_as_it_took_then(step):
    found = record(a=1.0, b=2.0)

    assert completed(step, found, StepState.REUSED) == StepResult(
        "one", StepState.REUSED, KEY.hex, "run", 2.5, record=found
    )


def test_each_missed_bound_is_named(step):
    result = completed(step, record(a=0.5, b=3.0), StepState.RAN, seconds=1.0, log=Path("/log"))

    assert (result.state, result.seconds, result.log) == (StepState.FAILED, 1.0, "/log")
    assert result.remedy == Remedy((("--force", "one"),))
    assert result.error == "a is 0.5, below its minimum 1; b is 3.0, above its maximum 2"


def test_a_failure_has_its_message_and_trace():
    started = StartedRun("run", "0", "file:///a", 10.0, "one", KEY.hex)

    assert failed(started, Failure("raised", "no", "trace"), seconds=1.0, log=Path("/log")) == StepResult(
        "one", StepState.FAILED, KEY.hex, "run", 1.0, error="no", traceback="trace", log="/log"
    )


def test_what_did_not_run_says_why(step):
    decision = Decision(step, Action.RUN, (), KEY)

    assert blocked(decision, "zero") == StepResult(
        "one", StepState.BLOCKED, KEY.hex, error="depends on 'zero', which failed"
    )
    assert cancelled(decision, "because") == StepResult("one", StepState.CANCELLED, KEY.hex, error="because")


@pytest.mark.parametrize(
    ("signum", "culprit", "why"),
    [
        (signal.SIGINT, "zero", "interrupted by SIGINT"),
        (None, "zero", "not started after 'zero' failed"),
        (None, None, "the scheduler did not start it"),
    ],
)
def test_a_signal_comes_before_a_failure_and_that_before_the_scheduler(step, signum, culprit, why):
    assert why_not_run(step, signum=signum, failed=culprit) == why

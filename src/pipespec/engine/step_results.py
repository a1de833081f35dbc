"""The result of a step in the terms of a report. Pure: from records, failures and reasons to `StepResult`s."""

from __future__ import annotations

import signal
from pathlib import Path

from pipespec.engine.other_runs import FailedElsewhere
from pipespec.plan.metric_bounds import check_failures
from pipespec.plan.plan import Decision
from pipespec.plan.records import StepRecord
from pipespec.plan.results import Remedy, StepResult, StepState
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.step.step_job import Failure
from pipespec.tracking.started_run import StartedRun

__all__ = ["blocked", "cancelled", "completed", "failed", "failed_elsewhere", "why_not_run"]


def completed(
    step: StepSpec,
    record: StepRecord,
    state: StepState,
    *,
    seconds: float | None = None,
    log: Path | None = None,
) -> StepResult:
    """Check a record's metrics against the step's bounds. A result that misses a bound is recorded, but counts as failed."""
    missed = check_failures(step, record.metrics)
    return StepResult(
        step.id,
        StepState.FAILED if missed else state,
        record.key or None,
        record.run_id,
        record.seconds if seconds is None else seconds,
        error="; ".join(reason.detail for reason in missed) or None,
        log=None if log is None else str(log),
        record=record,
        remedy=Remedy((("--force", step.id),)) if missed else None,
    )


def failed(
    started: StartedRun, failure: Failure, *, seconds: float, log: Path, remedy: Remedy | None = None
) -> StepResult:
    """Say how an execution failed, and what to do."""
    return StepResult(
        started.step,
        StepState.FAILED,
        started.key,
        started.run_id,
        seconds,
        error=failure.message,
        traceback=failure.traceback,
        log=str(log),
        remedy=remedy,
    )


def failed_elsewhere(decision: Decision, other: FailedElsewhere, log: Path) -> StepResult:
    """Say how a step failed in the invocation that it waited for; `log` is where that run's is, if it is here."""
    return StepResult(
        decision.step.id,
        StepState.FAILED,
        _key(decision),
        other.run_id,
        error=other.message,
        traceback=other.traceback,
        log=str(log) if log.is_file() else None,
    )


def blocked(decision: Decision, culprit: str) -> StepResult:
    """Say whose failure prevents a step from running."""
    error = f"depends on '{culprit}', which failed"
    return StepResult(decision.step.id, StepState.BLOCKED, _key(decision), error=error)


def cancelled(decision: Decision, why: str, started: StartedRun | None = None) -> StepResult:
    """Say why a step was not started, or was ended."""
    run_id = None if started is None else started.run_id
    return StepResult(decision.step.id, StepState.CANCELLED, _key(decision), run_id, error=why)


def why_not_run(step: StepSpec, *, signum: int | None, failed: str | None) -> str:
    """Say what prevented a step's turn: a signal, another step's failure, or otherwise the scheduler of turns."""
    if signum is not None:
        return f"interrupted by {signal.Signals(signum).name}"
    if failed is not None:
        return f"not started after '{failed}' failed"
    return "the values of its matrix were not known" if step.deferred else "the scheduler did not start it"


def _key(decision: Decision) -> str | None:
    return None if decision.key is None else decision.key.hex

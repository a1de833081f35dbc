"""How the steps of a pipeline stand: a plan and the attempts of the past -> the state of each step."""

from __future__ import annotations

from pipespec.plan.model import Attempt, Decision, Plan, StepStatus
from pipespec.tracking.ledger import Ledger

__all__ = ["states"]


def states(plan: Plan, ledger: Ledger) -> list[StepStatus]:
    """Tell the state of each step of a plan, in its order.

    Raises:
        StoreUnavailableError: where the store cannot be asked.
    """
    attempts = ledger.attempts(tuple(plan.decisions), plan.pipeline.name)
    finished = ledger.finished_before(
        {decision.step.name for decision in plan.decisions.values() if decision.record is None}
    )
    return [
        _state(decision, attempts.get(step), finished=decision.step.name in finished)
        for step, decision in plan.decisions.items()
    ]


def _state(decision: Decision, attempt: Attempt | None, *, finished: bool) -> StepStatus:
    """Judge a step: what it has counts first, then what its last attempt is doing or did, then its past."""
    step, record = decision.step.id, decision.record
    if record is not None:
        state = "failed" if decision.check_failures else "complete"
        return StepStatus(
            step,
            state,
            record.run_id,
            record.started,
            record.ended,
            record.metrics,
            record.experiment_id,
            record.accepted,
        )
    if attempt is None:
        return StepStatus(step, "stale" if finished else "missing")
    states = {"RUNNING": "running", "FAILED": "failed", "KILLED": "failed"}
    state = states.get(attempt.status, "stale" if finished else "missing")
    return StepStatus(
        step, state, attempt.run_id, attempt.started, attempt.ended, attempt.metrics, attempt.experiment_id
    )

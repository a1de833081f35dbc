"""Determine the state of each step of a pipeline from a plan, its causes and past attempts."""

from __future__ import annotations

from pipespec.operations.inspecting.past_runs import with_known_causes
from pipespec.plan.plan import Decision, Plan, ReasonKind
from pipespec.plan.records import Attempt
from pipespec.plan.results import StepStates, StepStatus
from pipespec.plan.witness_advice import witness_advice
from pipespec.tracking.process_owner import owner_is_gone
from pipespec.tracking.reading.ledger import Ledger

__all__ = ["is_left_behind", "states"]


def states(plan: Plan, ledger: Ledger) -> StepStates:
    """Return the state of each step of a plan, in its order.

    Raises:
        StoreUnavailableError: if the store cannot be read.
    """
    plan = with_known_causes(plan, ledger)
    attempts = ledger.attempts(tuple(plan.decisions), plan.pipeline.name)
    return StepStates(_state(decision, attempts.get(step)) for step, decision in plan.decisions.items())


def _state(decision: Decision, attempt: Attempt | None) -> StepStatus:
    """Determine the state of a step: first a complete run counts, then its last attempt, then its past runs."""
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
            witness_advice(step, record.witness),
        )
    past = _of_past(decision, attempt)
    if attempt is None:
        return StepStatus(step, past)
    states = {"RUNNING": "running", "FAILED": "failed", "KILLED": "interrupted"}
    state = "interrupted" if is_left_behind(attempt) else states.get(attempt.status, past)
    return StepStatus(
        step, state, attempt.run_id, attempt.started, attempt.ended, attempt.metrics, attempt.experiment_id
    )


def is_left_behind(attempt: Attempt) -> bool:
    """Return whether a run is only marked as running: its process, on this host, has ended. Other hosts cannot be checked."""
    return attempt.status == "RUNNING" and owner_is_gone(attempt.owner) is True


def _of_past(decision: Decision, attempt: Attempt | None) -> str:
    """Return `stale` if a step ran before, otherwise `missing`: according to the plan or, if it does not know, to the last attempt."""
    kinds = {reason.kind for reason in decision.reasons}
    if ReasonKind.NO_IDENTITY in kinds or ReasonKind.DELETED in kinds or ReasonKind.FORCED in kinds:
        return "missing" if attempt is None else "stale"
    return "missing" if ReasonKind.NEVER_RAN in kinds else "stale"

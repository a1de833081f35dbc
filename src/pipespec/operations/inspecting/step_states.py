"""How the steps of a pipeline stand: a plan, its causes and the attempts of the past -> the state of each step."""

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
    """Tell the state of each step of a plan, in its order.

    Raises:
        StoreUnavailableError: where the store cannot be asked.
    """
    plan = with_known_causes(plan, ledger)
    attempts = ledger.attempts(tuple(plan.decisions), plan.pipeline.name)
    return StepStates(_state(decision, attempts.get(step)) for step, decision in plan.decisions.items())


def _state(decision: Decision, attempt: Attempt | None) -> StepStatus:
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
    """Say whether a run is running in name only: its process, on this host, has ended. Of other hosts nothing is seen."""
    return attempt.status == "RUNNING" and owner_is_gone(attempt.owner) is True


def _of_past(decision: Decision, attempt: Attempt | None) -> str:
    """Say whether a step finished before, as the plan has it; of one without identity, by its last attempt."""
    kinds = {reason.kind for reason in decision.reasons}
    if ReasonKind.NO_IDENTITY in kinds or ReasonKind.DELETED in kinds or ReasonKind.FORCED in kinds:
        return "missing" if attempt is None else "stale"
    return "missing" if ReasonKind.NEVER_RAN in kinds else "stale"

"""Determine what a step's turn means: decide with the inputs that are known now, and claim the key if it must execute.

Takes a plan and the current records of its steps. Asks the store, and returns a `StepTurn`. It starts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipespec.engine.attempts import Attempts, Claim
from pipespec.engine.other_runs import FailedElsewhere
from pipespec.engine.turn_records import TurnRecords
from pipespec.frozen_values import frozen
from pipespec.plan.plan import Action, Decision, Plan, ReasonKind
from pipespec.plan.planner import decide
from pipespec.plan.records import StepRecord
from pipespec.tracking.reading.ledger import Ledger

__all__ = ["StepTurn", "StepTurns", "at_its_turn"]


@frozen
class StepTurn:
    """A step as it was decided, with the records of the steps upstream, and the right to compute it.

    In place of a claim stands the record that the step has, how it failed in another invocation, or None while that one
    computes it.
    """

    decision: Decision
    upstream: Mapping[str, StepRecord]
    claim: Claim | StepRecord | FailedElsewhere | None


class StepTurns:
    """Gives steps their turns."""

    def __init__(self, ledger: Ledger, attempts: Attempts) -> None:
        self._ledger = ledger
        self._attempts = attempts

    def take(self, plan: Plan, step: str, records: Mapping[str, StepRecord], *, waited: bool) -> StepTurn:
        """Decide a step and claim its key. `records` are those of this invocation, `waited` is as for `Attempts.claim`.

        Raises:
            StoreUnavailableError: if the store cannot be read.
        """
        planned = plan.decisions[step]
        upstream = {producer: records[producer] for producer in planned.step.producers}
        decision = self._decide(plan, planned, upstream, records)
        if decision.record is not None:
            return StepTurn(decision, upstream, decision.record)
        forced = step in plan.forced
        return StepTurn(
            decision, upstream, self._attempts.claim(plan, decision, forced=forced, waited=waited)
        )

    def _decide(
        self,
        plan: Plan,
        planned: Decision,
        upstream: Mapping[str, StepRecord],
        records: Mapping[str, StepRecord],
    ) -> Decision:
        if planned.step.identity.never or (planned.action is Action.RUN and planned.key is not None):
            return planned
        # A twin of a forced step uses the new record of that step.
        forced = planned.step.id in plan.forced and planned.same_as is None
        known = TurnRecords(self._ledger, planned, records.values())
        return decide(planned.step, plan.facts, known, upstream, forced=forced)


def at_its_turn(planned: Decision, decided: Decision | None) -> Decision:
    """Return the decision. A step that never ran before this run keeps that reason, although another variant ran in it."""
    if decided is None:
        return planned
    never = tuple(reason for reason in planned.reasons if reason.kind is ReasonKind.NEVER_RAN)
    return replace(decided, reasons=never) if never and decided.action is Action.RUN else decided

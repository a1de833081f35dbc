"""What the store is asked at a step's turn: only what its plan and this run have not settled.

Takes the ledger, what was planned, and the records of this run. Returns the records with which the step is decided
again. If no run of a step had finished under any key, no run is searched under the key that is known now: whether
someone published one meanwhile is checked when the step is claimed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pipespec.plan.plan import Action, Decision, ReasonKind
from pipespec.plan.records import Records, StepRecord
from pipespec.plan.witness import BrokenWitness

__all__ = ["TurnRecords"]


class TurnRecords:
    """The Records of one step at its turn."""

    def __init__(self, records: Records, planned: Decision, own: Iterable[StepRecord]) -> None:
        """Take the ledger, the earlier decision, and the records of this run's steps."""
        self._records = records
        self._is_new = any(reason.kind is ReasonKind.NEVER_RAN for reason in planned.reasons)
        self._is_settled = self._is_new and planned.action is Action.RUN
        self._own = own

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return the record that counts for the step's key."""
        if not self._is_settled:
            return self._records.complete(keys)
        return {record.key: record for record in self._own if record.key in keys}

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is wrong with the artifacts of a run that `complete` left out because of them."""
        return {} if self._is_settled else self._records.lost(keys)

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        """Return what has changed of what a run used that `complete` left out because of it."""
        return {} if self._is_settled else self._records.broken(keys)

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return the step, if it had finished when the plan was made."""
        return frozenset() if self._is_new else frozenset(steps)

    def numbers(self, record: StepRecord, output: str, part: str | None) -> Mapping[str, float]:
        """Return the numbers of an output."""
        return self._records.numbers(record, output, part)

"""The results of the steps of one invocation, and those that have not been reported to Luigi yet.

Takes results as they arrive. A step is complete if its record is here. A second result replaces the first: after a
retry, or in a later plan.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from pipespec.engine.progress_events import Progress
from pipespec.engine.readiness import waits_for
from pipespec.engine.step_results import completed
from pipespec.plan.plan import Plan
from pipespec.plan.records import StepRecord
from pipespec.plan.results import Execution, StepResult, StepState

__all__ = ["SettledSteps"]


class SettledSteps:
    """Results and records by step id, in order."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.results: dict[str, StepResult] = {}
        self.records: dict[str, StepRecord] = {}
        """The records of complete steps."""
        self.failed: dict[str, None] = {}
        """The steps that failed, in order."""
        self.ended: deque[tuple[str, bool]] = deque()
        """What was not reported to Luigi yet: a step, and whether it is complete."""
        self._executions: dict[str, list[Execution]] = {}
        self._anticipated: set[str] = set()
        self.missing: set[str] = set()
        """The steps that Luigi considers complete, but whose records could not be written."""

    def forget(self) -> None:
        """Forget what has ended."""
        self.results, self.records = {}, {}
        self.failed.clear()
        self.missing.clear()

    def note_execution(self, step: str, execution: Execution) -> None:
        """Record when and where a step executed."""
        self._executions.setdefault(step, []).append(execution)

    def anticipate(self, step: str, record: StepRecord) -> None:
        """Report a step to Luigi, and only to Luigi, whose record has not been written yet."""
        self.records[step] = record
        self._anticipated.add(step)
        self.ended.append((step, True))

    def retract(self, step: str) -> None:
        """Revert what was anticipated. Luigi, which was told, is told nothing else."""
        del self.records[step]
        self.missing.add(step)

    def settle(self, result: StepResult, record: StepRecord | None = None) -> None:
        """Take a result, and a record for the step, unless the record misses the step's bounds."""
        if record is not None and result.state is not StepState.FAILED:
            self.records[result.step] = record
            self.missing.discard(result.step)
        result = replace(result, executions=tuple(self._executions.get(result.step, ())))
        self.results[result.step] = result
        if result.state is StepState.FAILED:
            self.failed[result.step] = None
        else:
            self.failed.pop(result.step, None)
        if result.step in self._anticipated:
            self._anticipated.discard(result.step)
        else:
            self.ended.append((result.step, result.step in self.records))
        self._progress.ended(result)

    def settle_reused(self, plan: Plan) -> None:
        """Settle the steps that need no turn, except those that depend on a reused step that misses its bounds."""
        shut = set(self.failed)
        for step, above in waits_for(plan).items():
            decision = plan.decisions[step]
            if any(other in shut for other in above):
                shut.add(step)
            elif decision.record is not None and step not in self.results:
                self.settle(completed(decision.step, decision.record, StepState.REUSED), decision.record)
                shut.update(self.failed.keys() & {step})
        self.ended.clear()

"""Write results in one transaction with the start of the next step: this halves the number of waits for the disk.

Takes the results of steps. Until a result is written, only Luigi knows of it, so that it can hand out the next step.
Nothing that depends on it is stored earlier: the next step executes only when that transaction is on the disk, or is
not started. If the transaction fails, each result is published separately, and reports what is wrong.
"""

from __future__ import annotations

from functools import partial

from pipespec.engine.attempts import Attempts
from pipespec.engine.publications import Publications
from pipespec.engine.settled_steps import SettledSteps
from pipespec.engine.staging import Staging
from pipespec.engine.step_in_progress import StepInProgress
from pipespec.engine.step_results import completed
from pipespec.engine.unpublished_results import UnpublishedResult
from pipespec.errors import PipespecError
from pipespec.plan.records import StepRecord
from pipespec.plan.results import StepState

__all__ = ["JoinedResults"]


class JoinedResults:
    """The results of one invocation that wait for the next start. Used from one thread."""

    def __init__(
        self, attempts: Attempts, publications: Publications, settled: SettledSteps, staging: Staging
    ) -> None:
        self._attempts = attempts
        self._publications = publications
        self._settled = settled
        self._staging = staging
        self._waiting: dict[str, tuple[StepInProgress, UnpublishedResult]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, step: StepInProgress, result: UnpublishedResult) -> bool:
        """Let a result wait for the next start. Return False if it must be published separately."""
        try:
            record = self._attempts.prepare(result, partial(self._tell, step, result))
        except (PipespecError, OSError):  # reported when it is published separately
            return False
        if record is None:
            return False
        name = step.decision.step.id
        self._waiting[name] = step, result
        self._settled.anticipate(name, record)
        return True

    def publish(self) -> None:
        """Publish what waits, without a start."""
        if not self._waiting:
            return
        try:
            self._attempts.publish_prepared()
        except (PipespecError, OSError):
            self._attempts.forget_prepared()
            waiting, self._waiting = self._waiting, {}
            for name, (step, result) in waiting.items():
                self._settled.retract(name)
                self._publications.begin(step, result, partial(self._attempts.publish, result))

    def _tell(self, step: StepInProgress, result: UnpublishedResult, record: StepRecord) -> None:
        """Report a result that is now published."""
        declared = step.decision.step
        del self._waiting[declared.id]
        seconds = result.outcome.seconds
        self._settled.settle(
            completed(declared, record, StepState.RAN, seconds=seconds, log=step.log), record
        )
        self._staging.discard(step.staging)

"""Results that are written in one transaction with the start of the next step: half as many waits for the disk.

Takes what steps made; until it is written, Luigi alone knows of it, so that it may hand out the next step. Nothing depends on it
that is in the store before it is: the next step executes once that transaction is on the disk, or is not begun. Where it fails,
each result is published by itself, and says what is wrong.
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
    """The results of one invocation that wait for the next start; used from one thread."""

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
        """Let a result wait for the next start; False where it is to be published by itself."""
        try:
            record = self._attempts.prepare(result, partial(self._tell, step, result))
        except (PipespecError, OSError):  # met again, and told, where it is published by itself
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
        """Tell of a result that is published by now."""
        declared = step.decision.step
        del self._waiting[declared.id]
        seconds = result.outcome.seconds
        self._settled.settle(
            completed(declared, record, StepState.RAN, seconds=seconds, log=step.log), record
        )
        self._staging.discard(step.staging)

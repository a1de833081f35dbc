"""Steps that wait because another invocation computes the same: for which run, since when, and what a user can do, reported once.

Takes a step at each turn that it does not get. A short wait is not reported.
"""

from __future__ import annotations

import time
from typing import Final

from pipespec.engine.attempts import Attempts
from pipespec.engine.progress_events import Progress
from pipespec.plan.results import StepAwaited
from pipespec.tracking.process_owner import Owner

__all__ = ["AwaitedRuns"]

_WORTH_TELLING: Final = 2.0
"""Seconds."""


class AwaitedRuns:
    """The runs for which one invocation waits. Used from one thread."""

    def __init__(self, attempts: Attempts, progress: Progress) -> None:
        self._attempts = attempts
        self._progress = progress
        self._since: dict[str, float] = {}
        self._told: set[str] = set()

    def note(self, step: str, key: str) -> None:
        """Note that a step waits. If that takes longer, report for which run; the store is asked for this once.

        Raises:
            StoreUnavailableError: if the store cannot be read.
        """
        now = time.monotonic()
        since = self._since.setdefault(step, now)
        if step in self._told or now - since < _WORTH_TELLING:
            return
        holder = self._attempts.holder(key)
        if holder is None:  # it has just ended
            return
        self._told.add(step)
        owner = Owner.parse(holder.owner)
        self._progress.awaits(
            StepAwaited(
                step,
                holder.run_id,
                holder.started,
                pid=None if owner is None else owner.pid,
                host="" if owner is None or owner.is_here else owner.host,
                is_stopped=owner is not None and owner.is_stopped(),
            )
        )

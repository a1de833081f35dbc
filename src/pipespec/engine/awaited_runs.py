"""Steps that wait since another invocation computes the same: for whom, since when, and what a user can do about it, told once.

Takes a step at each turn that it does not get. A wait of a moment is not told.
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
    """What one invocation waits for; used from one thread."""

    def __init__(self, attempts: Attempts, progress: Progress) -> None:
        self._attempts = attempts
        self._progress = progress
        self._since: dict[str, float] = {}
        self._told: set[str] = set()

    def note(self, step: str, key: str) -> None:
        """Take note that a step waits, and tell for whom once that takes longer; the store is asked for that once.

        Raises:
            StoreUnavailableError: where the store cannot be asked.
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

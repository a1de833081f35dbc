"""Estimate how long the rest of a run may take, while it runs.

Takes a plan with its history, and is notified when steps start and end. Returns seconds. The time is an argument, so
any clock of the caller works.
"""

from __future__ import annotations

from typing import Final

from pipespec.frozen_values import frozen
from pipespec.plan.forecast import expected_work, makespan
from pipespec.plan.plan import Plan

__all__ = ["Remaining", "Rest"]

_PAUSE: Final = 1.0
"""Seconds between two schedules of all remaining steps.

With more than 1,000 steps, as many milliseconds as there are steps, since each costs about ten microseconds.
"""
_FIRST: Final = 1 << 60
"""Priority of what is already running."""


@frozen
class Rest:
    """Seconds until the last step ends, as far as they are known. `is_whole` is true if they include all remaining steps."""

    seconds: float
    is_whole: bool


class Remaining:
    """The remaining steps of a run, with this number of workers."""

    def __init__(self, plan: Plan, workers: int) -> None:
        self._work = expected_work(plan)
        self._workers = workers
        self._left = dict.fromkeys(self._work.steps)
        self._since: dict[str, float] = {}
        self._scheduled: tuple[float, Rest] | None = None
        self._is_stale = True

    def started(self, step: str, now: float) -> None:
        """Record that a step started, or started again."""
        self._since[step] = now
        self._is_stale = True

    def ended(self, step: str) -> None:
        """Record that a step ended, was reused or will not run."""
        self._left.pop(step, None)
        self._since.pop(step, None)
        self._is_stale = True

    def rest(self, now: float) -> Rest | None:
        """Return how long the rest takes; None if nothing is known about it, or if it already took longer than ever."""
        pause = max(_PAUSE, len(self._left) / 1000)
        if self._scheduled is None or (self._is_stale and now - self._scheduled[0] >= pause):
            self._scheduled = now, self._schedule(now)
            self._is_stale = False
        at, rest = self._scheduled
        seconds = rest.seconds - (now - at)
        return Rest(seconds, rest.is_whole) if self._left and seconds > 0 else None

    def _schedule(self, now: float) -> Rest:
        expected = {step: self._work.steps[step] for step in self._left}
        if not any(expected.values()):
            return Rest(0.0, is_whole=False)  # as in a first run: nothing to show, so no time is spent on it
        seconds = {
            step: max((known or 0.0) - (now - self._since.get(step, now)), 0.0)
            for step, known in expected.items()
        }
        priorities = {
            step: _FIRST if step in self._since else self._work.priorities[step] for step in expected
        }
        upstream = {
            step: tuple(above for above in self._work.upstream[step] if above in expected)
            for step in expected
        }
        return Rest(
            makespan(upstream, seconds, self._workers, priorities),
            is_whole=all(known is not None for known in expected.values()),
        )

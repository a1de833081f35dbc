"""How long the rest of a run may take, while it goes on.

Takes a plan with its history, and is told which steps begin and end; gives seconds. Time is handed in, so that it
is whatever clock the caller reads.
"""

from __future__ import annotations

from typing import Final

from pipespec.frozen_values import frozen
from pipespec.plan.forecast import expected_work, makespan
from pipespec.plan.plan import Plan

__all__ = ["Remaining", "Rest"]

_PAUSE: Final = 1.0
"""Seconds between two schedules of all that is left; between those of more than 1,000 steps as many milliseconds as there are steps,
of which each costs some ten microseconds."""
_FIRST: Final = 1 << 60
"""Priority of what runs already."""


@frozen
class Rest:
    """Seconds until the last step ends as far as they are known; `is_whole` where they are of all steps that are left."""

    seconds: float
    is_whole: bool


class Remaining:
    """The steps that a run has left, with so many at a time."""

    def __init__(self, plan: Plan, workers: int) -> None:
        self._work = expected_work(plan)
        self._workers = workers
        self._left = dict.fromkeys(self._work.steps)
        self._since: dict[str, float] = {}
        self._scheduled: tuple[float, Rest] | None = None
        self._is_stale = True

    def started(self, step: str, now: float) -> None:
        """Note that a step began, or began again."""
        self._since[step] = now
        self._is_stale = True

    def ended(self, step: str) -> None:
        """Note that a step ended, was reused or will not run."""
        self._left.pop(step, None)
        self._since.pop(step, None)
        self._is_stale = True

    def rest(self, now: float) -> Rest | None:
        """Return how long the rest takes; None where nothing is known of what is left, or it took longer than ever."""
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
            return Rest(0.0, is_whole=False)  # as of a first run: nothing to say, and nothing to pay for it
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

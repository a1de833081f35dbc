"""How long the tracking store has been unreachable while steps continue, and when to ask it again.

Takes each failure and each success of a call to the store, from any thread. Returns growing waits, and says when the
run's waiting time is over. It does not know the store and stops nothing.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from pipespec.errors import StoreUnavailableError
from pipespec.plan.results import StoreAway

__all__ = ["StoreAbsence"]

_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between questions. The last value is used for all further questions."""


class StoreAbsence:
    """What one invocation knows about the unreachable store. `patience` is in seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._away: StoreAway | None = None

    @property
    def current(self) -> StoreAway | None:
        """Why and since when the store is not reachable; None while it answers."""
        return self._away

    @property
    def is_spent(self) -> bool:
        """True if the store has been unreachable for as long as the run waits for it."""
        away = self._away
        return away is not None and time.monotonic() - away.since >= self._patience

    def note(self, error: StoreUnavailableError) -> None:
        """Note a failed call. The time counts from the first one."""
        with self._lock:
            if self._away is None:
                self._away = StoreAway(str(error), time.monotonic(), self._patience, time.time())

    def over(self) -> None:
        """Note a successful call."""
        with self._lock:
            self._away = None

    def pause(self, number: int) -> float:
        """Return the seconds to wait after the failed question of this number, from 0, within the patience."""
        away = self._away
        left = self._patience if away is None else away.since + self._patience - time.monotonic()
        return max(0.0, min(_PAUSES[min(number, len(_PAUSES) - 1)], left))

"""How long the tracking store has been away while steps go on, and when to ask it again.

Takes each failure and each success of a call to the store, from any thread; gives growing waits, and says when the
patience of the run is over. It knows no store and stops nothing.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from pipespec.errors import StoreUnavailableError
from pipespec.plan.results import StoreAway

__all__ = ["StoreAbsence"]

_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between questions; the last counts for all that follow."""


class StoreAbsence:
    """What one invocation knows of the store's being away; `patience` is in seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._away: StoreAway | None = None

    @property
    def current(self) -> StoreAway | None:
        """Why and since when the store is away; None while it answers."""
        return self._away

    @property
    def is_spent(self) -> bool:
        """True when the store has been away for as long as the run waits for it."""
        away = self._away
        return away is not None and time.monotonic() - away.since >= self._patience

    def note(self, error: StoreUnavailableError) -> None:
        """Take note of a failed call; the time counts from the first one."""
        with self._lock:
            if self._away is None:
                self._away = StoreAway(str(error), time.monotonic(), self._patience, time.time())

    def over(self) -> None:
        """Take note of a call that succeeded."""
        with self._lock:
            self._away = None

    def pause(self, number: int) -> float:
        """Return the seconds to wait after the failed question of this number, from 0, within the patience."""
        away = self._away
        left = self._patience if away is None else away.since + self._patience - time.monotonic()
        return max(0.0, min(_PAUSES[min(number, len(_PAUSES) - 1)], left))

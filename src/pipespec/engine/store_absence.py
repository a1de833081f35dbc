"""How long the tracking store has not answered while steps continue, and when to ask it again.

Takes each failure and each success of a call to the store, from any thread, with the question that the call asks, if it is
asked until the store answers it. A store may answer one question and never another: a full disk for artifacts, a table
that cannot be written. So each question has a waiting time of its own. Returns growing waits, and says when a question's waiting time is over.
It does not know the store and stops nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from typing import Final

from pipespec.errors import StoreUnavailableError
from pipespec.plan.results import StoreAway

__all__ = ["StoreAbsence"]

_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between questions. The last value is used for all further questions."""


class StoreAbsence:
    """What one invocation knows about the store that does not answer. `patience` is in seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._silence: StoreAway | None = None
        """Since when every call failed."""
        self._unanswered: dict[Hashable, StoreAway] = {}

    @property
    def current(self) -> StoreAway | None:
        """Why and since when the store does not answer; None while it answers all that it is asked."""
        with self._lock:
            noted = [*self._unanswered.values(), *([self._silence] if self._silence else [])]
        return min(noted, key=lambda away: away.since, default=None)

    def is_spent(self, question: Hashable) -> bool:
        """Return whether a question has been without an answer for as long as the run waits for one."""
        away = self._unanswered.get(question)
        return away is not None and time.monotonic() - away.since >= self._patience

    def note(self, error: StoreUnavailableError, question: Hashable = None) -> None:
        """Note a failed call. The time of a question counts from when the store fell silent."""
        with self._lock:
            if self._silence is None:
                self._silence = StoreAway(str(error), time.monotonic(), self._patience, time.time())
            if question is not None:
                self._unanswered.setdefault(question, self._silence)

    def over(self, question: Hashable = None) -> None:
        """Note a successful call."""
        with self._lock:
            self._silence = None
            if question is not None:
                self._unanswered.pop(question, None)

    def pause(self, question: Hashable, number: int) -> float:
        """Return the seconds to wait after the failed try of this number, from 0, within the patience."""
        away = self._unanswered.get(question)
        left = self._patience if away is None else away.since + self._patience - time.monotonic()
        return max(0.0, min(_PAUSES[min(number, len(_PAUSES) - 1)], left))

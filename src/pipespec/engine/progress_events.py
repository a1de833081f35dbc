"""The receiver of a run's progress. All calls come from the run's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pipespec.plan.results import StepAwaited, StepResult, StepStarted, StoreAway
from pipespec.plan.time_left import Remaining

__all__ = ["PatientProgress", "Progress"]


class Progress(Protocol):
    """What a run reports while it is active."""

    def expect(self, remaining: Remaining) -> None:
        """Report what the run will do, before it begins."""

    def begin(self, total: int) -> None:
        """Report how many steps are part of the run."""

    def started(self, event: StepStarted) -> None:
        """Report that a step began, or began again."""

    def ended(self, result: StepResult) -> None:
        """Report the result of a step; once for each."""

    def store_away(self, away: StoreAway | None) -> None:
        """Report that the store does not answer, or, with None, that it does again; once for each absence."""

    def note(self, text: str) -> None:
        """Report one line of information before steps run."""

    def awaits(self, event: StepAwaited) -> None:
        """Report that a step waits for another run that computes the same; once for each."""

    def tick(self) -> None:
        """Report that time passes: a few times a second."""


class PatientProgress:
    """Passes events on until that fails: a run does not fail because its output was closed."""

    def __init__(self, listener: Progress | None) -> None:
        self._listener = listener

    def expect(self, remaining: Remaining) -> None:
        """Pass it on."""
        self._tell(lambda listener: listener.expect(remaining))

    def begin(self, total: int) -> None:
        """Pass it on."""
        self._tell(lambda listener: listener.begin(total))

    def started(self, event: StepStarted) -> None:
        """Pass it on."""
        self._tell(lambda listener: listener.started(event))

    def ended(self, result: StepResult) -> None:
        """Pass it on."""
        self._tell(lambda listener: listener.ended(result))

    def store_away(self, away: StoreAway | None) -> None:
        """Pass it on."""
        self._tell(lambda listener: listener.store_away(away))

    def note(self, text: str) -> None:
        """Pass it on."""
        self._tell(lambda listener: listener.note(text))

    def awaits(self, event: StepAwaited) -> None:
        """Pass it on."""
        self._tell(lambda listener: listener.awaits(event))

    def tick(self) -> None:
        """Pass it on."""
        self._tell(lambda listener: listener.tick())

    def _tell(self, what: Callable[[Progress], None]) -> None:
        if self._listener is None:
            return
        try:
            what(self._listener)
        except OSError:
            self._listener = None

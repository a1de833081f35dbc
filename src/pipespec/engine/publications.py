"""Publish the results of steps: immediately, or in threads in parallel to the next steps if the store is remote.

Takes a function that publishes. Returns later what it returned or raised. Outputs that still have to be uploaded take
long. A server needs tens of milliseconds for each request. A database file is written faster than a thread is woken. If
the store is not reachable, a thread asks again with growing waits, until the run's waiting time is over or it is told
to hurry.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Final

from pipespec.engine.result_publication import Published
from pipespec.engine.step_in_progress import StepInProgress
from pipespec.engine.store_absence import StoreAbsence
from pipespec.engine.unpublished_results import UnpublishedResult
from pipespec.errors import StoreUnavailableError
from pipespec.frozen_values import frozen

__all__ = ["Publication", "Publications"]

_SIDE_BY_SIDE: Final = 4
"""The number of requests that a tracking server handles at a time by default."""

_LAST_MOMENT: Final = 2.0
"""Seconds that an active request has when everything must end."""


@frozen
class Publication:
    """A step whose result is being or was published. `published` raises what went wrong."""

    step: StepInProgress
    result: UnpublishedResult
    published: Future[Published]


class Publications:
    """The publications of one invocation. Used from one thread. Close it."""

    def __init__(self, *, is_far: bool, wake: Callable[[], None], absence: StoreAbsence) -> None:
        """Take `wake`, which is called by a thread that has published."""
        self._is_far = is_far
        self._wake = wake
        self._absence = absence
        self._places = threading.Semaphore(_SIDE_BY_SIDE)
        self._under_way: list[Publication] = []
        self._hurry = threading.Event()
        self._hurried = 0.0

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(
        self,
        step: StepInProgress,
        result: UnpublishedResult,
        publish: Callable[[], Published],
        *,
        takes_long: bool = False,
    ) -> None:
        """Publish a step's result. Publications that take long are always done in a thread."""
        publication = Publication(step, result, Future())
        self._under_way.append(publication)
        number = 0
        if not (self._is_far or takes_long) and self._absence.current is None:
            if self._is_settled(publication.published, publish):
                return
            number = 1
        threading.Thread(
            target=self._publish, args=(publication.published, publish, number), name="publish", daemon=True
        ).start()

    def take_ended(self) -> list[Publication]:
        """Return those that have ended and were not returned before, in the order in which they began."""
        if self._hurry.is_set() and time.monotonic() - self._hurried > _LAST_MOMENT:
            for one in self._under_way:
                with contextlib.suppress(InvalidStateError):
                    one.published.set_exception(StoreUnavailableError("the tracking store did not answer"))
        ended: list[Publication] = []
        waiting: list[Publication] = []
        for one in self._under_way:
            (ended if one.published.done() else waiting).append(one)
        self._under_way = waiting
        return ended

    def hurry(self) -> None:
        """Stop waiting for the store: what it does not accept in a moment ends as unpublished."""
        if not self._hurry.is_set():
            self._hurried = time.monotonic()
            self._hurry.set()

    def close(self) -> None:
        """Wait a moment for results that are being published."""
        self.hurry()
        for one in self._under_way:
            with contextlib.suppress(Exception):
                one.published.exception(max(0.0, self._hurried + _LAST_MOMENT - time.monotonic()))

    def _publish(self, published: Future[Published], publish: Callable[[], Published], number: int) -> None:
        with self._places:
            while not self._may_end(published, number) and not self._is_settled(published, publish):
                number += 1
        if not published.done():
            self._is_settled(published, publish, is_last=True)
        self._wake()

    def _may_end(self, published: Future[Published], number: int) -> bool:
        """Wait until the store should be asked again, and return whether this is the last time."""
        if number:
            self._hurry.wait(self._absence.pause(published, number - 1))
        return self._hurry.is_set() or self._absence.is_spent(published)

    def _is_settled(
        self, published: Future[Published], publish: Callable[[], Published], *, is_last: bool = False
    ) -> bool:
        try:
            found = publish()
        except StoreUnavailableError as error:
            self._absence.note(error, published)
            if not is_last:
                return False
            _tell(published.set_exception, error)
        except Exception as error:  # noqa: BLE001 - raised for the reader of the result
            self._absence.over(published)
            _tell(published.set_exception, error)
        else:
            self._absence.over(published)
            _tell(published.set_result, found)
        return True


def _tell(settle: Callable[..., None], said: object) -> None:
    with contextlib.suppress(InvalidStateError):  # it was given up meanwhile
        settle(said)

"""Signals that end a run early: noted when they arrive, handled when the run checks for them.

A run in the main thread handles SIGINT, SIGTERM and SIGHUP, and restores the handlers when it ends. In another thread
(of a notebook, a server) Python does not allow this, so the owner of the signals keeps handling them. A call to a store
that does not answer is interrupted a moment after the signal.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from pipespec.errors import StoreUnavailableError

__all__ = ["Interrupts", "watch_signals"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_MOMENT: Final = 1.0
"""Seconds that a call to the store may still take after a signal."""

_LOOK: Final = 0.1
"""Seconds between checks for noted signals, while sleeping."""


class Interrupts:
    """How often the run was asked to end, and by which signal first."""

    def __init__(self) -> None:
        self.count = 0
        self.signum: int | None = None
        self._wake: Callable[[], None] | None = None
        self._asking = 0
        """The number of the current call to the store; 0 for none."""
        self._asked = 0
        self._nudged = 0

    def note(self, signum: int) -> None:
        """Count one more request, and end the current wait. A call to the store ends a moment later."""
        if self._asking and self._nudged == self._asking:
            self._nudged = 0
            raise StoreUnavailableError("the tracking store did not answer until the run was interrupted")
        self._nudged = 0
        self.count += 1
        if self.signum is None:
            self.signum = signum
        if self._asking:
            nudge = threading.Timer(_MOMENT, self._nudge, (self._asking, signum))
            nudge.daemon = True
            nudge.start()
        if self._wake is not None:
            self._wake()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Let a call to the store in this block end a moment after a signal, as if the store were not reachable."""
        self._asked += 1
        self._asking = self._asked
        try:
            yield
        finally:
            self._asking = 0

    def sleep(self, seconds: float) -> None:
        """Wait this long, or until a signal arrives."""
        until, before = time.monotonic() + seconds, self.count
        while self.count == before and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake`, from the signal handler, as long as the context is open."""
        self._wake = wake
        try:
            yield
        finally:
            self._wake = None

    def _nudge(self, number: int, signum: int) -> None:
        """Make the handler run once more, in the main thread, if the same call still lasts."""
        if self._asking == number:
            self._nudged = number
            signal.pthread_kill(threading.main_thread().ident or 0, signum)


@contextmanager
def watch_signals() -> Iterator[Interrupts]:
    """Note signals instead of ending because of them.

    A signal that was ignored before (SIGHUP under nohup) is still ignored.
    """
    interrupts = Interrupts()

    def handle(signum: int, _frame: object) -> None:
        interrupts.note(signum)

    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before: dict[signal.Signals, Any] = {}
    for signum in _SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            before[signum] = signal.signal(signum, handle)
    try:
        yield interrupts
    finally:
        for signum, handler in before.items():
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)

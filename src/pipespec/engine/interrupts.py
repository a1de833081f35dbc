"""Signals that end a run early: noted when they come, acted on when the run looks.

A run in the main thread takes SIGINT, SIGTERM and SIGHUP over and gives them back when it ends; in another thread (a
notebook's, a server's) Python lets nobody do that, so there the signals stay their owner's business.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["Interrupts", "watch_signals"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """How often the run was asked to end, and by what first."""

    def __init__(self) -> None:
        self.count = 0
        self.signum: int | None = None
        self._wake: Callable[[], None] | None = None

    def note(self, signum: int) -> None:
        """Count one more request, and end the wait that goes on."""
        self.count += 1
        if self.signum is None:
            self.signum = signum
        if self._wake is not None:
            self._wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake`, from the signal handler, for as long as the context is open."""
        self._wake = wake
        try:
            yield
        finally:
            self._wake = None


@contextmanager
def watch_signals() -> Iterator[Interrupts]:
    """Note signals instead of dying of them.

    A signal that was ignored before (SIGHUP under nohup) stays ignored.
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

"""Stop a function that uses too much processor time: a regular expression in a stranger's schema may never end.

Takes a function. Returns its result, or None if the time was over. Only the main thread can be stopped in this way. In other
threads of a program that uses pipespec, there is no limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["within_limit"]

_SECONDS: Final = 5.0
_Answer = TypeVar("_Answer")


class _OutOfTimeError(Exception):
    """The time is over."""


def within_limit(act: Callable[[], _Answer], seconds: float = _SECONDS) -> _Answer | None:
    """Return the result of a function, or None if it uses more processor time than this."""
    import signal  # noqa: PLC0415 - few pipelines need it
    import threading  # noqa: PLC0415 - as above

    if threading.current_thread() is not threading.main_thread():
        return act()
    handler = signal.signal(signal.SIGVTALRM, _end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return act()
    except _OutOfTimeError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)


def _end(_number: int, _frame: object) -> None:
    raise _OutOfTimeError

"""A step's log: one file to which its standard streams are appended, at the level of file descriptors.

Output of C code, child processes and Python all goes there. Afterwards the log is cut to a limited size and secrets are
removed from it. While a step runs, the log is unchanged, as on a terminal.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import fcntl
import functools
import io
import os
import sys
from pathlib import Path
from typing import Final, TextIO

from pipespec.errors import counted
from pipespec.step.secrets import Redactor

__all__ = ["LOG_LIMIT", "attach_streams", "c_library", "clean_log", "flush_streams", "open_log"]

LOG_LIMIT: Final = 16 << 20
"""Number of bytes of a log that are kept: the first half of them and the last half."""

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


_ERRORS: Final = "backslashreplace"
_ours: tuple[()] | tuple[io.TextIOWrapper, io.TextIOWrapper, io.TextIOWrapper] = ()


def open_log(path: Path) -> int:
    """Open the log for appending, readable only by this user, and return a descriptor other than 0, 1 and 2."""
    return _above_standard(os.open(path, _FLAGS, 0o600))


def attach_streams(log: int) -> None:
    """Make stdin empty, and redirect stdout and stderr, of Python and of the process, to the log.

    If called again, it repairs them, whatever a function closed or replaced in between. Python's streams are created if
    they are not ours yet: a forked process has those of the process from which it was forked.
    """
    global _ours  # noqa: PLW0603 - like the streams, there is only one
    flush_streams()
    empty = _above_standard(os.open(os.devnull, os.O_RDONLY))
    for source, descriptor in ((empty, 0), (log, 1), (log, 2)):
        os.dup2(source, descriptor)
    os.close(empty)
    if not _are_ours((sys.stdin, sys.stdout, sys.stderr)):
        _ours = sys.stdin, sys.stdout, sys.stderr = _make_streams()
    faulthandler.enable(file=2)  # after a crash in C, the stack is in the log


def _make_streams() -> tuple[io.TextIOWrapper, io.TextIOWrapper, io.TextIOWrapper]:
    return (
        open(0, encoding="utf-8", errors="replace", closefd=False),
        open(1, "w", buffering=1, encoding="utf-8", errors=_ERRORS, closefd=False),
        io.TextIOWrapper(
            io.FileIO(2, "w", closefd=False), encoding="utf-8", errors=_ERRORS, write_through=True
        ),
    )


def _are_ours(streams: tuple[TextIO, TextIO, TextIO]) -> bool:
    """Return whether these are the streams that `attach_streams` made, unchanged."""
    if streams != _ours:
        return False
    try:
        return [one.fileno() for one in _ours] == [0, 1, 2] and all(
            (one.encoding, one.errors) == ("utf-8", _ERRORS) for one in _ours[1:]
        )
    except ValueError:  # closed, or detached
        return False


def flush_streams() -> None:
    """Flush the buffers of Python and of the C library for stdout and stderr. Closed streams are skipped."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # whatever a function assigned to them
            stream.flush()
    with contextlib.suppress(OSError, AttributeError):
        c_library().fflush(None)


@functools.cache
def c_library() -> ctypes.CDLL:
    """Return the C library of this process. It is opened once: before a fork, if the process forks.

    Raises:
        OSError: if it is not available.
    """
    return ctypes.CDLL(None, use_errno=True)


def clean_log(path: Path, redact: Redactor, *, limit: int = LOG_LIMIT) -> None:
    """Cut a log to its first and last `limit / 2` bytes and remove the secrets.

    The file is rewritten in place, because other processes follow it or still write to it. If there is no log, nothing
    happens.
    """
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        return
    with file:
        size = os.fstat(file.fileno()).st_size
        if size <= limit and not redact.reach:
            return
        if size <= limit:
            content = file.read(size)
            kept = redact.clean(content)
            if kept == content:
                return
        else:
            half = limit // 2 + redact.reach  # the edge, where a secret may be torn, is dropped afterwards
            first = redact.clean(file.read(half))
            file.seek(size - half)
            last = redact.clean(file.read(half))
            note = f"\n[{counted(size - limit, 'byte')} left out]\n".encode()
            kept = first[: len(first) - redact.reach] + note + last[redact.reach :]
        file.seek(0)
        file.truncate()
        file.write(kept)


def _above_standard(descriptor: int) -> int:
    """Move a descriptor to a number above 2. It may be 0, 1 or 2 if something had closed those."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return moved

"""A step's log: one file that its standard streams are appended to, at the level of file descriptors.

What C code, child processes and Python print goes there alike. Afterwards the log is cut to a bounded size
and freed of secrets; while a step runs it is as raw as a terminal.
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
"""Bytes of a log that are kept: the first and the last half."""

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


_ERRORS: Final = "backslashreplace"
_ours: tuple[()] | tuple[io.TextIOWrapper, io.TextIOWrapper, io.TextIOWrapper] = ()


def open_log(path: Path) -> int:
    """Open the log for appending, readable for this user alone, and return a descriptor beyond 0, 1 and 2."""
    return _above_standard(os.open(path, _FLAGS, 0o600))


def attach_streams(log: int) -> None:
    """Make stdin empty and let stdout and stderr, Python's and the process's, go to the log.

    Called again it repairs them, whatever a function closed or replaced in between. Python's streams are made where they
    are not ours yet: a forked process has them from where it was forked.
    """
    global _ours  # noqa: PLW0603 - as the streams, there is one
    flush_streams()
    empty = _above_standard(os.open(os.devnull, os.O_RDONLY))
    for source, descriptor in ((empty, 0), (log, 1), (log, 2)):
        os.dup2(source, descriptor)
    os.close(empty)
    if not _are_ours((sys.stdin, sys.stdout, sys.stderr)):
        _ours = sys.stdin, sys.stdout, sys.stderr = _make_streams()
    faulthandler.enable(file=2)  # a crash in C leaves its stack in the log


def _make_streams() -> tuple[io.TextIOWrapper, io.TextIOWrapper, io.TextIOWrapper]:
    return (
        open(0, encoding="utf-8", errors="replace", closefd=False),
        open(1, "w", buffering=1, encoding="utf-8", errors=_ERRORS, closefd=False),
        io.TextIOWrapper(
            io.FileIO(2, "w", closefd=False), encoding="utf-8", errors=_ERRORS, write_through=True
        ),
    )


def _are_ours(streams: tuple[TextIO, TextIO, TextIO]) -> bool:
    """Tell whether these are the streams that we made, as we made them."""
    if streams != _ours:
        return False
    try:
        return [one.fileno() for one in _ours] == [0, 1, 2] and all(
            (one.encoding, one.errors) == ("utf-8", _ERRORS) for one in _ours[1:]
        )
    except ValueError:  # closed, or taken apart
        return False


def flush_streams() -> None:
    """Write out what Python and the C library have buffered for stdout and stderr; what is closed is left."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # whatever a function put in their place
            stream.flush()
    with contextlib.suppress(OSError, AttributeError):
        c_library().fflush(None)


@functools.cache
def c_library() -> ctypes.CDLL:
    """Return the C library of this process, opened once: before a fork, where one is to come.

    Raises:
        OSError: where there is none to be had.
    """
    return ctypes.CDLL(None, use_errno=True)


def clean_log(path: Path, redact: Redactor, *, limit: int = LOG_LIMIT) -> None:
    """Cut a log to its first and last `limit / 2` bytes and take the secrets out.

    The file is rewritten in its place, since others follow it or still write to it. Where there is no log,
    nothing happens.
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
            half = limit // 2 + redact.reach  # the rim, where a secret may be torn, is dropped afterwards
            first = redact.clean(file.read(half))
            file.seek(size - half)
            last = redact.clean(file.read(half))
            note = f"\n[{counted(size - limit, 'byte')} left out]\n".encode()
            kept = first[: len(first) - redact.reach] + note + last[redact.reach :]
        file.seek(0)
        file.truncate()
        file.write(kept)


def _above_standard(descriptor: int) -> int:
    """Move a descriptor out of the reach of 0, 1 and 2, which it was given where something had closed them."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return moved

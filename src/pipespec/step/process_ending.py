"""End a step's process as Python would end it, before its outputs are read.

Takes the folder to which a step writes. Afterwards nothing in this process still has to be written there, and nobody
writes there. Our own code continues in the same process, so the actions that Python takes at exit are done one by one.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import io
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import GeneratorType
from typing import Any, Final

__all__ = ["end_as_python_does", "forget_exit_callbacks"]

_IDLE: Final = 3.0
"""Seconds in which a thread must end if no file of the step is open. With an open file, it may go on until the timeout."""

_LOOK: Final = 0.05
_POOLS: Final = (
    ("concurrent.futures.thread", "_shutdown"),
    ("concurrent.futures.process", "_global_shutdown"),
)
"""Modules that accept no work after they were told of the exit, and the flags that they set for this."""
_FDS: Final = Path("/proc/self/fd")


def forget_exit_callbacks() -> None:
    """Forget callbacks that were registered before the step began, in a process that never exits as Python does."""
    atexit._clear()  # noqa: SLF001 - there is no other way


def end_as_python_does(folder: Path, *, is_own_process: bool) -> None:
    """Wait for threads, run the step's `atexit` callbacks, and write out what is open below `folder`."""
    if is_own_process:
        _end_pools()
        _join_threads(folder)
        _end_children()
        _run_exit_callbacks(folder)
    _close_writers(folder)


def _end_pools() -> None:
    callbacks: list[Any] = getattr(threading, "_threading_atexits", [])
    while callbacks:  # Python calls them before it waits for threads, the last one first
        try:
            callbacks.pop()()
        except Exception as error:  # noqa: BLE001 - like Python, which continues
            sys.stderr.write(f"pipespec: a pool could not be ended: {error}\n")
    for name, flag in _POOLS:
        if (module := sys.modules.get(name)) is not None:
            setattr(module, flag, False)  # our own code may still use a pool


def _join_threads(folder: Path) -> None:
    idle = time.monotonic() + _IDLE
    while others := [one for one in threading.enumerate() if _is_waited_for(one)]:
        if time.monotonic() >= idle and not any(_open_below(folder)):
            sys.stderr.write(f"pipespec: thread {others[0].name!r} goes on, and ends with the step\n")
            return
        others[0].join(_LOOK)


def _is_waited_for(thread: threading.Thread) -> bool:
    return not thread.daemon and thread is not threading.current_thread() and thread.is_alive()


def _end_children() -> None:
    """Do what multiprocessing does at exit, but wait for its processes only as long as for an idle thread."""
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is None or process is None:
        return
    atexit.unregister(util._exit_function)  # noqa: SLF001 - it waits without a limit
    util._run_finalizers(0)  # noqa: SLF001
    children = process.active_children()
    for child in children:
        if child.daemon:
            child.terminate()
    idle = time.monotonic() + _IDLE
    for child in children:
        child.join(max(0.0, idle - time.monotonic()))
        if child.is_alive():
            sys.stderr.write(f"pipespec: process {child.name!r} goes on, and ends with the step\n")
    util._run_finalizers()  # noqa: SLF001


def _run_exit_callbacks(folder: Path) -> None:
    # Each callback that raises is reported on stderr, as in Python.
    with contextlib.suppress(SystemExit, KeyboardInterrupt, TimeoutError), _interrupted_if_idle(folder):
        atexit._run_exitfuncs()  # noqa: SLF001 - as above
    logging.shutdown()


@contextlib.contextmanager
def _interrupted_if_idle(folder: Path) -> Iterator[None]:
    """Interrupt a callback that takes too long, unless a file of the step is open: the callback may be writing to it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signum: int, _frame: object) -> None:
        if not any(_open_below(folder)):
            raise TimeoutError(f"this exit callback was interrupted after {_IDLE:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, _IDLE, _IDLE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)


def _close_writers(folder: Path) -> None:
    """Close what is open for writing below a folder, the outermost object first: a compressor before its file."""
    if not any(_open_below(folder)):
        return
    found = gc.get_objects()
    for suspended in [one for one in found if isinstance(one, GeneratorType)]:
        if suspended.gi_frame is not None and not suspended.gi_running and _holds_writer(suspended, folder):
            _close(suspended)
    writers = [one for one in found if _is_writer(one, folder)]
    for writer in sorted(writers, key=_depth):
        _close(writer)
    for descriptor in list(_open_below(folder)):
        # If it were closed, its number could be reused for another file, which a remaining writer would then corrupt.
        with contextlib.suppress(OSError), open(os.devnull, "wb") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), descriptor)


def _holds_writer(suspended: GeneratorType[Any, Any, Any], folder: Path) -> bool:
    return any(_is_writer(one, folder) for one in _held(suspended))


def _held(suspended: Any) -> Iterator[Any]:
    """Yield the objects in a generator's variables, and in those of the generators for which it waits."""
    while isinstance(suspended, GeneratorType) and suspended.gi_frame is not None:
        yield from suspended.gi_frame.f_locals.values()
        suspended = suspended.gi_yieldfrom


def _is_writer(one: Any, folder: Path) -> bool:
    try:
        file = one.fp if type(one).__module__ == "zipfile" and not isinstance(one, io.IOBase) else one
        if not isinstance(file, io.IOBase) or file.closed:
            return False
        return _is_written(file.fileno(), folder)
    except Exception:  # noqa: BLE001 - a class of the user, or not a file of the operating system
        return False


def _depth(writer: Any) -> int:
    match writer:
        case io.RawIOBase() if type(writer).__module__ in ("io", "_io"):
            return 3
        case io.BufferedIOBase() if type(writer).__module__ in ("io", "_io"):
            return 2
        case io.TextIOBase():
            return 0
        case _:
            return 1 if isinstance(writer, io.IOBase) else -1


def _close(one: Any) -> None:
    try:
        one.close()
    except Exception as error:  # noqa: BLE001 - like Python, which continues
        sys.stderr.write(f"pipespec: what was open when the function returned could not be closed: {error}\n")


def _open_below(folder: Path) -> Iterator[int]:
    """Yield this process's descriptors that are open for writing below a folder, if the system lists them."""
    with contextlib.suppress(OSError):
        for name in os.listdir(_FDS):  # noqa: PTH208 - only the names are needed
            if _is_written(int(name), folder):
                yield int(name)


def _is_written(descriptor: int, folder: Path) -> bool:
    try:
        place = os.readlink(_FDS / str(descriptor))  # noqa: PTH115 - only the text is needed
        if not place.startswith(f"{folder}/"):
            return False
        return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        return False

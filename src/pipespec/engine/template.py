"""The process that step processes are forked from: `python -P -m pipespec.engine.template FD ENTRY MODULES`.

Takes `Order`s over an inherited socket and gives `Answer`s; knows nothing of steps. ENTRY is `module:function`, called
in each fork with the order's payload; MODULES (JSON) are loaded beforehand, so that a fork begins with them. One
thread, no clean-up code in the forks: a fork ends by `os._exit`. The template ends when its socket does,
that is with its parent however that died, and takes every descendant along. decisions/0005 says why it is ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Final

from pipespec.engine.messages import Answer, Exited, Lost, Order, Ready, Signal, Spawn, Started
from pipespec.step.log import attach_streams, flush_streams, open_log

__all__ = ["Template", "main", "preload"]

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36

_HARMLESS_THREADS: Final = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
"""Names of native threads that a fork may leave behind: jemalloc (in pyarrow) has fork handlers of its own, and
polars' cleaner sleeps until something is spilled to disk."""

_LEFTOVER_GRACE: Final = 1.0
"""Seconds that what a step left running has after SIGTERM; the standard library's and joblib's resource trackers
remove shared memory in that time."""

_PARENT_CHECK: Final = 5.0
"""Seconds between looks at the parent, in case a fork of it keeps our socket open."""

_END_LIMIT: Final = 5.0
"""Seconds spent on killing what is left: a process in uninterruptible sleep cannot be waited for."""

_FORK_ATTEMPTS: Final = 5

_SIGNALS: Final = (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""Those that the template handles in its own way."""


def preload(modules: Sequence[str]) -> Ready:
    """Import what can be imported; stop the process anew without a module that leaves a thread behind.

    A fork copies memory but not threads: a lock that a lost thread held stays locked for ever.
    """
    loaded: list[str] = []
    left_out: list[tuple[str, str]] = []
    for module in modules:
        try:
            importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 - a module may raise anything, SystemExit too
            left_out.append((module, f"{type(error).__name__}: {error}"))
            continue
        if _keeps_threads():
            _restart_without(module, modules)
        loaded.append(module)
    return Ready(tuple(loaded), tuple(left_out))


def _keeps_threads() -> bool:
    """Say whether a thread would be lost in a fork; what ends by itself at a fork (OpenBLAS) has its chance."""
    if threading.active_count() > 1:
        return True
    if not _native_threads():
        return False
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return bool(_native_threads())


def _native_threads() -> set[str]:
    """Name the threads beside this one that are not known to be harmless; empty where the system does not tell."""
    names = set()
    with contextlib.suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            if thread.name != str(os.getpid()):
                with contextlib.suppress(OSError):  # it ended meanwhile
                    names.add((thread / "comm").read_text().strip())
    return names - _HARMLESS_THREADS


def _restart_without(module: str, modules: Sequence[str]) -> None:
    rest = [other for other in modules if other != module]
    sys.stderr.write(f"'{module}' leaves a thread behind and is not loaded beforehand\n")
    sys.stderr.flush()
    arguments = [sys.executable, "-P", "-m", f"{__package__}.template", *sys.argv[1:3], json.dumps(rest)]
    os.execv(sys.executable, arguments)  # noqa: S606 - no shell, on purpose


class Template:
    """Serves one socket until it ends."""

    def __init__(self, control: Connection[Answer, Order], entry: Callable[[bytes], None]) -> None:
        self._control = control
        self._entry = entry
        self._parent = os.getppid()
        self._pid = os.getpid()
        self._own = frozenset(_children())
        """What a preloaded module started."""
        self._pids: dict[int, int] = {}
        """number of the order -> pid of its running process"""
        self._leftovers: dict[int, float] = {}
        """group that outlived its step -> when it is killed"""
        self._orphans: dict[int, float] = {}
        """process handed to us when its step died -> when it is killed"""
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def serve(self) -> None:
        """Do as ordered until the parent is gone or SIGTERM comes; then end every descendant."""
        _call_prctl(_PR_SET_CHILD_SUBREAPER, 1)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with contextlib.suppress(EOFError, OSError):  # OSError: the parent died with answers unread
            while not self._stopping and os.getppid() == self._parent:
                self._turn()
        self._end_all()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _turn(self) -> None:
        dues = (*self._leftovers.values(), *self._orphans.values())
        timeout = min([_PARENT_CHECK, *(due - time.monotonic() for due in dues)])
        readable = wait_for([self._control, self._wake_read], max(timeout, 0.0))
        if self._wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        self._reap()
        self._kill_what_is_due()
        if self._control in readable:
            self._obey(self._control.recv())

    def _obey(self, order: Order) -> None:
        match order:
            case Spawn():
                self._spawn(order)
            case Signal(number, signum):
                pid = self._pids.get(number)
                if pid is not None and not _signal_group(pid, signum):
                    os.kill(pid, signum)  # it has not come to lead its group yet

    def _spawn(self, order: Spawn) -> None:
        # Our own handlers must not swallow what is meant for the fork.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = _fork()
        except OSError as error:
            self._control.send(Lost(order.number, f"no process could be started: {error}"))
            return
        finally:
            if os.getpid() == self._pid:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if pid == 0:
            self._become_step(order)
        self._pids[order.number] = pid
        self._control.send(Started(order.number, pid))

    def _become_step(self, order: Spawn) -> None:
        """Run the entry in the fork, and end."""
        code = 1
        try:
            self._leave_template(order.log)
            self._entry(order.payload)
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may return into the template's loop
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                flush_streams()
            # No atexit: MLflow's would mark a run FINISHED, others wait for threads that never end.
            os._exit(code)

    def _leave_template(self, log: str) -> None:
        os.setsid()
        _call_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._pid:
            os._exit(1)  # it died before we could ask to be told
        # What a step's children leave behind comes to the step while it lives, and to the template after that:
        # there it can only be of a step that is gone.
        _call_prctl(_PR_SET_CHILD_SUBREAPER, 1)
        signal.set_wakeup_fd(-1)
        for signum in _SIGNALS:
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._control.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        del sys.argv[1:]  # they are the template's, and user code may look
        target = open_log(Path(log))
        attach_streams(target)
        os.close(target)

    def _reap(self) -> None:
        for number, pid in list(self._pids.items()):
            status = _reap_leader(pid)
            if status is None:
                continue
            del self._pids[number]
            if _signal_group(pid, 0):
                self._leftovers[pid] = time.monotonic() + _LEFTOVER_GRACE
            self._control.send(Exited(number, os.waitstatus_to_exitcode(status)))
        self._reap_orphans()

    def _reap_orphans(self) -> None:
        for pid in set(_children()).difference(self._own, self._pids.values()):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._orphans.pop(pid, None)
            elif pid not in self._orphans:
                os.kill(pid, signal.SIGTERM)
                self._orphans[pid] = time.monotonic() + _LEFTOVER_GRACE

    def _kill_what_is_due(self) -> None:
        now = time.monotonic()
        for group in [group for group, due in self._leftovers.items() if due <= now]:
            del self._leftovers[group]
            _signal_group(group, signal.SIGKILL)
        for pid in [pid for pid, due in self._orphans.items() if due <= now]:
            self._orphans[pid] = now + _LEFTOVER_GRACE
            os.kill(pid, signal.SIGKILL)  # ours to reap, so the number is still its own

    def _end_all(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for group in self._leftovers:
            _signal_group(group, signal.SIGKILL)
        deadline = time.monotonic() + _END_LIMIT
        while time.monotonic() < deadline:
            for pid in {*self._pids.values(), *_children()}:
                _signal_group(pid, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            try:
                ended, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if ended:
                self._pids = {number: pid for number, pid in self._pids.items() if pid != ended}
            else:
                time.sleep(0.005)


def _fork() -> int:
    """Fork, trying again for a moment where the system has no room for a process."""
    for attempt in range(1, _FORK_ATTEMPTS):
        try:
            return os.fork()
        except OSError:
            time.sleep(0.1 * attempt)
    return os.fork()


def _call_prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _reap_leader(pid: int) -> int | None:
    """Reap a child that ended, and end its group; None while it runs."""
    if sys.platform == "darwin":  # has no waitid before Python 3.13
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            return None
        _signal_group(pid, signal.SIGTERM)
        return status
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    # The group is told while its leader is a zombie: its number cannot be another's yet.
    _signal_group(pid, signal.SIGTERM)
    return os.waitpid(pid, 0)[1]


def _signal_group(group: int, signum: int) -> bool:
    """Signal a process group, and say whether there is one."""
    try:
        os.killpg(group, signum)
    except ProcessLookupError:
        return False
    except PermissionError:  # some of it changed its user
        return True
    return True


def _children() -> list[int]:
    """List the direct children; empty where the system does not tell."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def main() -> None:
    """Load, say so, and serve."""
    control: Connection[Answer, Order] = Connection(int(sys.argv[1]))
    # A step sets this for itself, but matplotlib reads it when it is loaded.
    os.environ.setdefault("MPLBACKEND", "Agg")
    module, function = sys.argv[2].split(":")
    entry = getattr(importlib.import_module(module), function)
    ready = preload(json.loads(sys.argv[3]))
    os.set_inheritable(control.fileno(), False)  # noqa: FBT003 - until here a restart needed it
    gc.collect()
    gc.freeze()  # collecting in a fork would copy all that was loaded
    control.send(ready)
    Template(control, entry).serve()


if __name__ == "__main__":
    main()

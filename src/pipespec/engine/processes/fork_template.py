"""The process from which step processes are forked: `python -P -m pipespec.engine.processes.fork_template FD ENTRY MODULES`.

Takes `Order`s over an inherited socket and returns `Answer`s. It knows nothing about steps. ENTRY is `module:function`.
It is called here with the payload of an order, and what it returns is called in the fork, with a function by which it can say
that its work is done. MODULES (JSON) are loaded beforehand, so that a fork starts with them. While a fork works, the next
one already exists and waits for its order. There is one thread, and no clean-up code in the forks: a fork ends by
`os._exit`. The template ends when its socket is closed, that is with its parent however that died, and ends every
descendant. decisions/0005-step-processes says why pipespec has its own template.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pickle
import select
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from pipespec.engine.processes.preload import preload
from pipespec.engine.processes.process_messages import (
    Answer,
    Done,
    Exited,
    Lost,
    Order,
    Signal,
    Spawn,
    Started,
    receive,
    send,
)
from pipespec.engine.processes.written_pages import WrittenPages
from pipespec.step.step_log import attach_streams, c_library, flush_streams, open_log

__all__ = ["Template", "main"]

_Run: TypeAlias = Callable[[Callable[[], None]], None]
"""What a fork does. It gets a function by which it can say that its work is done."""

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36

_LEFTOVER_GRACE: Final = 1.0
"""Seconds after SIGTERM in which processes left by a step must end: in that time, the standard library's and joblib's resource trackers
remove shared memory in that time."""

_PARENT_CHECK: Final = 5.0
"""Seconds between checks of the parent, in case a fork of it keeps our socket open."""

_END_LIMIT: Final = 5.0
"""Seconds spent on killing remaining processes: one in uninterruptible sleep cannot be waited for."""

_FORK_ATTEMPTS: Final = 5

_SIGNALS: Final = (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""The signals that the template handles in its own way."""


_NUMBER: Final = struct.Struct("q")


class _Waiting(NamedTuple):
    """A process that was forked before its order exists. It reads the order from the other end of a pipe."""

    pid: int
    orders: int


class Template:
    """Serves one socket until it is closed."""

    def __init__(self, control: Connection[Answer, Order], entry: Callable[[bytes], _Run]) -> None:
        self._control = control
        self._entry = entry
        self._parent = os.getppid()
        self._pid = os.getpid()
        self._own = frozenset(_children())
        """Processes that a preloaded module started."""
        self._pids: dict[int, int] = {}
        """number of the order -> pid of its running process"""
        self._leftovers: dict[int, float] = {}
        """group that outlived its step -> when it is killed"""
        self._orphans: dict[int, float] = {}
        """process that was reparented to us when its step died -> when it is killed"""
        self._waiting: _Waiting | None = None
        self._pages = WrittenPages()
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._done_read, self._done_write = os.pipe()
        self._poll = select.poll()
        for descriptor in (self._control.fileno(), self._wake_read, self._done_read):
            self._poll.register(descriptor, select.POLLIN)

    def serve(self) -> None:
        """Execute orders until the parent is gone or SIGTERM arrives; then end every descendant."""
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
        readable = [descriptor for descriptor, _ in self._poll.poll(max(timeout, 0.0) * 1000)]
        if self._done_read in readable:
            self._pass_on_done()
        if self._wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        if self._wake_read in readable or not readable:  # an order need not wait for this
            self._reap()
            self._kill_what_is_due()
        if self._control.fileno() in readable:
            self._obey(receive(self._control))

    def _pass_on_done(self) -> None:
        for (number,) in _NUMBER.iter_unpack(os.read(self._done_read, _NUMBER.size * 64)):
            if number in self._pids:
                send(self._control, Done(number))

    def _obey(self, order: Order) -> None:
        match order:
            case Spawn():
                self._spawn(order)
            case Signal(number, signum):
                pid = self._pids.get(number)
                if pid is not None and not _signal_group(pid, signum):
                    os.kill(pid, signum)  # it is not the leader of its group yet

    def _spawn(self, order: Spawn) -> None:
        pid = self._hand_over(order)
        try:
            run = self._entry(
                order.payload
            )  # also for processes that are forked later: they inherit what it prepares
        except Exception as error:  # noqa: BLE001 - whatever it is, other orders must be executed
            what = f"it could not be prepared: {type(error).__name__}: {error}"
            send(self._control, Lost(order.number, what))
            return
        try:
            pid = pid or self._fork(_fork_patiently, lambda: self._run(order, run))
        except OSError as error:
            send(self._control, Lost(order.number, f"no process could be started: {error}"))
            return
        self._pids[order.number] = pid
        send(self._control, Started(order.number, pid))
        self._fork_ahead()

    def _hand_over(self, order: Spawn) -> int | None:
        """Give an order to the process that waits for one, and return its pid; None if no process waits."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        try:
            with open(waiting.orders, "wb") as orders:  # noqa: PTH123 - a pipe
                pickle.dump(order, orders)
        except BrokenPipeError:  # it was killed
            return None
        return waiting.pid

    def _fork_ahead(self) -> None:
        """Fork the process of the next order now, while the last one is executed. It prepares itself meanwhile, and waits."""
        orders, ours = os.pipe()
        try:
            pid = self._fork(os.fork, lambda: self._wait_for_order(orders, ours))
        except OSError:  # the system has no room for it now
            os.close(ours)
        else:
            self._waiting = _Waiting(pid, ours)
        finally:
            os.close(orders)

    def _fork(self, fork: Callable[[], int], become: Callable[[], None]) -> int:
        gc.freeze()
        # Our own handlers must not intercept signals for the fork.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = fork()
        finally:
            if os.getpid() == self._pid:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if pid == 0:
            self._become_step(become)
        return pid

    def _become_step(self, become: Callable[[], None]) -> None:
        """Execute an order in this process, and end."""
        code = 1
        try:
            self._leave_template()
            become()
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may return into the template's loop
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                flush_streams()
            # No atexit: MLflow's would mark a run FINISHED, and others wait for threads that never end.
            os._exit(code)

    def _wait_for_order(self, orders: int, ours: int) -> None:
        os.close(ours)
        self._pages.copy()
        with open(orders, "rb") as pipe:
            told = pipe.read()
        if told:
            order: Spawn = pickle.loads(told)  # noqa: S301 - from the template
            self._run(order, self._entry(order.payload))

    def _run(self, order: Spawn, run: _Run) -> None:
        target = open_log(Path(order.log))
        attach_streams(target)
        os.close(target)
        run(lambda: self._say_done(order))
        self._pages.note()

    def _say_done(self, order: Spawn) -> None:
        """Tell the template, if anybody waits for it. Its pipe is opened only now: until then, a process has no file of the template."""
        if not order.reports_done:
            return
        place = f"/proc/{self._pid}/fd/{self._done_write}"
        with contextlib.suppress(OSError), open(place, "wb", buffering=0) as pipe:  # noqa: PTH123 - a pipe
            pipe.write(_NUMBER.pack(order.number))

    def _leave_template(self) -> None:
        os.setsid()
        _call_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._pid:
            os._exit(1)  # it died before we could request the signal
        # Orphaned children of a step are reparented to the step while it lives, and to the template after that:
        # in the template they can only belong to a step that has ended.
        _call_prctl(_PR_SET_CHILD_SUBREAPER, 1)
        signal.set_wakeup_fd(-1)
        for signum in _SIGNALS:
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._control.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        os.close(self._done_read)
        os.close(self._done_write)
        del sys.argv[1:]  # they belong to the template, and user code may look

    def _reap(self) -> None:
        for number, pid in list(self._pids.items()):
            status = _reap_leader(pid)
            if status is None:
                continue
            del self._pids[number]
            if _signal_group(pid, 0):
                self._leftovers[pid] = time.monotonic() + _LEFTOVER_GRACE
            send(self._control, Exited(number, os.waitstatus_to_exitcode(status)))
        self._reap_orphans()

    def _reap_orphans(self) -> None:
        waiting = () if self._waiting is None else (self._waiting.pid,)
        for pid in set(_children()).difference(self._own, self._pids.values(), waiting):
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
            os.kill(pid, signal.SIGKILL)  # we have not reaped it yet, so the number is still its own

    def _end_all(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self._waiting is not None:
            os.close(self._waiting.orders)  # no order arrives: it ends
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


def _fork_patiently() -> int:
    """Fork. If the system has no room for a process, try again for a moment."""
    for attempt in range(1, _FORK_ATTEMPTS):
        try:
            return os.fork()
        except OSError:
            time.sleep(0.1 * attempt)
    return os.fork()


def _call_prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        c_library().prctl(option, value, 0, 0, 0)


def _reap_leader(pid: int) -> int | None:
    """Reap a child that has ended, and end its group; None while it runs."""
    if sys.platform == "darwin":  # has no waitid before Python 3.13
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            return None
        _signal_group(pid, signal.SIGTERM)
        return status
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    # The group gets the signal while its leader is a zombie: its number cannot be reused yet.
    _signal_group(pid, signal.SIGTERM)
    return os.waitpid(pid, 0)[1]


def _signal_group(group: int, signum: int) -> bool:
    """Signal a process group, and return whether it exists."""
    try:
        os.killpg(group, signum)
    except ProcessLookupError:
        return False
    except PermissionError:  # some of its processes changed their user
        return True
    return True


def _children() -> list[int]:
    """Return the direct children; empty if the system does not list them."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb", buffering=0) as file:  # noqa: PTH123 - read at each turn
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def main() -> None:
    """Load modules, report this, and serve."""
    control: Connection[Answer, Order] = Connection(int(sys.argv[1]))
    # A step sets this for itself, but matplotlib reads it when it is loaded.
    os.environ.setdefault("MPLBACKEND", "Agg")
    module, function = sys.argv[2].split(":")
    entry = getattr(importlib.import_module(module), function)
    ready = preload(json.loads(sys.argv[3]))
    os.set_inheritable(control.fileno(), False)  # noqa: FBT003 - until here a restart needed it
    attach_streams(1)  # to their current targets: a fork gets Python's streams from here
    gc.collect()
    gc.freeze()  # garbage collection in a fork would copy all loaded modules
    send(control, ready)
    Template(control, entry).serve()


if __name__ == "__main__":
    main()

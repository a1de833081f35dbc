"""The parent's control of the template from which step processes are forked.

Takes payloads to run in separate processes. Returns `Answer`s about them. If a template dies, its processes die with
it, and are reported as `Lost`; the next order starts a new template. decisions/0005-step-processes says why this is not
a pool.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pipespec.engine.processes.process_messages import (
    Answer,
    Done,
    Exited,
    Lost,
    Order,
    Ready,
    Signal,
    Spawn,
    Started,
    receive,
    send,
)

__all__ = ["StepProcesses"]

_PRELOAD_LIMIT: Final = 120.0
"""Seconds in which a template must load modules beforehand, before it is restarted without any."""

_CLOSE_LIMIT: Final = 10.0
"""Seconds in which a template must end all processes, before it is killed, which kills its children."""


class StepProcesses:
    """Processes of one run. Used from one thread, except `wake`.

    `entry` is `module:function`. It is called with the payload in the process from which others are forked, and what it
    returns runs in the new process, with a function by which it can say that its work is `Done`. `modules` are loaded
    beforehand if possible. The processes start in `folder`, with `environment` added to that of this process. `log` gets the
    template's own output.
    """

    def __init__(
        self,
        entry: str,
        *,
        modules: Sequence[str] = (),
        folder: Path,
        log: Path,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._entry = entry
        self._modules = tuple(modules)
        self._folder = folder
        self._log = log
        self._environment = environment
        self._template: _TemplateProcess | None = None
        self._waiting: dict[int, Spawn] = {}
        self._pids: dict[int, int] = {}
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def warm_up(self) -> None:
        """Start the template without waiting until it is ready."""
        if self._template is None:
            self._template = _TemplateProcess(
                self._entry, self._modules, self._folder, self._log, self._environment
            )

    def spawn(self, number: int, payload: bytes, log: Path, *, reports_done: bool = False) -> None:
        """Start a process under a new number. `Started`, perhaps `Done`, and then `Exited` report about it, or `Lost`."""
        self._waiting[number] = Spawn(number, payload, str(log), reports_done)
        if self._template is None:
            self._restart()
        else:
            self._template.send(self._waiting[number])

    def signal(self, number: int, signum: int) -> None:
        """Send a signal to a process and its group, if it is still running."""
        if self._template is not None:
            self._template.send(Signal(number, signum))

    def wake(self) -> None:
        """Make a `wait` return immediately. May be called from a signal handler or another thread."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"x")

    def wait(self, timeout: float) -> list[Answer]:
        """Return the answers that arrive within this number of seconds, as soon as there are any, or when woken."""
        template = self._template
        watched: list[int | Connection[Order, Answer]] = [self._wake_read]
        if template is not None:
            watched.append(template.control)
        limit = timeout if template is None else min(timeout, template.seconds_left())
        if self._wake_read in wait_for(watched, limit):
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        if template is None:
            return []
        answers, is_dead = template.receive()
        for answer in answers:
            self._note(answer)
        return [*answers, *self._bury(template)] if is_dead else answers

    def close(self) -> None:
        """End all processes and the template."""
        if self._template is not None:
            self._template.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _note(self, answer: Answer) -> None:
        match answer:
            case Started(number, pid):
                self._waiting.pop(number, None)
                self._pids[number] = pid
            case Exited(number) | Lost(number):
                self._waiting.pop(number, None)
                self._pids.pop(number, None)
            case Ready() | Done():
                return

    def _bury(self, template: _TemplateProcess) -> list[Answer]:
        """Treat the processes of a dead template as lost: the system killed them with it. Kill their children."""
        code = template.close()
        self._template = None
        for pid in self._pids.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        if not template.was_ready and self._modules:
            # Loading the modules killed it, or took too long. Nothing had begun.
            self._modules = ()
            self._restart()
            return []
        reason = f"the process from which steps are forked ended with code {code}; its log is {self._log}"
        lost: list[Answer] = [Lost(number, reason) for number in (*self._pids, *self._waiting)]
        self._pids.clear()
        self._waiting.clear()
        return lost

    def _restart(self) -> None:
        self.warm_up()
        assert self._template is not None
        for order in self._waiting.values():
            self._template.send(order)


class _TemplateProcess:
    """One template, from its start to its end."""

    def __init__(
        self, entry: str, modules: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]
    ) -> None:
        ours, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            arguments = [str(theirs.fileno()), entry, json.dumps(modules)]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.fork_template", *arguments],
                cwd=folder,
                # Sets and hashes have a fixed order, so that a repeated step produces the same bytes.
                env={"PYTHONHASHSEED": "0", **os.environ, **environment},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # the parent handles Ctrl-C in the terminal
            )
        self.control: Connection[Order, Answer] = Connection(ours.detach())
        self.was_ready = False
        self._is_ending = False
        self._ready_by = time.monotonic() + _PRELOAD_LIMIT

    def seconds_left(self) -> float:
        """How much longer it may take to be ready; unlimited once it is."""
        return float("inf") if self.was_ready else max(0.0, self._ready_by - time.monotonic())

    def send(self, order: Order) -> None:
        """Send an order. If the template cannot be reached, it is ended, which the next `receive` notices."""
        try:
            send(self.control, order)
        except OSError:
            self._process.kill()

    def receive(self) -> tuple[list[Answer], bool]:
        """Return the available answers, and whether the template is dead or unusable."""
        answers: list[Answer] = []
        try:
            while self.control.poll():
                answers.append(receive(self.control))
                self.was_ready = True
        except (EOFError, OSError):
            self._is_ending = True
            return answers, True
        return answers, self.seconds_left() == 0.0

    def close(self) -> int:
        """Make it end all its processes and itself, and return its exit code."""
        self.control.close()
        if not self._is_ending:
            self._process.terminate()  # while it loads modules it does not read the socket
        try:
            return self._process.wait(_CLOSE_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

"""Connect Luigi's processes to the one process that knows what is complete and executes steps.

Takes questions of tasks. Returns answers, and raises a step's failure as `StepFailedError`. With several workers, Luigi
forks a process for each task that it runs, and the fork shares everything that is open. Therefore only a socket is open
here, and each process has its own. The other process is started when it is first needed, and ends with the process that
started it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

from pipespec.errors import PipespecError
from pipespec.runtime.declared import Declared
from pipespec.scratch import hold_scratch, let_go_of_scratch
from pipespec.state_folder import StateFolder

__all__ = ["RecordClient", "StepFailedError", "UnanswerableError"]

_CLOSE_LIMIT: Final = 30.0
"""Seconds in which the other process must end what it executes and close its runs, before it is killed."""


class StepFailedError(PipespecError):
    """A step failed. The text is the user's error, with the frames of the user's code and the place of the log."""


class UnanswerableError(PipespecError):
    """Nothing can be decided: the code changed, an input is missing, or the store is not reachable.

    The text is one line. `code` is the exit code that a command would have.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class RecordClient:
    """Asks questions for one pipeline and receives the answers. Threads and forks may share it."""

    def __init__(self, declare: Callable[[], Declared], steps: Collection[str]) -> None:
        """Take a function that declares the pipeline, called when the other process starts, and the ids of its steps."""
        self._declare = declare
        self._steps = steps
        self._complete: set[str] = set()
        """The steps that are known to be complete. While the process lasts, this changes only by `plan`."""
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._folder = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._connections = threading.local()

    def plan(self) -> bool:
        """Check everything again, unless steps are executing, and return whether every step is complete."""
        with self._lock:
            self._complete = set(self._ask({"ask": "plan"})["complete"])
        return len(self._complete) == len(self._steps)

    def is_complete(self, step: str) -> bool:
        """Return whether a step is complete."""
        if step not in self._complete:
            self._complete.update(self._ask({"ask": "complete", "step": step})["complete"])
        return step in self._complete

    def run(self, step: str) -> None:
        """Execute a step, unless its key is complete meanwhile, and return when its result is published.

        Raises:
            StepFailedError: if it failed.
        """
        answer = self._ask({"ask": "run", "step": step})
        if "failed" in answer:
            raise StepFailedError("\n".join(answer["failed"]))
        self._complete.add(step)

    def close(self) -> None:
        """End the other process. Steps that are executing are ended; what is published stays."""
        with self._lock:
            process, self._process = self._process, None
            if process is None or self._owner != os.getpid():
                return
            process.terminate()
            try:
                process.wait(_CLOSE_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            let_go_of_scratch(Path(self._folder))

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if self._process is None:
                self._begin()
        try:
            connection = self._connection()
            connection.write(json.dumps(question).encode() + b"\n")
            connection.flush()
            line = connection.readline()
        except OSError:
            line = b""
        if not line:
            raise UnanswerableError(
                "the process that executes steps has ended; its messages are printed above", 1
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise UnanswerableError(answer["error"], answer["code"])
        return answer

    def _connection(self) -> Any:
        """Return the connection of this thread and process."""
        if getattr(self._connections, "pid", None) != os.getpid():
            link = socket.socket(socket.AF_UNIX)
            link.connect(str(Path(self._folder) / "socket"))
            self._connections.pid, self._connections.file = os.getpid(), link.makefile("rwb")
            link.close()  # the file keeps the descriptor
        return self._connections.file

    def _begin(self) -> None:
        try:
            declared = self._declare()
            StateFolder.of(declared.spec.root).made()
        except PipespecError as error:
            raise UnanswerableError(str(error), error.exit_code) from error
        self._folder = str(hold_scratch())  # accessible only to this user, and short enough for a socket
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(Path(self._folder) / "socket"))
            listener.listen(128)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.record_server", str(listener.fileno())],
                cwd=declared.spec.root,
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno() if _is_real(sys.stderr) else subprocess.DEVNULL,
                start_new_session=True,  # Luigi handles Ctrl-C
            )
        self._owner = os.getpid()
        atexit.register(self.close)
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(pickle.dumps((declared, sys.argv)))
            self._process.stdin.close()


def _is_real(stream: Any) -> bool:
    """Return whether a stream is one of the system, and not a replacement by a notebook or a test."""
    try:
        stream.fileno()
    except (AttributeError, OSError, ValueError):
        return False
    return True

"""The hold that Luigi's processes have on the one process that knows what is complete and executes steps.

Takes questions of tasks; gives answers, and a step's failure as `StepFailedError`. Luigi forks a process for each task
that it runs with several workers, and whatever is open in it is open in two: so nothing is open here but a socket,
and each process has its own. That other process is begun when it is first needed, and ends with the one that began it.
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
"""Seconds that the other process may take to end what executes and to close its runs, before it is killed."""


class StepFailedError(PipespecError):
    """A step failed; the text is the user's error, with the frames of the user's code and the place of the log."""


class UnanswerableError(PipespecError):
    """Nothing can be decided: the code changed, an input is gone, the store is away. One line; `code` is as a command's."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class RecordClient:
    """Asks and answers for one pipeline; threads and forks may share it."""

    def __init__(self, declare: Callable[[], Declared], steps: Collection[str]) -> None:
        """Take how the pipeline is declared, asked when the other process begins, and the ids of its steps."""
        self._declare = declare
        self._steps = steps
        self._complete: set[str] = set()
        """What is known to be complete: that does not change while the process lasts, but by `plan`."""
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._folder = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._connections = threading.local()

    def plan(self) -> bool:
        """Look at all anew, unless steps execute, and say whether every step is complete."""
        with self._lock:
            self._complete = set(self._ask({"ask": "plan"})["complete"])
        return len(self._complete) == len(self._steps)

    def is_complete(self, step: str) -> bool:
        """Say whether a step is complete."""
        if step not in self._complete:
            self._complete.update(self._ask({"ask": "complete", "step": step})["complete"])
        return step in self._complete

    def run(self, step: str) -> None:
        """Execute a step, unless its key is complete by now, and return when its result is published.

        Raises:
            StepFailedError: where it failed.
        """
        answer = self._ask({"ask": "run", "step": step})
        if "failed" in answer:
            raise StepFailedError("\n".join(answer["failed"]))
        self._complete.add(step)

    def close(self) -> None:
        """End the other process: what executes is ended, what is published stays."""
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
        """Return a connection of this very thread and process."""
        if getattr(self._connections, "pid", None) != os.getpid():
            link = socket.socket(socket.AF_UNIX)
            link.connect(str(Path(self._folder) / "socket"))
            self._connections.pid, self._connections.file = os.getpid(), link.makefile("rwb")
            link.close()  # the file holds it
        return self._connections.file

    def _begin(self) -> None:
        try:
            declared = self._declare()
            StateFolder.of(declared.spec.root).made()
        except PipespecError as error:
            raise UnanswerableError(str(error), error.exit_code) from error
        self._folder = str(hold_scratch())  # nobody else's, and short enough for a socket
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(Path(self._folder) / "socket"))
            listener.listen(128)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.record_server", str(listener.fileno())],
                cwd=declared.spec.root,
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno() if _is_real(sys.stderr) else subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is Luigi's to handle
            )
        self._owner = os.getpid()
        atexit.register(self.close)
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(pickle.dumps((declared, sys.argv)))
            self._process.stdin.close()


def _is_real(stream: Any) -> bool:
    """Tell a stream of the system's from what a notebook or a test put in its place."""
    try:
        stream.fileno()
    except (AttributeError, OSError, ValueError):
        return False
    return True

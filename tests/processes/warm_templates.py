"""Forks the templates of step processes from a warm server, in place of starting Python for each run of a pipeline.

`WarmTemplate` is to `step_processes` what `subprocess.Popen` is. What is not a template of it is refused. A server may have
libraries loaded that steps import, for tests that are not about imports.
"""

import contextlib
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

from forks import ForkServer, fork

MODULE = "pipespec.engine.processes.fork_template"
NEEDED = ("pipespec.engine.processes.process_messages", "pipespec.engine.processes.step_worker")
LIBRARIES = (
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "pandas",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.impute",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sqlalchemy",
)
"""What the steps of the examples import, which takes seconds."""
MODELS = (
    "mlflow.models",
    "mlflow.pyfunc",
    "mlflow.sklearn",
    "pandas",
    "sklearn.linear_model",
    "sklearn.pipeline",
)
"""What steps load that save and read models."""


class WarmTemplates:
    """A server of templates, which starts when it is needed."""

    def __init__(self, environment: Mapping[str, str], libraries: Sequence[str] = ()) -> None:
        # As a template has it, and as the commands of tests have it: `sys.flags` shows both.
        self._environment = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", **environment}
        self._libraries = libraries

    @functools.cached_property
    def control(self) -> socket.socket:
        imported = [*NEEDED, *self._libraries]
        return ForkServer("-m", MODULE, *imported, environment=self._environment, options=["-P"]).control


def divert(control: socket.socket) -> types.SimpleNamespace:
    """Return what `step_processes` may use as `subprocess`, to fork from the server behind a socket."""

    def popen(arguments: list[str], **how: object) -> WarmTemplate:
        return WarmTemplate(control, arguments, **how)

    return types.SimpleNamespace(
        Popen=popen, DEVNULL=subprocess.DEVNULL, TimeoutExpired=subprocess.TimeoutExpired
    )


class WarmTemplate:
    def __init__(
        self,
        control: socket.socket,
        arguments: list[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        pass_fds: list[int],
        stdin: int,
        stdout,
        stderr,
        start_new_session: bool,
    ) -> None:
        *start, number, entry, modules = arguments
        assert start == [sys.executable, "-P", "-m", MODULE], start
        assert (pass_fds, stdin, start_new_session) == ([int(number)], subprocess.DEVNULL, True)
        nothing = os.open(os.devnull, os.O_RDONLY)
        files = [nothing, stdout.fileno(), stderr.fileno(), *pass_fds]
        self._told = fork(control, ["3", entry, modules], cwd, env, files)
        os.close(nothing)
        self._read = b""

    def wait(self, timeout: float | None = None) -> int:
        if not self._has_told(2, timeout):
            raise subprocess.TimeoutExpired(MODULE, timeout)
        return os.waitstatus_to_exitcode(int(self._read.split()[1]))

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, signum: int) -> None:
        self._has_told(1, None)
        if not self._has_told(2, 0.0):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self._read.split()[0]), signum)

    def _has_told(self, lines: int, timeout: float | None) -> bool:
        """Read what is told of the process: first its id, then its wait status."""
        while self._read.count(b"\n") < lines:
            if not select.select([self._told], [], [], timeout)[0]:
                return False
            self._read += os.read(self._told, 100)
        return True

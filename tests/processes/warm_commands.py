"""Runs a command in processes that a warm server forks: the start of Python and a second of imports are paid once.

`WarmCommands.run` takes what `subprocess.run` does, with an empty stdin, and returns the exit code and both streams.
`fork_server.py` says what such a process has in common with one that was started, and when it is started after all.
Two servers take turns, each with its own seed of hashes: what hangs on the order of a set differs from one command
to the next, as it does for a user.
"""

import contextlib
import itertools
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from forks import ForkServer, fork
from warm_templates import LIBRARIES, MODELS, WarmTemplates

SERVERS = 2
COMMAND = Path(sys.executable).with_name("pipespec")


class WarmCommands:
    """Runs of one script, which calls `entry` (`module:function`); the servers start when they are needed."""

    def __init__(
        self, script: Path, entry: str, environment: Mapping[str, str], templates: WarmTemplates | None = None
    ) -> None:
        self._script, self._entry, self.templates = str(script), entry, templates
        self._environment = dict(environment)
        self._servers: list[ForkServer] = []
        self._turns = itertools.count()
        self._lock = threading.Lock()

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            with self._lock:
                files = [nothing, out_end, err_end]
                if self.templates is not None:
                    files.append(self.templates.control.fileno())
                told = fork(self._server().control, arguments, cwd, env, files)
        finally:
            for file in (nothing, out_end, err_end):
                os.close(file)
        command = [self._script, *arguments]
        printed, said, ended = _read_to_end([out, err, told], command, timeout)
        code = os.waitstatus_to_exitcode(int(ended.split()[1]))
        return subprocess.CompletedProcess(command, code, _text(printed), _text(said))

    def sockets(self) -> list[int]:
        """Return what a `forwarded_command` inherits."""
        templates = [] if self.templates is None else [self.templates.control]
        return [each.fileno() for each in (self._server().control, *templates)]

    def _server(self) -> ForkServer:
        turn = next(self._turns) % SERVERS
        if turn == len(self._servers):
            self._servers.append(ForkServer(self._script, self._entry, environment=self._environment))
        return self._servers[turn]

    def close(self) -> list[int]:
        """End the servers, and return their exit codes."""
        return [server.close() for server in self._servers]


def _read_to_end(files: list[int], command: list[str], timeout: float) -> list[bytes]:
    """Read files until they end. The last has the id of a process, which is killed when the time is over."""
    until = time.monotonic() + timeout
    found = {file: bytearray() for file in files}
    with selectors.DefaultSelector() as selector:
        for file in files:
            selector.register(file, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(max(0.0, until - time.monotonic())):
                if read := os.read(key.fd, 1 << 16):
                    found[key.fd] += read
                else:
                    selector.unregister(key.fd)
                    os.close(key.fd)
            if selector.get_map() and time.monotonic() >= until:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(int(found[files[-1]].split()[0]), signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout)
    return [bytes(found[file]) for file in files]


def _text(read: bytes) -> str:
    return read.decode().replace("\r\n", "\n").replace("\r", "\n")


TEMPLATES = WarmTemplates(os.environ)
PIPESPEC = WarmCommands(COMMAND, "pipespec.cli:main", os.environ, TEMPLATES)
"""The command as it is installed."""

# Libraries in C read at their start how many threads they may have, and where they draw.
_QUIET = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "MLFLOW_DISABLE_TELEMETRY": "true"}
WITH_LIBRARIES = WarmTemplates(os.environ | _QUIET, LIBRARIES)
WITH_MODELS = WarmTemplates(os.environ | _QUIET, MODELS)
"""Templates with what the examples import."""

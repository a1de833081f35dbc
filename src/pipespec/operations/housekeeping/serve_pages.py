"""`ui`: the pages of MLflow for a store, and of Luigi, opened at a pipeline.

Takes a store and a pipeline's name. Returns the address, and our own server if none is running. Our server listens only
on the loopback interface, runs in its own session, and ends with all its processes when `Pages` is closed. A database
without a file is refused, because MLflow would create an empty one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pipespec.errors import PipespecError, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.housekeeping.store_place import StorePlace
from pipespec.tracking.tracking_uri import artifact_root, is_server, is_sqlite, shown, sqlite_path
from pipespec.views.mlflow_links import experiment_url

__all__ = ["Pages", "luigi_pages", "mlflow_pages"]

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 180.0
"""Seconds within which a server must answer. MLflow's server takes half a minute on a slow machine."""
_ENDING: Final = 10.0
_LUIGI_PAGE: Final = "static/visualiser/index.html"


@frozen
class Pages:
    """Pages that can be opened at `address`. Use it in a `with` statement."""

    address: str
    base: str
    """The address of the server itself, as for `--scheduler`."""
    process: subprocess.Popen[bytes] | None = None
    """Our own server; None if another one is already running."""

    def wait(self) -> None:
        """Wait until our server ends, by itself or by a signal."""
        if self.process is not None:
            self.process.wait()

    def close(self) -> None:
        """End our server and all its processes."""
        if self.process is None:
            return
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_ENDING)
            if not _is_group_alive(self.process.pid, _ENDING if ending is signal.SIGTERM else 1.0):
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def mlflow_pages(place: StorePlace, pipeline: str, port: int | None) -> Pages:
    """Return MLflow's pages of a store, at the experiment of a pipeline's invocations.

    Raises:
        UsageError: if nothing is recorded yet, or the port is in use.
        PipespecError: if MLflow's server does not start.
        StoreUnavailableError: if the store cannot be read.
    """
    uri = place.uri
    if is_sqlite(uri) and not sqlite_path(uri).exists():
        raise UsageError(
            f"the tracking store {place.name.short} does not exist yet; run the pipeline first: pipespec run"
        )
    with place.read() as ledger:
        found = ledger.invocations(pipeline, 1)
    experiment = found[-1].experiment_id if found else None
    if is_server(uri):
        base = shown(uri).rstrip("/")
        return Pages(experiment_url(base, experiment), base)
    root = artifact_root(uri, place.root)
    chosen = _port(port)
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        _HOST,
        "--port",
        str(chosen),
        "--workers",
        "1",
    ]
    # In its environment, because every user of the machine can read a command line.
    settings = {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    if root is not None:
        settings["MLFLOW_DEFAULT_ARTIFACT_ROOT"] = root.as_uri()
    base = f"http://{_HOST}:{chosen}"
    return _served(experiment_url(base, experiment), base, "health", command, settings, place, "mlflow-ui")


def luigi_pages(place: StorePlace, scheduler: str | None, port: int | None) -> Pages:
    """Return the visualiser of a luigid: the one at an address, or our own.

    Raises:
        UsageError: if the port is in use.
        PipespecError: if luigid does not start.
    """
    if scheduler is not None:
        base = shown(scheduler).rstrip("/")
        return Pages(f"{base}/{_LUIGI_PAGE}", base)
    chosen = _port(port)
    state = place.state.made().path / "luigid.pickle"
    command = [sys.executable, "-c", "from luigi.cmdline import luigid; luigid()"]
    command += ["--address", _HOST, "--port", str(chosen), "--state-path", str(state)]
    base = f"http://{_HOST}:{chosen}"
    return _served(f"{base}/{_LUIGI_PAGE}", base, _LUIGI_PAGE, command, {}, place, "luigid")


def _port(asked: int | None) -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, asked or 0))
        except OSError as error:
            raise UsageError(
                f"port {asked} cannot be used: {error.strerror}; choose another one with --port"
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _served(
    address: str,
    base: str,
    answers: str,
    command: Sequence[str],
    settings: Mapping[str, str],
    place: StorePlace,
    name: str,
) -> Pages:
    """Start a server, and wait until it answers."""
    place.state.made().logs.mkdir(exist_ok=True)
    log = place.state.logs / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=place.root,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    pages = Pages(address, base, process)
    try:
        _await(process, f"{base}/{answers}", log, name)
    except BaseException:
        pages.close()
        raise
    return pages


def _await(process: subprocess.Popen[bytes], address: str, log: Path, name: str) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise PipespecError(f"the server of {name} ended: {_last_line(log)}; its log is '{log}'")
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - our own server
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise PipespecError(f"the server of {name} does not answer; its log is '{log}'")


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return shown(next((line for line in reversed(lines) if line), "it said nothing"))


def _is_group_alive(group: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return False
        time.sleep(0.05)
    return True

"""What runs leave on the local disk: private folders that are removed with their run, and logs.

Logs are kept for a month, or as long as there is room for them. Takes the folder `.pipespec/staging`. Returns one
folder for each step, readable only by this user. A lock, which the system releases when its process dies, shows which
runs are alive: the folders of a dead run are removed automatically at the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["Staging", "dead_folders", "sweep_logs"]

_LOG_AGE: Final = 30 * 24 * 3600.0
"""Seconds that local logs are kept. MLflow keeps a copy of each permanently."""

_LOG_BYTES: Final = 256 << 20
"""Maximum size of all logs on the disk."""
_LOG_HOUR: Final = 3600.0
"""Seconds in which a log is not removed, because its step may still be running."""


class Staging:
    """The staging folders of one run. Use it in a `with` statement."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / secrets.token_hex(8)
        self._lock = -1

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(self._folder)
        self._lock = _hold(_lock_of(self._own))
        self._own.mkdir(mode=0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _remove(self._own)
        _lock_of(self._own).unlink(missing_ok=True)
        os.close(self._lock)

    def make(self, name: str) -> Path:
        """Create an empty folder with this name, which must be new. If a step removed its parent, create that again."""
        folder = self._own / name
        try:
            folder.mkdir(mode=0o700)
        except FileNotFoundError:
            self._remake()
            folder.mkdir(mode=0o700)
        return folder

    def _remake(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _lock_of(self._own).exists():
            os.close(self._lock)
            self._lock = _hold(_lock_of(self._own))
        self._own.mkdir(mode=0o700, exist_ok=True)

    def discard(self, folder: Path) -> None:
        """Remove a step's folder with everything in it."""
        _remove(folder)


def sweep_logs(folder: Path) -> None:
    """Remove the logs that have not been written to for a month, then the oldest others as long as all logs are too large."""
    now, found = time.time(), []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # another sweep was faster
                if entry.name.endswith(".log"):
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_blocks * 512, entry.path))
    room = _LOG_BYTES
    for changed, size, path in sorted(found, reverse=True):
        room -= size
        if changed < now - _LOG_AGE or (room < 0 and changed < now - _LOG_HOUR):
            Path(path).unlink(missing_ok=True)


def dead_folders(folder: Path) -> list[Path]:
    """Return the folders of runs whose processes are dead. The next run removes them."""
    found = []
    for path in folder.glob("*.lock"):
        with contextlib.suppress(OSError):  # the run is alive, or is gone
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.append(path.with_suffix(""))
            finally:
                os.close(descriptor)
    return sorted(found)


def _lock_of(folder: Path) -> Path:
    return folder.with_suffix(".lock")


def _hold(path: Path) -> int:
    """Lock a new file, and return the descriptor that holds the lock."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # A sweep may have found the file before it was locked, and removed it.
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    for path in folder.glob("*.lock"):
        with contextlib.suppress(OSError):  # another sweep was faster, or the run is alive: BlockingIOError
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path.with_suffix(""))
                path.unlink()
            finally:
                os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove a folder, even if a step removed its own permissions."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    for place, names, _ in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                (Path(place) / name).chmod(0o700, follow_symlinks=False)
    shutil.rmtree(folder, ignore_errors=True)

"""Temporary folders that end with their process: what a killed process left is removed by the next one.

A folder is locked while its process, or a fork of it, lives. Only our folders that belong to this user are examined,
once in each process. One that is younger than a minute may not be locked yet.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["hold_scratch", "let_go_of_scratch", "scratch"]

_PREFIX: Final = "pipespec-scratch-"
_YOUNG: Final = 60.0
_held: Final[dict[str, int]] = {}
"""The file descriptors of the locks."""


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for this block."""
    folder = hold_scratch()
    try:
        yield folder
    finally:
        let_go_of_scratch(folder)


def hold_scratch() -> Path:
    """Make a folder that stays until it is released, or the process ends."""
    _sweep(tempfile.gettempdir(), os.getpid())
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    with contextlib.suppress(
        OSError
    ):  # a file system without locks, so no process removes folders there either
        _held[folder] = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(_held[folder], fcntl.LOCK_EX)
    return Path(folder)


def let_go_of_scratch(folder: Path) -> None:
    """Remove a folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    descriptor = _held.pop(str(folder), None)
    if descriptor is not None:
        os.close(descriptor)


@functools.cache
def _sweep(place: str, _process: int) -> None:
    """Remove what dead processes left."""
    oldest = time.time() - _YOUNG
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with contextlib.suppress(OSError):  # another process was faster, or its process lives
                    _remove_if_dead(entry, oldest)


def _remove_if_dead(entry: os.DirEntry[str], oldest: float) -> None:
    status = entry.stat(follow_symlinks=False)
    if not entry.is_dir(follow_symlinks=False) or status.st_uid != os.getuid() or status.st_mtime > oldest:
        return
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(entry.path, ignore_errors=True)
    finally:
        os.close(descriptor)

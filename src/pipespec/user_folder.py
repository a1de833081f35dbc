"""pipespec's folder in the user's cache, for data that projects of one user share: in `XDG_CACHE_HOME` or the system's own.

A leaf module: it imports nothing of the package. A folder or file that another user owns or may write is not trusted.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

__all__ = ["is_ours_alone", "read_own_file", "user_folder"]


def user_folder() -> Path | None:
    """Return the folder, created if it is missing; None if that is not possible."""
    try:
        told = Path(os.environ.get("XDG_CACHE_HOME", ""))
        own = Path("Library", "Caches") if sys.platform == "darwin" else Path(".cache")
        folder = (told if told.is_absolute() else Path.home() / own) / "pipespec"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except (OSError, RuntimeError):  # a user without a home
        return None
    return folder if stat.S_ISDIR(status.st_mode) and is_ours_alone(status) else None


def read_own_file(path: Path, limit: int) -> bytes | None:
    """Return the content of a regular file of ours that only this user may write.

    Links are not followed, because they may lead to files of others.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if not (stat.S_ISREG(status.st_mode) and is_ours_alone(status) and status.st_size <= limit):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def is_ours_alone(status: os.stat_result) -> bool:
    """Return whether this user owns something, and nobody else may write it."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

"""Where a project's files are read from: the disk, or git.

Refuses whatever is not a regular file: opening a pipe would block, and a device has no end. Files below `/dev` that a user
names are read: for example, standard input, and what a shell's `<(...)` gives.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path
from typing import Final, Protocol

__all__ = ["DiskTree", "Tree", "WatchedTree"]

_STREAMS: Final = Path("/dev")


class Tree(Protocol):
    """Files by their absolute paths."""

    def read(self, path: Path, limit: int) -> bytes:
        """Return at most the first `limit` bytes of a file.

        Raises:
            OSError: if it does not exist or cannot be read.
        """

    def real(self, path: Path) -> str:
        """Return the path with links resolved."""


class DiskTree:
    """The files on disk."""

    def read(self, path: Path, limit: int) -> bytes:
        """Return at most the first `limit` bytes of a file."""
        if path.is_relative_to(_STREAMS):
            with path.open("rb") as file:
                return file.read(limit)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise OSError(errno.EINVAL, "it is not a regular file", str(path))
            return file.read(limit)

    def real(self, path: Path) -> str:
        """Return the path with links resolved."""
        return os.path.realpath(path)


class WatchedTree(DiskTree):
    """The files on disk. It records what was read."""

    def __init__(self) -> None:
        self.began = time.time_ns()
        self._read: dict[tuple[Path, int], bytes | None] = {}

    def read(self, path: Path, limit: int) -> bytes:
        """Return at most the first `limit` bytes of a file."""
        self._read[path, limit] = None
        self._read[path, limit] = content = super().read(path, limit)
        return content

    def is_current(self) -> bool:
        """Return whether every file that was read, or was missing, is unchanged."""
        return all(self._now(path, limit) == content for (path, limit), content in self._read.items())

    def contents(self) -> dict[str, bytes | None]:
        """Return the content that was read, by path; None if a file could not be read."""
        return {os.fspath(path): content for (path, _), content in self._read.items()}

    def _now(self, path: Path, limit: int) -> bytes | None:
        try:
            return super().read(path, limit)
        except OSError:
            return None

"""Where a project's files are read from: the disk, or what git keeps of them.

Refused is what is no regular file: a pipe would hang us, and a device has no end. What a user names below `/dev` is read
all the same: there are standard input and what a shell's `<(...)` gives.
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
            OSError: where it is not there or cannot be read.
        """

    def real(self, path: Path) -> str:
        """Return where a path leads, links followed."""


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
        """Return where a path leads, links followed."""
        return os.path.realpath(path)


class WatchedTree(DiskTree):
    """The files on disk, with note of what was read."""

    def __init__(self) -> None:
        self.began = time.time_ns()
        self._read: dict[tuple[Path, int], bytes | None] = {}

    def read(self, path: Path, limit: int) -> bytes:
        """Return at most the first `limit` bytes of a file."""
        self._read[path, limit] = None
        self._read[path, limit] = content = super().read(path, limit)
        return content

    def is_current(self) -> bool:
        """Tell whether every file that was read, or was missing, is as it was."""
        return all(self._now(path, limit) == content for (path, limit), content in self._read.items())

    def contents(self) -> dict[str, bytes | None]:
        """Return what was read, by path; None is what could not be read."""
        return {os.fspath(path): content for (path, _), content in self._read.items()}

    def _now(self, path: Path, limit: int) -> bytes | None:
        try:
            return super().read(path, limit)
        except OSError:
            return None

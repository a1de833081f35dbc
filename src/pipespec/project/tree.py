"""Where a project's files are read from: the disk, or what git keeps of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

__all__ = ["DiskTree", "Tree"]


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
        with path.open("rb") as file:
            return file.read(limit)

    def real(self, path: Path) -> str:
        """Return where a path leads, links followed."""
        return os.path.realpath(path)

"""Cache of file digests in `.pipespec/digests.sqlite`, so that a large file is read only once.

It is only a cache: it may be damaged, deleted or read-only at any time.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pipespec.activity import busy
from pipespec.state_folder import StateFolder
from pipespec.step.content_digest import digest_file

__all__ = ["DigestMemory"]

_YOUNG_NS: Final = 2_000_000_000
"""The digest of a file younger than this when it was read is not cached.

Clocks of file systems may advance only every two seconds, so the file may change again without a new time.
"""

_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS digests_1 (
    path BLOB PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER, digest TEXT
) WITHOUT ROWID"""
_FIND: Final = "SELECT digest FROM digests_1 WHERE path=? AND size=? AND mtime=? AND ctime=? AND inode=?"
_KEEP: Final = "INSERT OR REPLACE INTO digests_1 VALUES (?, ?, ?, ?, ?, ?)"


class DigestMemory:
    """Caches digests of files by path, size, times and inode in `.pipespec/digests.sqlite`.

    The time of the last status change (ctime) counts too: it reveals an edit after which the modification time was
    reset. Use it as a context manager. Its file is opened when a digest is first requested, and new digests are written
    together at the end.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._connection: sqlite3.Connection | None = None
        self._is_tried = False
        self._fresh: dict[bytes, tuple[bytes, int, int, int, int, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fresh:
            self._write()
        self._close()

    def digest(self, path: Path) -> tuple[str, int]:
        """Return SHA-256 and size of a regular file, from the cache if the file is unchanged.

        Raises:
            ContentError: if something other than a regular file exists there.
            OSError: if it cannot be read.
        """
        began = time.time_ns()
        before = _identity(path)
        if known := self._recall(before):
            return known, before[1]
        digest, size = digest_file(path)
        youngest = max(before[2], before[3])
        if before == _identity(path) and began - youngest >= _YOUNG_NS:
            self._fresh[before[0]] = (*before, digest)
        return digest, size

    def digest_all(self, files: Mapping[str, Path], folder: str) -> dict[str, tuple[str, int]]:
        """Return the same for many files in a folder, each by its name. Raises the same errors as `digest`."""
        found: dict[str, tuple[str, int]] = {}
        unknown: dict[str, int] = {}
        for name, path in files.items():
            identity = _identity(path)
            known = self._recall(identity)
            if known is None:
                unknown[name] = identity[1]
            else:
                found[name] = known, identity[1]
        if unknown:
            with busy(f"hashing {len(unknown):,} files of {folder}", sum(unknown.values())) as work:
                for name, size in unknown.items():
                    found[name] = self.digest(files[name])
                    work.advance(size)
        return {name: found[name] for name in files}

    def _recall(self, identity: tuple[bytes, int, int, int, int]) -> str | None:
        fresh = self._fresh.get(identity[0])
        if fresh is not None and fresh[:-1] == identity:
            return fresh[-1]
        if not self._is_tried:
            self._is_tried = True
            file = StateFolder.of(self.root).digests
            self._connection = _connect(file) if file.exists() else None
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(_FIND, identity).fetchone()
        except sqlite3.Error:
            self._close()
            return None
        return row[0] if row and isinstance(row[0], str) and len(row[0]) == 64 else None

    def _write(self) -> None:
        try:
            file = StateFolder.of(self.root).made().digests
            if self._connection is None:
                self._connection = _connect(file)
            if self._connection is None:
                file.unlink(missing_ok=True)  # damaged: start with an empty one
                self._connection = _connect(file)
            if self._connection is not None:
                with self._connection:
                    self._connection.execute(_SCHEMA)
                    self._connection.executemany(_KEEP, self._fresh.values())
        except (OSError, sqlite3.Error):
            return  # not stored: the next plan reads the files again

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _identity(path: Path) -> tuple[bytes, int, int, int, int]:
    status = path.stat()
    return os.fsencode(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _connect(file: Path) -> sqlite3.Connection | None:
    """Open the cache; None if it is damaged, or locked by another process for more than a second."""
    try:
        connection = sqlite3.connect(file, timeout=1.0)
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    except (OSError, sqlite3.Error):
        return None
    return connection

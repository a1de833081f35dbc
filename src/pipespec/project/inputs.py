"""External inputs -> records of their content; digests are remembered, so that a large file is read once.

Takes the files, folders and globs that a pipeline names, gives an `OutputRecord` of each, by the one rule of
`step.digest`. The memory is a cache: it may be torn, deleted or read-only at any time.
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

from pipespec.errors import UsageError
from pipespec.plan.model import OutputRecord
from pipespec.project.presence import files_below, is_remote
from pipespec.project.remote import digest_remote
from pipespec.project.root import STATE_FOLDER, make_state_folder
from pipespec.spec.model import DirInput, FileInput, FilesInput
from pipespec.step.digest import digest_file, tree_digest, walk_files

__all__ = ["DigestMemory", "digest_input"]

_YOUNG_NS: Final = 2_000_000_000
"""A file younger than this when its reading began is not remembered: clocks of file systems tick up to every
two seconds, so it may change again without its time telling."""

_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS digests_1 (
    path BLOB PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER, digest TEXT
) WITHOUT ROWID"""
_FIND: Final = "SELECT digest FROM digests_1 WHERE path=? AND size=? AND mtime=? AND ctime=? AND inode=?"
_KEEP: Final = "INSERT OR REPLACE INTO digests_1 VALUES (?, ?, ?, ?, ?, ?)"


class DigestMemory:
    """Remembers digests of files by path, size, times and inode in `.pipespec/digests.sqlite`.

    The time of the last change of state counts too: an edit whose modification time was put back shows there.
    Use it as a context; what is new is written at its end, in one go.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._connection: sqlite3.Connection | None = None
        self._fresh: dict[bytes, tuple[bytes, int, int, int, int, str]] = {}

    def __enter__(self) -> Self:
        file = self._root / STATE_FOLDER / "digests.sqlite"
        if file.exists():
            self._connection = _connect(file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fresh:
            self._write()
        self._close()

    def digest(self, path: Path) -> tuple[str, int]:
        """Return sha256 and size of a regular file, from memory where the file is unchanged.

        Raises:
            ContentError: where something else stands there.
            OSError: where it cannot be read.
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

    def _recall(self, identity: tuple[bytes, int, int, int, int]) -> str | None:
        fresh = self._fresh.get(identity[0])
        if fresh is not None and fresh[:-1] == identity:
            return fresh[-1]
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
            file = make_state_folder(self._root) / "digests.sqlite"
            if self._connection is None:
                self._connection = _connect(file)
            if self._connection is None:
                file.unlink(missing_ok=True)  # torn: begin anew
                self._connection = _connect(file)
            if self._connection is not None:
                with self._connection:
                    self._connection.execute(_SCHEMA)
                    self._connection.executemany(_KEEP, self._fresh.values())
        except (OSError, sqlite3.Error):
            return  # not remembered: the next plan reads the files again

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def digest_input(source: FileInput | DirInput | FilesInput, memory: DigestMemory) -> OutputRecord:
    """Return the record of an external input's content as it is now.

    Of a folder, and of the files that a glob finds, the digest is over their sorted names and digests; names
    start below the folder, or below the part of the pattern that has no wildcard. A URI's file system is asked
    for version or etag before content.

    Raises:
        UsageError: where there is nothing, or it cannot be read.
        ContentError: where there is something that is no content: a pipe, a link inside a folder.
    """
    location = source.pattern if isinstance(source, FilesInput) else source.path
    try:
        if is_remote(location):
            return digest_remote(source)
        match source:
            case FileInput(path=path):
                digest, size = memory.digest(Path(path))
                return OutputRecord(digest, size, 1, Path(path).name)
            case DirInput(path=path):
                return _digest_all(dict(walk_files(Path(path))), f"{Path(path).name}/", memory)
            case FilesInput(pattern=pattern):
                base, files = files_below(pattern)
                if not files:
                    raise UsageError(f"no file fits '{source.text}'")
                return _digest_all(files, f"{base.name}/", memory)
    except FileNotFoundError:
        raise UsageError(f"there is no '{source.text}'") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(f"'{source.text}' cannot be read: {reason}") from error


def _digest_all(files: Mapping[str, Path], file: str, memory: DigestMemory) -> OutputRecord:
    manifest: dict[str, str] = {}
    size = 0
    for name, path in files.items():
        manifest[name], count = memory.digest(path)
        size += count
    return OutputRecord(tree_digest(manifest), size, len(manifest), file)


def _identity(path: Path) -> tuple[bytes, int, int, int, int]:
    status = path.stat()
    return os.fsencode(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _connect(file: Path) -> sqlite3.Connection | None:
    """Open the memory; None where it is torn or in someone else's hands for more than a second."""
    try:
        connection = sqlite3.connect(file, timeout=1.0)
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    except (OSError, sqlite3.Error):
        return None
    return connection

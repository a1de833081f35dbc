"""Keep an empty tracking store for each version of MLflow in the user's cache folder: MLflow takes seconds to create one.

Returns the bytes of a store, or None. Takes stores that MLflow has just created. A file in the folder is used only if
it is exactly as it was written: a file of this user that nobody else may write, named by the digest of its content,
with the revision of the installed MLflow and no records. Anything else is ignored, and replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.sqlite_schema import head_revision, open_for_writing
from pipespec.tracking.writing.folder_lock import locked
from pipespec.user_folder import read_own_file, user_folder

__all__ = ["StoreCache", "is_empty_store"]

_LARGEST: Final = 1 << 24
"""Maximum size in bytes. An empty store has one million."""
_COUNTS: Final = """
    SELECT (SELECT count(*) FROM experiments), (SELECT count(*) FROM runs), (SELECT count(*) FROM tags),
        (SELECT count(*) FROM metrics)
"""


class StoreCache:
    """The cache of this user. If it cannot be used, it contains nothing and stores nothing."""

    def __init__(self) -> None:
        """Find the folder, or create it if it does not exist."""
        self._folder = user_folder()
        self._prefix = f"mlflow-{version('mlflow-skinny')}-{head_revision()}-"  # also a part of mlflow

    def find(self) -> bytes | None:
        """Return an empty store that the installed MLflow created, or None."""
        for path in self._kept():
            content = read_own_file(path, _LARGEST)
            if content is not None and path.name == self._name(content):
                return content
        return None

    def keep(self, content: bytes) -> None:
        """Replace all other stores of this version by a new one. If the folder cannot be written, do nothing."""
        if self._folder is None:
            return
        path = self._folder / self._name(content)
        temporary = self._folder / f".{secrets.token_hex(8)}.new"
        with contextlib.suppress(OSError):
            for other in self._kept():
                shutil.rmtree(other) if other.is_dir() and not other.is_symlink() else other.unlink()
            try:
                temporary.touch(mode=0o600)
                temporary.write_bytes(content)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process of this user creates a store for the cache."""
        if self._folder is None:
            yield
            return
        with locked(self._folder):
            yield

    def _kept(self) -> list[Path]:
        return [] if self._folder is None else sorted(self._folder.glob(f"{self._prefix}*.db"))

    def _name(self, content: bytes) -> str:
        return f"{self._prefix}{hashlib.sha256(content).hexdigest()[:32]}.db"


def is_empty_store(path: Path) -> bool:
    """Return whether a database file is complete, of the installed MLflow's revision, and without records."""
    try:
        connection = open_for_writing(path)
        if connection is None:
            return False
        with contextlib.closing(connection) as db:
            counts = db.execute(_COUNTS).fetchone()
            return bool(
                counts == (1, 0, 0, 0) and db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            )
    except (StoreUnavailableError, sqlite3.Error, UnicodeDecodeError):
        return False

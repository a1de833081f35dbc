"""Check whether a database file is a tracking store, and of the version of the installed MLflow.

Takes the path of a database file. Returns a connection, and whether our own statements may use it. MLflow itself must
not open it: it would create its tables in a foreign database, and migrate an older store without asking.
"""

from __future__ import annotations

import errno
import importlib.util
import re
import sqlite3
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from pipespec.errors import StoreUnavailableError

__all__ = ["PATIENCE_OF_WRITERS", "head_revision", "open_database", "open_for_writing", "unreadable"]

_PATIENCE: Final = 8.0
"""Seconds to wait while another process commits: longer than any commit, shorter than a user's patience."""

# Revisions of tables with which our statements were tested. 3.18's three migrations after 3.17's change none of the tables.
_TRIED: Final = frozenset({"dc11669786a5", "f4a9b2c7d1e6"})

_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "runs": frozenset(
        {
            "run_uuid",
            "status",
            "start_time",
            "end_time",
            "lifecycle_stage",
            "artifact_uri",
            "experiment_id",
        }
    ),
    "tags": frozenset({"key", "value", "run_uuid"}),
    "params": frozenset({"key", "value", "run_uuid"}),
    "latest_metrics": frozenset({"key", "value", "is_nan", "run_uuid"}),
    "experiments": frozenset({"experiment_id", "lifecycle_stage"}),
}

# A writer must know every column: a column that our statements do not know would stay empty.
_WRITTEN: Final[Mapping[str, frozenset[str]]] = {
    "runs": _COLUMNS["runs"]
    | {
        "name",
        "source_type",
        "source_name",
        "entry_point_name",
        "user_id",
        "source_version",
        "deleted_time",
    },
    "tags": _COLUMNS["tags"],
    "params": _COLUMNS["params"],
    "metrics": frozenset({"key", "value", "timestamp", "run_uuid", "step", "is_nan"}),
    "latest_metrics": _COLUMNS["latest_metrics"] | {"timestamp", "step"},
    "experiments": _COLUMNS["experiments"]
    | {"name", "artifact_location", "creation_time", "last_update_time", "workspace"},
    "datasets": frozenset(
        {
            "dataset_uuid",
            "experiment_id",
            "name",
            "digest",
            "dataset_source_type",
            "dataset_source",
            "dataset_schema",
            "dataset_profile",
        }
    ),
    "inputs": frozenset(
        {"input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step"}
    ),
    "input_tags": frozenset({"input_uuid", "name", "value"}),
}

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)

PATIENCE_OF_WRITERS: Final = 20.0
"""Seconds to wait while another process writes: as long as MLflow waits."""

# If a store has no default experiment, MLflow creates it. If it has workspaces, MLflow refuses to work without them.
_IN_ORDER: Final = """
    SELECT count(*) FILTER (WHERE experiment_id = 0) = 1 AND count(*) FILTER (WHERE workspace != 'default') = 0
    FROM experiments
"""

_REVISION: Final = re.compile(r'^revision\s*(?::[^=\n]*)?=\s*["\'](\w+)', re.MULTILINE)
_DOWN_REVISION: Final = re.compile(r"^down_revision\s*(?::[^=\n]*)?=(.*)$", re.MULTILINE)


class _Migrations(NamedTuple):
    """The revisions that the installed MLflow knows, and the revision that it requires."""

    known: frozenset[str]
    head: str | None


def open_database(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Open a store for reading. Return also whether our statements may read it; otherwise MLflow's client must.

    Raises:
        StoreUnavailableError: for a file that is not a tracking store, and for a store that the installed MLflow would
            refuse or change.
        sqlite3.Error, UnicodeDecodeError: if the file cannot be read; `unreadable` describes it in words.
    """
    connection = _connect(path, "ro", _PATIENCE)
    try:
        return connection, _is_familiar(connection, path)
    except sqlite3.OperationalError as error:
        connection.close()
        if getattr(error, "sqlite_errorname", "") not in (
            "SQLITE_READONLY_ROLLBACK",
            "SQLITE_READONLY_RECOVERY",
        ):
            raise
    except BaseException:
        connection.close()
        raise
    _roll_back(path)
    connection = _connect(path, "ro", _PATIENCE)
    return connection, _is_familiar(connection, path)


def open_for_writing(path: Path) -> sqlite3.Connection | None:
    """Open a store for writing; None if MLflow's client must write, because something in the store is unknown here.

    Raises: as `open_database`.
    """
    connection = _connect(path, "rw", PATIENCE_OF_WRITERS)
    try:
        if _is_familiar(connection, path) and _may_write(connection):
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _may_write(connection: sqlite3.Connection) -> bool:
    return all(columns == _columns(connection, table) for table, columns in _WRITTEN.items()) and bool(
        connection.execute(_IN_ORDER).fetchone()[0]
    )


def head_revision() -> str | None:
    """Return the revision of a store that the installed MLflow would create."""
    return _installed_migrations().head


def _connect(path: Path, mode: str, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )


def _roll_back(path: Path) -> None:
    """Let SQLite undo what a dead process had half written. Every reader does this, except a read-only one."""
    connection = _connect(path, "rw", _PATIENCE)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    connection.close()


def _is_familiar(connection: sqlite3.Connection, path: Path) -> bool:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"alembic_version", "runs", "experiments"} <= tables:
        raise StoreUnavailableError(
            f"'{path}' exists but is not an MLflow tracking store; move it away, or set mlflow.tracking_uri"
        )
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    revision = rows[0][0] if len(rows) == 1 else None
    _require_current(revision, path)
    return revision in _TRIED and all(
        columns <= _columns(connection, table) for table, columns in _COLUMNS.items()
    )


def _columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    return frozenset(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))


def _require_current(revision: str | None, path: Path) -> None:
    migrations = _installed_migrations()
    if migrations.head is None or revision == migrations.head:
        return
    from importlib.metadata import version as installed  # noqa: PLC0415 - for errors only, 5 ms

    version = installed("mlflow")
    if revision in migrations.known:
        raise StoreUnavailableError(
            f"the tracking store '{path}' is older than the installed mlflow {version}; back it up, then run "
            f"`mlflow db upgrade sqlite:///{path}`"
        )
    raise StoreUnavailableError(
        f"the tracking store '{path}' (revision {_plain(str(revision))}) was made by a version of mlflow other than the "
        f"installed {version}; install the version that made it, or a newer one"
    )


@cache
def _installed_migrations() -> _Migrations:
    """Read MLflow's migrations as text: 67 small files in 8 ms. Importing them takes seconds."""
    package = importlib.util.find_spec("mlflow")
    folders = package.submodule_search_locations if package is not None else None
    found = Path(next(iter(folders or ["."])), "store", "db_migrations", "versions")
    known: set[str] = set()
    before: set[str] = set()
    for file in found.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        if match := _REVISION.search(text):
            known.add(match[1])
            down = _DOWN_REVISION.search(text)
            before.update(re.findall(r"[\"'](\w+)[\"']", down[1]) if down else ())
    heads = known - before
    return _Migrations(frozenset(known), heads.pop() if len(heads) == 1 else None)


def unreadable(path: Path, error: Exception, *, deed: str = "read") -> StoreUnavailableError:
    """Say in one line why a database file cannot be read or written, and what to do."""
    if path.is_dir():
        return StoreUnavailableError(
            f"'{path}' is a folder, not an MLflow tracking store; move it away, or set mlflow.tracking_uri"
        )
    text = "malformed text" if isinstance(error, UnicodeDecodeError) else _plain(str(error))
    if "locked" in text or "busy" in text:
        return StoreUnavailableError(
            f"the tracking store '{path}' is locked by another process; try again when it has finished"
        )
    if "is full" in text or getattr(error, "errno", None) in _FULL:
        return StoreUnavailableError(
            f"the tracking store '{path}' cannot be {deed}: no space left on device; make room, and run again"
        )
    if "readonly" in text or "read-only" in text.lower():
        return StoreUnavailableError(
            f"the tracking store '{path}' is read-only; make the file and its folder writable, or set"
            " mlflow.tracking_uri to a store that is"
        )
    if "malformed" in text or "not a database" in text or "corrupt" in text or "decode" in text:
        return StoreUnavailableError(
            f"the tracking store '{path}' is damaged ({text}); restore a backup, or recover it with "
            f"`sqlite3 '{path}' .recover`"
        )
    return StoreUnavailableError(f"the tracking store '{path}' cannot be {deed}: {text}")


def _plain(text: str) -> str:
    # Text that SQLite quotes from a damaged file may be anything.
    line = (text.splitlines() or [""])[0][:200]
    return "".join(character if character.isprintable() else "?" for character in line)

"""Is this database file a tracking store, and of the version that the installed MLflow speaks?

Takes the path of a database file, gives a read-only connection and whether our own statements may use it. MLflow itself must not be asked:
it would build its tables in a stranger's database, and migrate an older store without a question.
"""

from __future__ import annotations

import importlib.util
import re
import sqlite3
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from pipespec.errors import StoreUnavailableError

__all__ = ["open_database", "unreadable"]

_PATIENCE: Final = 8.0
"""Seconds to wait while another process commits: longer than any commit, shorter than a user's patience."""

# Revisions whose tables our statements were tried on. 3.18's three migrations after 3.17's touch none of them.
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

_REVISION: Final = re.compile(r'^revision\s*(?::[^=\n]*)?=\s*["\'](\w+)', re.MULTILINE)
_DOWN_REVISION: Final = re.compile(r"^down_revision\s*(?::[^=\n]*)?=(.*)$", re.MULTILINE)


class _Migrations(NamedTuple):
    """The revisions that the installed MLflow knows, and the one that it wants."""

    known: frozenset[str]
    head: str | None


def open_database(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Open a store for reading; with it comes whether our statements may read it, or MLflow's client has to.

    Raises:
        StoreUnavailableError: for a file that is no tracking store, and for a store that the installed MLflow
            would refuse, or would change.
        sqlite3.Error, UnicodeDecodeError: where the file cannot be read; `unreadable` puts that into words.
    """
    connection = _connect(path, "ro")
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
    connection = _connect(path, "ro")
    return connection, _is_familiar(connection, path)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=_PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )


def _roll_back(path: Path) -> None:
    """Let SQLite undo what a process that died had half written, as every reader but a read-only one does."""
    connection = _connect(path, "rw")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    connection.close()


def _is_familiar(connection: sqlite3.Connection, path: Path) -> bool:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"alembic_version", "runs", "experiments"} <= tables:
        raise StoreUnavailableError(
            f"'{path}' is there, but is no MLflow tracking store; move it away, or set mlflow.tracking_uri"
        )
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    revision = rows[0][0] if len(rows) == 1 else None
    _require_current(revision, path)
    return revision in _TRIED and all(
        columns <= {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for table, columns in _COLUMNS.items()
    )


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
        f"the tracking store '{path}' (revision {_plain(str(revision))}) was made by another mlflow than the installed "
        f"{version}; install the mlflow that made it, or a newer one"
    )


@cache
def _installed_migrations() -> _Migrations:
    """Read MLflow's migrations as text: 67 small files in 8 ms, where importing them takes seconds."""
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


def unreadable(path: Path, error: Exception) -> StoreUnavailableError:
    """Put into one line why a database file cannot be read, and the way out."""
    text = "malformed text" if isinstance(error, UnicodeDecodeError) else _plain(str(error))
    if "locked" in text or "busy" in text:
        return StoreUnavailableError(
            f"the tracking store '{path}' is locked by another process; try again when that has ended"
        )
    if "malformed" in text or "not a database" in text or "corrupt" in text or "decode" in text:
        return StoreUnavailableError(
            f"the tracking store '{path}' is damaged ({text}); restore a copy of it, or rescue it with "
            f"`sqlite3 '{path}' .recover`"
        )
    return StoreUnavailableError(f"the tracking store '{path}' cannot be read: {text}")


def _plain(text: str) -> str:
    # What SQLite quotes of a damaged file may be anything.
    line = (text.splitlines() or [""])[0][:200]
    return "".join(character if character.isprintable() else "?" for character in line)

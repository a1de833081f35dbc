"""Read the registry in a database file: our own read-only statements, without mlflow."""
# ruff: noqa: S608 - the statements are made of constants of this module only

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from pipespec.tracking.models.registry import ModelVersion, Registry, WantedVersions
from pipespec.tracking.sqlite_schema import open_database, unreadable
from pipespec.tracking.tracking_uri import sqlite_path

__all__ = ["SqliteRegistry"]

_Answer = TypeVar("_Answer")

_DELETED: Final = "Deleted_Internal"
"""The stage that MLflow sets for deleted versions. Their rows stay."""
_MOST_NAMES: Final = 1000

_VERSIONS: Final = f"""
    SELECT v.name, v.version, coalesce(v.storage_location, v.source, ''), coalesce(v.run_id, ''),
        coalesce(v.creation_time, 0)
    FROM model_versions v
    WHERE coalesce(v.current_stage, '') != '{_DELETED}'
        AND (:name IS NULL OR v.name = :name)
        AND (:version IS NULL OR v.version = :version)
        AND (:run_id IS NULL OR v.run_id = :run_id)
        AND (:tag IS NULL OR EXISTS (
            SELECT 1 FROM model_version_tags t
            WHERE t.name = v.name AND t.version = v.version AND t.key = :tag AND t.value = :value
        ))
    ORDER BY v.name, v.version DESC
    LIMIT :latest
"""
_TAGS: Final = """
    SELECT version, key, value FROM model_version_tags WHERE name = :name AND value IS NOT NULL
"""
_MODEL: Final = "SELECT count(*) FROM registered_models WHERE name = :name"
_ALIASES: Final = "SELECT alias, version FROM registered_model_aliases WHERE name = :name"
_NAMES: Final = "SELECT name FROM registered_models ORDER BY name LIMIT :latest"


class SqliteRegistry:
    """A Registry over one database file. A missing file means no models. `otherwise` reads a file with unknown tables."""

    def __init__(self, uri: str, *, otherwise: Callable[[], Registry]) -> None:
        """Open nothing yet: the first question opens the file."""
        self.uri = uri
        self._path: Path = sqlite_path(uri)
        self._otherwise = otherwise
        self._connection: sqlite3.Connection | None = None
        self._client: Registry | None = None

    def versions(self, wanted: WantedVersions) -> Sequence[ModelVersion]:
        """Return versions of models; those of one model by number, the highest first."""
        return self._ask(lambda db: _versions(db, wanted), lambda client: client.versions(wanted), ())

    def aliases(self, name: str) -> Mapping[str, int] | None:
        """Return a model's aliases with the version of each; None if the model does not exist."""
        return self._ask(lambda db: _aliases(db, name), lambda client: client.aliases(name), None)

    def names(self) -> Sequence[str]:
        """Return the names of registered models."""
        return self._ask(
            lambda db: [str(name) for (name,) in db.execute(_NAMES, {"latest": _MOST_NAMES})],
            lambda client: client.names(),
            (),
        )

    def location(self, version: ModelVersion) -> str:
        """Return the URI of a version's files, which is in the tables."""
        return version.source if self._client is None else self._client.location(version)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(
        self,
        from_file: Callable[[sqlite3.Connection], _Answer],
        through_client: Callable[[Registry], _Answer],
        nothing: _Answer,
    ) -> _Answer:
        try:
            if self._client is None and self._connection is None and self._path.exists():
                connection, familiar = open_database(self._path)
                if familiar:
                    self._connection = connection
                else:
                    connection.close()
                    self._client = self._otherwise()
            if self._connection is not None:
                return from_file(self._connection)
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            self.close()
            raise unreadable(self._path, error) from error
        return nothing if self._client is None else through_client(self._client)


def _versions(db: sqlite3.Connection, wanted: WantedVersions) -> Sequence[ModelVersion]:
    tag, value = wanted.tag or (None, None)
    rows = db.execute(
        _VERSIONS,
        {
            "name": wanted.name,
            "version": wanted.version,
            "run_id": wanted.run_id,
            "tag": tag,
            "value": value,
            "latest": 1 if wanted.only_last else -1,
        },
    ).fetchall()
    tags: dict[str, Mapping[int, dict[str, str]]] = {}
    for name in dict.fromkeys(str(row[0]) for row in rows):
        told: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for version, key, text in db.execute(_TAGS, {"name": name}):
            told[version][key] = text
        tags[name] = told
    return [
        ModelVersion(name, version, source, run_id, created / 1000, tags[name].get(version, {}))
        for name, version, source, run_id, created in rows
    ]


def _aliases(db: sqlite3.Connection, name: str) -> Mapping[str, int] | None:
    if not db.execute(_MODEL, {"name": name}).fetchone()[0]:
        return None
    return {str(alias): int(version) for alias, version in db.execute(_ALIASES, {"name": name})}

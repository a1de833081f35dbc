"""Resolve a tracking URI as the user wrote it to the one spelling that all of pipespec uses.

Takes the text of `mlflow.tracking_uri` (or None) and the project root. Relative sqlite paths are relative to the root,
wherever the command was started. Refuses what cannot be a store that outlives the process. Accesses no file and does
not import mlflow.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pipespec.errors import UsageError
from pipespec.state_folder import StateFolder

__all__ = [
    "ARTIFACT_FOLDER",
    "artifact_root",
    "experiment_slug",
    "is_private",
    "is_server",
    "is_sqlite",
    "resolve_uri",
    "same_store",
    "shown",
    "sqlite_path",
    "store_places",
]

ARTIFACT_FOLDER: Final = "mlartifacts"
"""The folder next to a database that contains the artifacts of its runs."""

_NAMES: Final = ("databricks", "databricks-uc")
"""Stores that MLflow knows by a word. Any other word is a path."""

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CREDENTIALS: Final = re.compile(r"://[^/?#]*@")
_SQLITE: Final = re.compile(r"sqlite(?:\+\w+)?://(?P<path>/[^?]*)?(?P<query>\?.*)?", re.DOTALL)


def resolve_uri(uri: str | None, root: Path) -> str:
    """Return the URI of the tracking store: absolute, so that it means the same in any working directory.

    Without one it is `sqlite:///<root>/mlflow.db`. A relative sqlite path, and a plain path, are relative to `root`.

    Raises:
        UsageError: for a store in memory, and for a path that no database URI can represent.
    """
    if not uri:
        return _sqlite_uri(root / "mlflow.db")
    if match := _SQLITE.fullmatch(uri):
        path = (match["path"] or "/")[1:]
        if path in ("", ":memory:"):
            raise UsageError(f"the tracking store '{uri}' is in memory and would be lost after the run")
        return _sqlite_uri(root / path) + (match["query"] or "")
    if uri.startswith("file:") and not uri.startswith("file:/"):
        return Path(os.path.normpath(root / uri.removeprefix("file:"))).as_uri()
    if not _SCHEME.match(uri) and uri not in _NAMES:
        return Path(os.path.normpath(root / uri)).as_uri()
    return uri


def _sqlite_uri(path: Path) -> str:
    text = os.path.normpath(path)
    bad = next((character for character in text if character in "?%"), None)
    if bad is not None:
        # '?' begins a URI's query. '%' is a plain character for some versions of SQLAlchemy, and an escape for others.
        raise UsageError(
            f"the database '{text}' has a '{bad}' in its path, which database URIs do not support; set "
            "mlflow.tracking_uri to another place"
        )
    return f"sqlite:///{text}"


def is_sqlite(uri: str) -> bool:
    """Return whether this is a database file that can be read without mlflow."""
    return uri.startswith(("sqlite:", "sqlite+"))


def is_server(uri: str) -> bool:
    """Return whether this is a tracking server, which decides itself where artifacts are stored."""
    return uri.startswith(("http://", "https://"))


def is_private(uri: str) -> bool:
    """Return whether this is the store that a project has if tracking is off."""
    return is_sqlite(uri) and sqlite_path(uri).parts[-3:] == StateFolder.of(Path()).private_store.parts


def sqlite_path(uri: str) -> Path:
    """Return the database file of a resolved sqlite URI."""
    match = _SQLITE.fullmatch(uri)
    assert match is not None, uri
    return Path((match["path"] or "/")[1:])


def same_store(one: str, other: str, working_directory: Path) -> bool:
    """Return whether two spellings mean the same store. Relative sqlite paths are relative to the working directory."""
    if is_sqlite(one) and is_sqlite(other):
        folder = Path(working_directory)
        return os.path.realpath(folder / sqlite_path(one)) == os.path.realpath(folder / sqlite_path(other))
    return one.rstrip("/") == other.rstrip("/")


def artifact_root(uri: str, root: Path) -> Path | None:
    """Return the local default folder of a store's artifacts; None if a server decides.

    The folder of a database file is next to it, so that the two can be moved together.
    """
    if is_sqlite(uri):
        return sqlite_path(uri).parent / ARTIFACT_FOLDER
    if is_server(uri) or uri.startswith("databricks"):
        return None
    return root / ARTIFACT_FOLDER


def store_places(uri: str, root: Path, *artifacts: str) -> tuple[str, ...]:
    """Return the local files and folders in which a resolved URI's store keeps its records, if it has any.

    `artifacts` are URIs of artifacts that may be stored elsewhere.
    """
    places = [root / ARTIFACT_FOLDER, root / "mlruns"]
    if is_sqlite(uri):
        places += [sqlite_path(uri), sqlite_path(uri).parent / ARTIFACT_FOLDER]
    for place in (uri, *artifacts):
        if place.startswith("file:/"):
            places.append(Path(unquote(urlsplit(place).path)))
        elif place.startswith("/"):
            places.append(Path(place))
    return tuple(dict.fromkeys(map(os.path.abspath, places)))


def experiment_slug(experiment: str) -> str:
    """Return the name of an experiment's folder: `news/train` -> `news-train`. Runs in it have their own ids."""
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", experiment).strip(".-")
    return slug[:80] or "experiment"


def shown(uri: str) -> str:
    """Return the URI for display: without user name and password."""
    return _CREDENTIALS.sub("://", uri)

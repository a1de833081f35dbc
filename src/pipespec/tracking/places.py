"""Where a run's files are: artifact URIs, the local folders that they mean, and names that every store keeps.

Looks at most whether a folder exists; imports no mlflow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pipespec.errors import PipespecError
from pipespec.tracking.store import ARTIFACT_FOLDER

__all__ = ["local_path", "location", "require_name", "run_folder"]

_REFUSED: Final = frozenset("%#?\\")
"""Characters of names that one store or another loses: the file is taken, and cannot be had back."""


def local_path(uri: str) -> Path | None:
    """Return the local path that a `file:` URI or an absolute path means; None for all other URIs."""
    if uri.startswith("/"):
        return Path(uri)
    if uri.startswith("file:"):
        return Path(unquote(urlsplit(uri).path))
    return None


def run_folder(artifact_uri: str, artifacts: Path | None) -> Path | None:
    """Return the local folder where a run's files are now, or None where they are not local.

    `artifacts` is the store's own artifact folder, beside its database. MLflow keeps absolute paths, so that
    of a project that was moved or copied points to where it stood; what is then found below the store's
    own folder counts first.
    """
    path = local_path(artifact_uri)
    if path is None or artifacts is None or path.is_relative_to(artifacts):
        return path
    parts = path.parts
    if ARTIFACT_FOLDER not in parts:
        return path
    below = len(parts) - parts[::-1].index(ARTIFACT_FOLDER)
    moved = artifacts.joinpath(*parts[below:])
    return moved if moved.exists() else path


def location(artifact_uri: str, file: str) -> str:
    """Return what `Artifact.location` says of one file (or directory, with its slash) of a run."""
    folder = local_path(artifact_uri)
    if folder is not None:
        return f"{folder}/{file}"
    return f"{artifact_uri.rstrip('/')}/{file}"


def require_name(name: str) -> None:
    """Refuse a name, relative and with slashes, that does not come back from every store as it was.

    Raises:
        PipespecError: naming the culprit.
    """
    parts = name.removesuffix("/").split("/")
    bad = sorted({character for character in name if character in _REFUSED or not character.isprintable()})
    if bad:
        raise PipespecError(f"the name {name!r} has {bad[0]!r} in it, which not every artifact store keeps")
    if any(part in ("", ".", "..") for part in parts):
        raise PipespecError(f"the name {name!r} is not a plain path below the run's folder")
    if any(len(part.encode()) > 255 for part in parts):
        raise PipespecError(f"the name {name!r} is longer than a file system takes")

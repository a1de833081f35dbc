"""Locate the files of a run: artifact URIs, their local folders, and names that every store keeps.

In names for a store that is not local, the few characters that the store may lose are encoded, and decoded when the
names are read.

At most checks whether a folder exists. Does not import mlflow.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pipespec.errors import PipespecError
from pipespec.tracking.tracking_uri import ARTIFACT_FOLDER

__all__ = ["local_path", "location", "original_name", "require_name", "run_folder", "stored_name"]

_PLAIN_FILE: Final = re.compile(r"file:///[\w./+=@,-]*", re.ASCII)
"""URIs whose characters are all written as in a path: nearly all URIs."""
_LOST: Final = "%#?\\"
"""Characters of names that some store loses: the file is accepted, but cannot be read again."""
_WRITTEN: Final = "~%02X"
"""The encoding of such a character in the name for a store that is not local."""
_CODES: Final = "|".join(f"{ord(character):02X}" for character in f"{_LOST}~")
_TO_WRITE: Final = re.compile(rf"[{re.escape(_LOST)}]|~(?={_CODES})")
_TO_READ: Final = re.compile(rf"~({_CODES})")


def local_path(uri: str) -> Path | None:
    """Return the local path of a `file:` URI or an absolute path; None for all other URIs."""
    if uri.startswith("/"):
        return Path(uri)
    if _PLAIN_FILE.fullmatch(uri):
        return Path(uri.removeprefix("file://"))
    if uri.startswith("file:"):
        return Path(unquote(urlsplit(uri).path))
    return None


def run_folder(artifact_uri: str, artifacts: Path | None) -> Path | None:
    """Return the local folder that now contains a run's files, or None if they are not local.

    `artifacts` is the store's own artifact folder, next to its database. MLflow keeps absolute paths. After a project
    was moved or copied, they point to its old place. Therefore the path below the store's own folder is tried first.
    """
    path = local_path(artifact_uri)
    if path is None or artifacts is None or str(path).startswith(f"{artifacts}/"):
        return path
    parts = path.parts
    if ARTIFACT_FOLDER not in parts:
        return path
    below = len(parts) - parts[::-1].index(ARTIFACT_FOLDER)
    moved = artifacts.joinpath(*parts[below:])
    return moved if moved.exists() else path


def location(artifact_uri: str, file: str) -> str:
    """Return the `Artifact.location` of one file (or directory, with its slash) of a run."""
    folder = local_path(artifact_uri)
    if folder is not None:
        return f"{folder}/{file}"
    return f"{artifact_uri.rstrip('/')}/{stored_name(file)}"


def stored_name(name: str) -> str:
    """Return the name under which a store that is not local keeps a file: `50%.csv` -> `50~25.csv`."""
    return _TO_WRITE.sub(lambda found: _WRITTEN % ord(found[0]), name)


def original_name(stored: str) -> str:
    """Return the name from which `stored_name` made this one. It has no more slashes than the stored name."""
    return _TO_READ.sub(lambda found: chr(int(found[1], 16)), stored)


def require_name(name: str) -> None:
    """Refuse a relative name with slashes that some store does not return unchanged.

    Raises:
        PipespecError: naming the invalid part.
    """
    parts = name.removesuffix("/").split("/")
    bad = sorted({character for character in name if not character.isprintable()})
    if bad:
        raise PipespecError(
            f"the name {name!r} has {bad[0]!r} in it, which not every artifact store supports"
        )
    if any(part in ("", ".", "..") for part in parts):
        raise PipespecError(f"the name {name!r} is not a plain path below the run's folder")
    if any(len(part.encode()) > 255 for part in parts):
        raise PipespecError(f"the name {name!r} is longer than file systems allow")

"""Where a run's files are: artifact URIs, the local folders that they mean, and names that every store keeps.

A store that is not local gets the few characters that it may lose in another spelling, which is undone on the way back.

Looks at most whether a folder exists; imports no mlflow.
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
"""URIs of which nothing is written in another way than in a path: nearly all."""
_LOST: Final = "%#?\\"
"""Characters of names that one store or another loses: the file is taken, and cannot be had back."""
_WRITTEN: Final = "~%02X"
"""How such a character stands in the name that a store which is not local gets."""
_CODES: Final = "|".join(f"{ord(character):02X}" for character in f"{_LOST}~")
_TO_WRITE: Final = re.compile(rf"[{re.escape(_LOST)}]|~(?={_CODES})")
_TO_READ: Final = re.compile(rf"~({_CODES})")


def local_path(uri: str) -> Path | None:
    """Return the local path that a `file:` URI or an absolute path means; None for all other URIs."""
    if uri.startswith("/"):
        return Path(uri)
    if _PLAIN_FILE.fullmatch(uri):
        return Path(uri.removeprefix("file://"))
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
    if path is None or artifacts is None or str(path).startswith(f"{artifacts}/"):
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
    return f"{artifact_uri.rstrip('/')}/{stored_name(file)}"


def stored_name(name: str) -> str:
    """Return the name under which a store that is not local keeps a file: `50%.csv` -> `50~25.csv`."""
    return _TO_WRITE.sub(lambda found: _WRITTEN % ord(found[0]), name)


def original_name(stored: str) -> str:
    """Return the name that `stored_name` was given; it has no more slashes than the stored one."""
    return _TO_READ.sub(lambda found: chr(int(found[1], 16)), stored)


def require_name(name: str) -> None:
    """Refuse a name, relative and with slashes, that does not come back from every store as it was.

    Raises:
        PipespecError: naming the culprit.
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

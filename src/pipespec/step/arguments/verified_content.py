"""Turn artifacts into local content that is as recorded: the digest is checked before anything uses the content.

Takes an artifact. Returns either a private copy, which a function may change, or the original while it is being read.
Fails if the content is gone, does not match its digest, or changes while it is read.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from pipespec.document.wording import quote
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.step.content_digest import (
    CHUNK,
    ContentError,
    digest_file,
    open_regular,
    tree_digest,
    walk_files,
)
from pipespec.step.failure import StepError, one_line, shown
from pipespec.step.step_job import Artifact

__all__ = ["Localise", "copy_file", "is_directory", "private_copy", "reading"]

Localise: TypeAlias = Callable[[Artifact], Artifact]
"""Fetches an artifact that is elsewhere to this machine, and returns its new location."""

_READABLE: Final = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_FICLONE: Final = 0x40049409  # ioctl of Linux: share the blocks of another file until one is written to


def is_directory(artifact: Artifact) -> bool:
    """Return whether an artifact is a directory."""
    return artifact.location.endswith("/")


def private_copy(artifact: Artifact, target: Path, localise: Localise | None = None) -> None:
    """Copy a file, or the regular files of a directory, to `target`, whose parent folder exists.

    Raises:
        StepError: of kind `inputs`, naming the artifact.
    """
    source = _local(artifact, localise)
    with _told(artifact, "copied"):
        if is_directory(artifact):
            target.mkdir()
            manifest = {}
            # Where links may lead was decided when the digest was taken. The digest detects any other content.
            for name, path in walk_files(source, links_to=() if artifact.digest is None else None):
                place = target / name
                place.parent.mkdir(parents=True, exist_ok=True)
                manifest[name], _ = copy_file(path, place, follow=False)
            _require(artifact, tree_digest(manifest))
        else:
            _require(artifact, copy_file(source, target)[0])


@contextlib.contextmanager
def reading(artifact: Artifact, localise: Localise | None = None) -> Iterator[Path]:
    """Return the path of a file while it is read, and check that the file does not change meanwhile.

    Raises:
        StepError: of kind `inputs`, naming the artifact.
    """
    source = _local(artifact, localise)
    with _told(artifact, "read"):
        before = _stamp(source)
        digest, _ = digest_file(source)
    _require(artifact, digest)
    yield source
    with _told(artifact, "read"):
        if _stamp(source) != before and digest_file(source)[0] != digest:
            raise StepError("inputs", f"{quote(artifact.name)} changed while it was read, at {shown(source)}")


def copy_file(source: Path, target: Path, *, follow: bool = True) -> tuple[str, int]:
    """Copy a regular file to a new one, sharing blocks if the file system can. Return its digest and its size in bytes.

    An executable file stays executable.

    Raises:
        ContentError: if `source` is not a regular file.
        OSError: if `target` already exists, or something cannot be read or written.
    """
    with open_regular(source, follow=follow) as original, target.open("xb") as copy:
        if os.fstat(original.fileno()).st_mode & stat.S_IXUSR:
            mode = stat.S_IMODE(os.fstat(copy.fileno()).st_mode)
            os.fchmod(copy.fileno(), mode | (mode & _READABLE) >> 2)
        if _clone(original.fileno(), copy.fileno()):
            return digest_file(target)
        content = hashlib.sha256()
        size = 0
        while chunk := original.read(CHUNK):
            content.update(chunk)
            size += len(chunk)
            copy.write(chunk)
    return content.hexdigest(), size


def _clone(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def _local(artifact: Artifact, localise: Localise | None) -> Path:
    location = artifact.location
    if location.startswith("file:"):
        return Path(unquote(urlsplit(location).path))
    if not urlsplit(location).scheme:  # `mlflow-artifacts:/1/...` is also a URI, without "//"
        return Path(location)
    if localise is None:
        raise StepError(
            "inputs", f"{quote(artifact.name)} is at {shown(location)}, and nothing can download it"
        )
    try:
        return _local(localise(artifact), None)
    except StepError:
        raise
    except (PipespecError, OSError) as error:
        message = f"{quote(artifact.name)} cannot be downloaded: {one_line(str(error))}"
        if isinstance(error, StoreUnavailableError):
            raise StepError("store", message) from None
        refused = "" if isinstance(error, OSError) else location
        raise StepError("inputs", message, refused=refused) from None


def _require(artifact: Artifact, digest: str) -> None:
    if artifact.digest is not None and digest != artifact.digest:
        raise StepError(
            "inputs",
            f"{quote(artifact.name)} at {shown(artifact.location)} differs from what was recorded: "
            f"its sha256 is {digest}, expected {artifact.digest}",
            refused=artifact.location,
        )


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@contextlib.contextmanager
def _told(artifact: Artifact, done: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        message = f"{quote(artifact.name)} no longer exists at {shown(artifact.location)}"
        raise StepError("inputs", message, refused=artifact.location) from None
    except (ContentError, OSError) as error:
        raise StepError(
            "inputs", f"{quote(artifact.name)} cannot be {done}: {one_line(str(error))}"
        ) from None

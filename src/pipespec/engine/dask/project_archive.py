"""Pack a project's files into one archive, named by its content, for workers that do not see the project's folder.

Takes files below the root, with the bytes of sources as they were planned. Returns bytes, which are the same for the
same files. Refuses files that are too large to be sent to each worker: data belongs on a disk or in a store that
workers can reach.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from pipespec.document.wording import quote
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen

__all__ = ["ProjectArchive", "pack", "unpack"]

_LIMIT: Final = 100 << 20
"""Maximum size of all files together, in bytes."""


@frozen
class ProjectArchive:
    """An archive. `digest` is the sha256 of its content."""

    content: bytes
    digest: str


def pack(root: Path, names: Iterable[str], planned: Mapping[str, bytes]) -> ProjectArchive:
    """Pack regular files below the root. `planned` maps absolute paths to bytes that are used instead of the file's own.

    Raises:
        UsageError: if they are too large.
    """
    packed = io.BytesIO()
    sizes: dict[str, int] = {}
    real_root, total = root.resolve(), 0
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(set(names)):
            path = root / name
            if not path.is_file() or not path.resolve().is_relative_to(real_root):
                continue
            sizes[name] = path.stat().st_size
            total += sizes[name]
            if total > _LIMIT:
                raise _too_large(sizes)
            content = planned.get(str(path))
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755 if os.access(path, os.X_OK) else 0o644
            content = path.read_bytes() if content is None else content
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    bytes_ = packed.getvalue()
    return ProjectArchive(bytes_, hashlib.sha256(bytes_).hexdigest())


def _too_large(sizes: Mapping[str, int]) -> UsageError:
    name, size = max(sizes.items(), key=lambda one: one[1])
    return UsageError(
        f"workers do not see the project's folder, and its files are more than {_LIMIT >> 20} MiB, {quote(name)} alone "
        f"{size / (1 << 20):.0f} MiB; put data on a disk or at a URI that workers reach, and name it in .gitignore"
    )


def unpack(archive: ProjectArchive, folder: Path) -> Path:
    """Unpack into a folder, once for each content, and return the place."""
    place = folder / archive.digest
    if place.exists():
        return place
    part = folder / f"{archive.digest}.{os.getpid()}"
    part.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as tar:
        tar.extractall(part, filter="data")
    try:
        part.rename(place)
    except OSError:  # another worker with this folder was first
        shutil.rmtree(part, ignore_errors=True)
    return place

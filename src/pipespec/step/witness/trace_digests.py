"""Digests of what a step used, by the same rule when a run is recorded and when a plan checks it again.

Takes absolute paths, opens only regular files and follows no link below a folder. The caller passes the function that digests the
bytes of a file, so that a plan can use the digests that it remembers.
"""

from __future__ import annotations

import ast
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Final, TypeAlias

from pipespec.step.content_digest import ContentError, open_regular, tree_digest
from pipespec.step.witness.path_judgement import SKIPPED_NAMES

__all__ = [
    "LARGEST",
    "Asked",
    "FileDigest",
    "facts_digest",
    "facts_of",
    "folder_digest",
    "large_digest",
    "link_digest",
    "read_source",
    "source_tree_digest",
    "tree_of_folder",
]

FileDigest: TypeAlias = Callable[[Path], tuple[str, int]]
"""Gives sha256 and size of a regular file."""

LARGEST: Final = 256 << 20
"""Bytes of a file that is digested whole; a larger one counts by size and time."""

_LARGEST_SOURCE: Final = 4 << 20
_MOST_FILES: Final = 100_000


def large_digest(path: str) -> str:
    """Return what stands for the content of a large file: its size and when it was modified."""
    status = os.stat(path)  # noqa: PTH116 - paths are text here
    return _sha256(f"{status.st_size} {status.st_mtime_ns}")


class Asked(IntEnum):
    """Which facts of a file a check used. Each includes those before it."""

    KIND = 0
    """Whether it is a file, a folder or something else."""
    SIZE = 1
    TIME = 2
    """When it was modified."""


def facts_of(status: os.stat_result) -> tuple[str, int, int]:
    """Return the kind, the size and the time of what was found; a folder has no size."""
    if stat.S_ISREG(status.st_mode):
        return "file", status.st_size, status.st_mtime_ns
    return "folder" if stat.S_ISDIR(status.st_mode) else "other", 0, status.st_mtime_ns


def facts_digest(path: str, asked: Asked) -> str:
    """Return the digest of what a check of a file used."""
    facts = facts_of(os.stat(path))  # noqa: PTH116 - paths are text here
    return _sha256(" ".join(map(str, facts[: asked + 1])))


def link_digest(path: str) -> str:
    """Return the digest of what a link says; of another text if it is no link any more."""
    return _sha256(f"link {os.readlink(path)}" if os.path.islink(path) else "no link")  # noqa: PTH114, PTH115


def folder_digest(path: str, leaves_out: Callable[[str], bool]) -> str:
    """Return the digest of the names in a folder, those of folders with a slash.

    Raises:
        OSError: if it cannot be listed.
        ContentError: if it has more than 100,000 names.
    """
    names = (f"{name}/" if entry.is_dir() else name for name, entry in _entries(path, leaves_out))
    return _sha256("\0".join(sorted(names)))


def tree_of_folder(path: str, leaves_out: Callable[[str], bool], digest: FileDigest) -> str:
    """Return the digest of names and bytes of all regular files below a folder; raises as `folder_digest`."""
    manifest: dict[str, str] = {}
    waiting = [("", path)]
    while waiting:
        below, folder = waiting.pop()
        for name, entry in _entries(folder, leaves_out):
            if entry.is_dir(follow_symlinks=False):
                waiting.append((f"{below}{name}/", entry.path))
            elif entry.is_file(follow_symlinks=False):
                is_large = entry.stat(follow_symlinks=False).st_size > LARGEST
                manifest[f"{below}{name}"] = (
                    large_digest(entry.path) if is_large else digest(Path(entry.path))[0]
                )
        if len(manifest) > _MOST_FILES:
            raise ContentError(f"'{path}' has more than {_MOST_FILES} files")
    return tree_digest(manifest)


def read_source(path: str) -> bytes | None:
    """Return the text of a Python source of at most 4 MiB, or None if it is something else.

    Raises:
        OSError: if it cannot be read.
        ContentError: if it is no regular file.
    """
    if not path.endswith(".py"):
        return None
    with open_regular(Path(path)) as file:
        content = file.read(_LARGEST_SOURCE + 1)
    return content if len(content) <= _LARGEST_SOURCE else None


def source_tree_digest(source: bytes) -> str:
    """Return the digest of the code without comments and formatting; empty if it does not parse.

    Docstrings and annotations count: nobody knows who reads them of a module that was loaded by its name. The text of
    a tree differs between Pythons, so it is compared only where the bytes differ.
    """
    try:
        return _sha256(ast.dump(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""


def _entries(path: str, leaves_out: Callable[[str], bool]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(path) as entries:
        for number, entry in enumerate(entries):
            if number >= _MOST_FILES:
                raise ContentError(f"'{path}' has more than {_MOST_FILES} names")
            if entry.name not in SKIPPED_NAMES and not leaves_out(entry.path):
                yield entry.name, entry


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

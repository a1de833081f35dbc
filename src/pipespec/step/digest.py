"""Content -> digest: the one rule for outputs and for external inputs.

Takes a path on the local disk, gives sha256 over its bytes; of a directory sha256 over the canonical JSON of
its sorted (relative POSIX name in NFC, sha256 of the file) pairs. Empty directories, modes and times do not
count. Refuses whatever is no regular file, and names that have no single spelling; never follows a link
inside a directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from pipespec.errors import PipespecError

__all__ = [
    "CHUNK",
    "ContentError",
    "TreeDigest",
    "digest_file",
    "digest_tree",
    "open_regular",
    "tree_digest",
    "walk_files",
]

CHUNK: Final = 1 << 20
"""Bytes that are read at a time."""

_KINDS: Final = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


class ContentError(PipespecError):
    """What is at a path cannot be content: a link, a pipe, a device, a name that no store keeps."""


class TreeDigest(NamedTuple):
    """A directory's digest, bytes in all, number of files, and each relative name's sha256, sorted."""

    digest: str
    bytes: int
    files: int
    manifest: Mapping[str, str]


def digest_file(path: Path) -> tuple[str, int]:
    """Return sha256 (64 hex digits) and the number of bytes of a regular file; `path` may be a link to one.

    Raises:
        ContentError: where something else stands there.
        OSError: where it cannot be read.
    """
    return _digest(path, follow=True)


def digest_tree(folder: Path) -> TreeDigest:
    """Digest all regular files below `folder`, which may itself be a link to a directory.

    Raises:
        ContentError: naming an entry that is neither a regular file nor a directory.
        OSError: where something cannot be read.
    """
    size = 0
    manifest: dict[str, str] = {}
    for name, path in walk_files(folder):
        digest, count = _digest(path, follow=False)
        size += count
        manifest[name] = digest
    return TreeDigest(tree_digest(manifest), size, len(manifest), manifest)


def tree_digest(manifest: Mapping[str, str]) -> str:
    """Return the digest of a directory whose files have these relative names and digests."""
    pairs = sorted(manifest.items())
    text = json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def walk_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (relative POSIX name in NFC, path) of every regular file below `folder`, sorted by name.

    Raises:
        ContentError: as `digest_tree`.
    """
    found: dict[str, Path] = {}
    waiting: list[tuple[str, Path]] = [("", folder)]
    while waiting:
        prefix, place = waiting.pop()
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = prefix + _spelling(entry.name, place)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((name + "/", Path(entry.path)))
                    continue
                _require_regular(entry.stat(follow_symlinks=False), name)
                if name in found:
                    raise ContentError(
                        f"two files differ only in how '{name}' is composed of Unicode characters"
                    )
                found[name] = Path(entry.path)
    yield from sorted(found.items())


def _spelling(name: str, place: Path) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode(errors="backslashreplace").decode()
        raise ContentError(f"the name '{shown}' in '{place.name}' is not UTF-8") from None
    return unicodedata.normalize("NFC", name)


def open_regular(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading, unbuffered; without `follow`, a link is not one.

    Raises:
        ContentError: where something else stands there.
        OSError: where it cannot be opened.
    """
    _require_regular(path.stat(follow_symlinks=follow), str(path))
    # O_NONBLOCK: what became a pipe since it was looked at must not hang us; a regular file ignores it.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    file = os.fdopen(os.open(path, flags), "rb", buffering=0)
    try:
        _require_regular(os.fstat(file.fileno()), str(path))
    except ContentError:
        file.close()
        raise
    return file


def _require_regular(status: os.stat_result, name: str) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((word for test, word in _KINDS if test(status.st_mode)), "no regular file")
    raise ContentError(f"'{name}' is {kind}, not a regular file")


def _digest(path: Path, *, follow: bool) -> tuple[str, int]:
    with open_regular(path, follow=follow) as file:
        content = hashlib.sha256()
        size = 0
        while chunk := file.read(CHUNK):
            content.update(chunk)
            size += len(chunk)
    return content.hexdigest(), size

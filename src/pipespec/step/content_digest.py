"""Compute the digest of content: the one rule for outputs and for external inputs.

Takes a path on the local disk. Returns the sha256 of its bytes; for a directory, the sha256 of the canonical JSON of
its sorted (relative POSIX name in NFC, sha256 of the file) pairs. Empty directories, modes and times do not count.
Refuses everything that is not a regular file, and names that have no single spelling. Follows a link inside a directory
only as far as the caller allows.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from pipespec.activity import busy
from pipespec.errors import PipespecError

__all__ = [
    "CHUNK",
    "MAX_LINKS",
    "ContentError",
    "TreeDigest",
    "digest_file",
    "digest_tree",
    "open_regular",
    "tree_digest",
    "walk_files",
]

CHUNK: Final = 1 << 20
"""Number of bytes that are read at a time."""

MAX_LINKS: Final = 10_000
"""Maximum number of symbolic links followed below one folder: a few links to each other's folders create very many files."""

_KINDS: Final = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


class ContentError(PipespecError):
    """What is at a path cannot be content: a link, a pipe, a device, or a name that no store keeps."""


class TreeDigest(NamedTuple):
    """A directory's digest, its total bytes, its number of files, and the sha256 of each relative name, sorted."""

    digest: str
    bytes: int
    files: int
    manifest: Mapping[str, str]


def digest_file(path: Path) -> tuple[str, int]:
    """Return the sha256 (64 hex digits) and the number of bytes of a regular file. `path` may be a link to one.

    Raises:
        ContentError: if the path is something else.
        OSError: if it cannot be read.
    """
    return _digest(path, follow=True)


def digest_tree(folder: Path) -> TreeDigest:
    """Compute the digest of all regular files below `folder`, which may itself be a link to a directory.

    Raises:
        ContentError: naming an entry that is neither a regular file nor a directory.
        OSError: if something cannot be read.
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


def walk_files(folder: Path, *, links_to: Sequence[Path] | None = ()) -> Iterator[tuple[str, Path]]:
    """Yield (relative POSIX name in NFC, path) of every regular file below `folder`, sorted by name.

    Links inside the folder are followed if they lead below one of the folders `links_to`; always if `links_to` is None.
    The target of a link is yielded with the name of the link and the path of the target.

    Raises:
        ContentError: as `digest_tree`; also for a link that leads elsewhere, to nothing, or to a folder that contains
            it.
    """
    walk = _FolderWalk(None if links_to is None else [os.path.realpath(place) for place in links_to])
    yield from sorted(walk.files(folder).items())


class _FolderWalk:
    """One walk below a folder, and the number of links that it has followed."""

    def __init__(self, links_to: Sequence[str] | None) -> None:
        self._links_to = links_to
        self._links = 0

    def files(self, folder: Path) -> dict[str, Path]:
        found: dict[str, Path] = {}
        waiting: list[tuple[str, Path, tuple[str, ...]]] = [("", folder, (os.path.realpath(folder),))]
        while waiting:
            prefix, place, within = waiting.pop()
            with os.scandir(place) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    name = prefix + _spelling(entry.name, place)
                    path = Path(entry.path)
                    if entry.is_symlink():
                        path = self._target(name, path, within)
                    if path.is_dir() if entry.is_symlink() else entry.is_dir():
                        here = (*within, str(path)) if entry.is_symlink() else within
                        waiting.append((name + "/", path, here))
                        continue
                    if entry.is_symlink() or not entry.is_file():
                        _require_regular(path.stat(follow_symlinks=False), name)
                    if name in found:
                        raise ContentError(f"two files differ only in the Unicode form of the name '{name}'")
                    found[name] = path
        return found

    def _target(self, name: str, path: Path, within: Sequence[str]) -> Path:
        """Return where a link leads. `within` are the folders that were reached through links."""
        if self._links_to is not None and not self._links_to:
            raise ContentError(f"'{name}' is a symbolic link, not a regular file")
        self._links += 1
        if self._links > MAX_LINKS:
            raise ContentError(f"there are more than {MAX_LINKS:,} symbolic links to follow")
        try:
            target = os.path.realpath(path, strict=True)
        except OSError as error:
            why = "leads to itself" if error.errno == errno.ELOOP else "leads to nothing"
            raise ContentError(f"the symbolic link '{name}' {why}") from None
        if self._links_to is not None and not any(_is_below(target, place) for place in self._links_to):
            raise ContentError(f"the symbolic link '{name}' leads out of the project, to '{path.readlink()}'")
        here = os.path.realpath(path.parent)
        if any(_is_below(one, target) for one in (here, *within)):
            raise ContentError(f"the symbolic link '{name}' leads to a folder that it stands in")
        return Path(target)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _spelling(name: str, place: Path) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode(errors="backslashreplace").decode()
        raise ContentError(f"the name '{shown}' in '{place.name}' is not UTF-8") from None
    return unicodedata.normalize("NFC", name)


def open_regular(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading, unbuffered. Without `follow`, a link is not a regular file.

    Raises:
        ContentError: if the path is something else.
        OSError: if it cannot be opened.
    """
    _require_regular(path.stat(follow_symlinks=follow), str(path))
    # O_NONBLOCK: if the file was replaced by a pipe meanwhile, opening must not hang. Regular files ignore the flag.
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
    with (
        open_regular(path, follow=follow) as file,
        busy(f"hashing {path.name}", os.fstat(file.fileno()).st_size) as work,
    ):
        content = hashlib.sha256()
        while chunk := file.read(CHUNK):
            content.update(chunk)
            work.advance(len(chunk))
    return content.hexdigest(), work.done

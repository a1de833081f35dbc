"""Describe what a command read of a project, so that a later command can check whether it would read the same.

Takes the contents, the folders' listings and the environment variables that were read. Returns JSON, and later whether
everything is unchanged. A file whose size, times and inode are unchanged costs one stat. For any other file, and for
one that was young when it was read, the content decides. For a listing, the names that may be modules count.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Any, Final, TypeAlias

from pipespec.frozen_values import frozen
from pipespec.project.environment_variables import variable

__all__ = ["SourcesRead", "still_hold", "to_stamps"]

_YOUNG_NS: Final = 2_000_000_000
"""Clocks of file systems may advance only every two seconds.

What changed within this time before it was read may change again without a new time.
"""
_GONE: Final = (errno.ENOENT, errno.ENOTDIR)
_SUFFIXES: Final = (*EXTENSION_SUFFIXES, ".py", ".pyc", ".dist-info", ".json")
_NO_MODULES: Final = frozenset({"__pycache__", "mlartifacts"})
"""Folders that a run creates beside the project's modules."""
_LIMIT: Final = 16 << 20

_Status: TypeAlias = list[int]


@frozen
class SourcesRead:
    """What was read since `began`, in nanoseconds of the clock. None means that something did not exist, or could not be read."""

    began: int
    contents: Mapping[str, bytes | None]
    listings: Mapping[str, Iterable[str]]
    environment: Mapping[str, str | None]


def to_stamps(read: SourcesRead, sealed: Callable[[str], str]) -> dict[str, Any] | None:
    """Return JSON about everything that was read; None if that is not possible, because something could not be read.

    `sealed` returns a hash that represents a value of the environment.
    """
    files, missing = [], []
    for path, content in read.contents.items():
        status = _status(path)
        if content is None and status is not None:
            return None
        if content is None or status is None:
            missing.append(path)
        else:
            files.append([path, hashlib.sha256(content).hexdigest(), *_settled(status, read.began)])
    folders = []
    for path, names in (*read.listings.items(), *((path, None) for path in sys.path)):
        status = _status(path)
        is_folder = status is not None and stat.S_ISDIR(status.st_mode)
        listed = _names_digest(names if names is not None else _names(path)) if is_folder else ""
        folders.append([path, listed, *(_settled(status, read.began) if is_folder and status else [])])
    environment = {name: None if value is None else sealed(value) for name, value in read.environment.items()}
    return {"files": files, "missing": missing, "folders": folders, "environment": environment}


def still_hold(stamps: Mapping[str, Any], sealed: Callable[[str], str]) -> bool:
    """Return whether everything is as it was when `to_stamps` was called."""
    return (
        all(
            (None if (now := variable(name)) is None else sealed(now)) == value
            for name, value in stamps["environment"].items()
        )
        and all(_is_missing(path) for path in stamps["missing"])
        and all(_is_same_file(*entry) for entry in stamps["files"])
        and all(_is_same_folder(*entry) for entry in stamps["folders"])
    )


def _is_missing(path: str) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno in _GONE
    return False


def _is_same_file(path: str, digest: str, *settled: int) -> bool:
    status = _status(path)
    if status is None or not stat.S_ISREG(status.st_mode):
        return False
    if list(settled) == _identity(status):
        return True
    try:
        with open(path, "rb", opener=_opener) as file:
            return hashlib.sha256(file.read(_LIMIT)).hexdigest() == digest
    except OSError:
        return False


def _is_same_folder(path: str, digest: str, *settled: int) -> bool:
    status = _status(path)
    if status is None or not stat.S_ISDIR(status.st_mode):
        return not digest
    return list(settled) == _identity(status) or _names_digest(_names(path)) == digest


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - as above
    except (OSError, ValueError):
        return None


def _identity(status: os.stat_result) -> _Status:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]


def _settled(status: os.stat_result, began: int) -> _Status:
    """Return what shows that something is unchanged, if it had not changed for a while before it was read."""
    is_settled = began - max(status.st_mtime_ns, status.st_ctime_ns) >= _YOUNG_NS
    return _identity(status) if is_settled else []


def _names(path: str) -> Iterable[str]:
    try:
        return os.listdir(path)  # noqa: PTH208 - names, not paths
    except OSError:
        return ()


def _names_digest(names: Iterable[str]) -> str:
    told = sorted(
        name for name in names if name.endswith(_SUFFIXES) or ("." not in name and name not in _NO_MODULES)
    )
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # opening a pipe must not block

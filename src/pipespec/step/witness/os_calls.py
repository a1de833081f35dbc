"""Note calls of `os` for which Python's audit events say too little: checks of files, links, and files opened relative to a descriptor.

`os.path.exists`, `Path.is_file`, `os.path.getsize` and similar functions call `os.stat` or `os.lstat`. These, `os.access`,
`os.readlink` and `os.open` are wrapped, also in `posix`, where `os` has them from; they return and raise what they did before.
"""

from __future__ import annotations

import functools
import os
import posix
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = ["OsCallNotes", "path_below", "unwatched_stat", "watch_os_calls"]

_Function: TypeAlias = Callable[..., Any]

_IMPORTS: Final = "<frozen importlib"
"""The import system looks for modules by `posix.stat`, thousands of times."""

unwatched_stat: Final = os.stat
"""`os.stat` without the wrapper, for our own use."""


class OsCallNotes(NamedTuple):
    """What to call with each path and the frame of the caller."""

    missed: Callable[[object, FrameType], object]
    found: Callable[[object, os.stat_result | None, FrameType], object]
    followed: Callable[[object, FrameType], object]
    opened: Callable[[object, int, FrameType], object]


def watch_os_calls(notes: OsCallNotes) -> None:
    """Note each path that is looked for, each link that is followed, and each path that is opened relative to a descriptor."""
    for name in ("stat", "lstat"):
        _replace(name, functools.partial(_noting_checks, notes=notes))
    _replace("access", functools.partial(_noting_access, notes=notes))
    _replace("readlink", functools.partial(_noting_links, notes=notes))
    _replace("open", functools.partial(_noting_opened, note=notes.opened))


def path_below(descriptor: int, path: str = "") -> str | None:
    """Return a path below an open folder, or None if the system does not say where that is."""
    try:
        return os.path.join(os.readlink(f"/proc/self/fd/{descriptor}"), path)  # noqa: PTH115, PTH118 - paths are text here
    except OSError:
        return None


def _replace(name: str, wrap: Callable[[_Function], _Function]) -> None:
    function = getattr(os, name)
    noting = wrap(function)
    noting.__module__ = os.__name__  # where pickle finds it
    setattr(os, name, noting)
    setattr(posix, name, noting)
    for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if function in able:
            able.add(noting)


def _noting_checks(function: _Function, notes: OsCallNotes) -> _Function:
    @functools.wraps(function)
    def noting(path: Any, *args: Any, **more: Any) -> Any:
        frame = sys._getframe(1)  # noqa: SLF001 - there is no other way to who is looking
        if frame.f_code.co_filename.startswith(_IMPORTS):
            return function(path, *args, **more)
        try:
            found = function(path, *args, **more)
        except (FileNotFoundError, NotADirectoryError):
            if more.get("dir_fd") is None:
                notes.missed(path, frame)
            raise
        if more.get("dir_fd") is None:
            notes.found(path, found, frame)
        return found

    return noting


def _noting_access(function: _Function, notes: OsCallNotes) -> _Function:
    @functools.wraps(function)
    def noting(path: Any, *args: Any, **more: Any) -> Any:
        if more.get("dir_fd") is None and isinstance(path, str | bytes | os.PathLike):
            if os.path.lexists(path):
                notes.found(path, None, sys._getframe(1))  # noqa: SLF001
            else:
                notes.missed(path, sys._getframe(1))  # noqa: SLF001
        return function(path, *args, **more)

    return noting


def _noting_links(function: _Function, notes: OsCallNotes) -> _Function:
    @functools.wraps(function)
    def noting(path: Any, *args: Any, **more: Any) -> Any:
        found = function(path, *args, **more)
        if more.get("dir_fd") is None:
            notes.followed(path, sys._getframe(1))  # noqa: SLF001
        return found

    return noting


def _noting_opened(function: _Function, note: Callable[[object, int, FrameType], object]) -> _Function:
    @functools.wraps(function)
    def noting(path: Any, flags: int, *args: Any, **more: Any) -> Any:
        descriptor = more.get("dir_fd")
        if descriptor is not None:
            note(path_below(descriptor, os.fsdecode(path)), flags, sys._getframe(1))  # noqa: SLF001
        return function(path, flags, *args, **more)

    return noting

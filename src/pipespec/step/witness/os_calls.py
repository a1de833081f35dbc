"""Note calls of `os` for which Python's audit events say too little: checks of missing files, and files opened relative to a descriptor.

`os.path.exists`, `Path.is_file` and similar functions call `os.stat` or `os.lstat`. These and `os.open` are wrapped; they return and
raise what they did before. A check that finds a file is not noted: what a step then reads is noted when it is opened.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias

__all__ = ["path_below", "watch_os_calls"]

_Function: TypeAlias = Callable[..., Any]


def watch_os_calls(
    note_missed: Callable[[object, FrameType], object],
    note_opened: Callable[[object, int, FrameType], object],
) -> None:
    """Note each path that does not exist, and each path with its flags that is opened relative to a descriptor."""
    for name in ("stat", "lstat"):
        _replace(name, functools.partial(_noting_missed, note=note_missed))
    _replace("open", functools.partial(_noting_opened, note=note_opened))


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
    for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if function in able:
            able.add(noting)


def _noting_missed(function: _Function, note: Callable[[object, FrameType], object]) -> _Function:
    @functools.wraps(function)
    def noting(path: Any, *args: Any, **more: Any) -> Any:
        try:
            return function(path, *args, **more)
        except (FileNotFoundError, NotADirectoryError):
            if more.get("dir_fd") is None:
                note(path, sys._getframe(1))  # noqa: SLF001 - there is no other way to who is looking
            raise

    return noting


def _noting_opened(function: _Function, note: Callable[[object, int, FrameType], object]) -> _Function:
    @functools.wraps(function)
    def noting(path: Any, flags: int, *args: Any, **more: Any) -> Any:
        descriptor = more.get("dir_fd")
        if descriptor is not None:
            note(path_below(descriptor, os.fsdecode(path)), flags, sys._getframe(1))  # noqa: SLF001
        return function(path, flags, *args, **more)

    return noting

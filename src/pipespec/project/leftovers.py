"""What in `.pipespec` is not needed any more: logs, downloads and parts of them, work of steps that failed.

Takes the folder and a time. Returns what was not changed since then, with its size, and removes it. Results that wait
for a store, and the private store, are never included.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pipespec.engine.staging import dead_folders
from pipespec.plan.garbage import Leftover
from pipespec.state_folder import StateFolder

__all__ = ["find_leftovers", "remove_leftovers", "size_of"]

_PART_AGE: Final = 24 * 3600.0
"""Seconds after which no process writes to a partial download any more."""
_PARTS: Final = ".part-"


def find_leftovers(state: StateFolder, *, now: float, oldest: float) -> tuple[Leftover, ...]:
    """Return what was last changed at `oldest` or before, by folder and age."""
    found = [
        one
        for folder in (state.logs, state.failed, state.downloads)
        for one in _below(folder)
        if one.changed <= (now - _PART_AGE if one.path.name.startswith(_PARTS) else oldest)
    ]
    found += [_leftover("staging", path) for path in dead_folders(state.staging)]
    return tuple(sorted(found, key=lambda one: (one.kind, one.changed, one.path)))


def remove_leftovers(leftovers: Iterable[Leftover]) -> None:
    """Remove these. If something is already gone, that is no error."""
    for one in leftovers:
        if one.path.is_dir() and not one.path.is_symlink():
            shutil.rmtree(one.path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                one.path.unlink(missing_ok=True)
        if one.kind == "staging":
            one.path.with_suffix(".lock").unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Return the size in bytes of a file, or of all files in a folder; 0 if nothing exists there."""
    total, waiting = 0, [str(path)]
    with contextlib.suppress(OSError):
        if not path.is_dir() or path.is_symlink():
            return path.lstat().st_size
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _below(folder: Path) -> Iterator[Leftover]:
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            if path.name.startswith(_PARTS) or not path.name.startswith(
                "."
            ):  # locks, and lists of what is in use
                yield _leftover(folder.name, path)


def _leftover(kind: str, path: Path) -> Leftover:
    try:
        changed = path.lstat().st_mtime
    except OSError:
        changed = 0.0
    return Leftover(kind, path, size_of(path), changed)

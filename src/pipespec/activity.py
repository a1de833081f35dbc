"""What pipespec itself is busy with, told where the work is done to whoever watches this process.

    with busy("hashing houses.csv", size) as work:
        work.advance(len(chunk))

A leaf: stages say what they do here, and the command line or a notebook shows it. Without a watcher nothing happens. A step's
process has no terminal: it tells its parent in a small file, which `read_activity` reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

__all__ = [
    "LARGE",
    "Activity",
    "ActivityFile",
    "CurrentActivities",
    "Watcher",
    "busy",
    "read_activity",
    "watched_by",
]

LARGE: Final = 50_000_000
"""Bytes from which on a piece of work has a progress bar."""

_TELL_EVERY: Final = 0.2
"""Seconds between two words in the file of a step's process."""


class Activity:
    """Something that takes time; `size` in bytes, 0 where that is not known, of which `done` are done."""

    __slots__ = ("_watcher", "done", "size", "text")

    def __init__(self, text: str, size: int = 0, done: int = 0, watcher: Watcher | None = None) -> None:
        self.text = text
        self.size = size
        self.done = done
        self._watcher = watcher

    @property
    def is_large(self) -> bool:
        """Whether it is long enough for a progress bar."""
        return self.size >= LARGE

    def advance(self, count: int) -> None:
        """Say that so many more bytes are done."""
        self.reach(self.done + count)

    def reach(self, done: int) -> None:
        """Say that so many bytes are done."""
        self.done = done
        if self._watcher is not None:
            self._watcher.advanced(self)


class Watcher(Protocol):
    """Is told of each activity, from whichever thread it goes on in."""

    def began(self, activity: Activity) -> None:
        """It begins."""

    def advanced(self, activity: Activity) -> None:
        """More of it is done."""

    def ended(self, activity: Activity) -> None:
        """It is over, well or not."""


_watcher: Watcher | None = None


@contextlib.contextmanager
def busy(text: str, size: int = 0) -> Iterator[Activity]:
    """Tell whoever watches that this goes on while the block does."""
    watcher = _watcher
    activity = Activity(text, size, watcher=watcher)
    if watcher is None:
        yield activity
        return
    watcher.began(activity)
    try:
        yield activity
    finally:
        watcher.ended(activity)


@contextlib.contextmanager
def watched_by(watcher: Watcher | None) -> Iterator[None]:
    """Tell this watcher of all activities of the process while the block goes on."""
    global _watcher  # noqa: PLW0603 - it is said of the process, whose threads all tell
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before


class CurrentActivities:
    """The watcher that knows what goes on now: `current`, what began last at the end."""

    def __init__(self) -> None:
        self.current: list[Activity] = []

    def began(self, activity: Activity) -> None:
        """Know of one more."""
        self.current.append(activity)

    def advanced(self, activity: Activity) -> None:
        """Nothing: whoever looks sees how far it is."""

    def ended(self, activity: Activity) -> None:
        """Know of it no more."""
        with contextlib.suppress(ValueError):
            self.current.remove(activity)


class ActivityFile:
    """The watcher of a step's process: keeps the large activity that goes on in a file, for the parent to read."""

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        self._told = 0.0
        # Opened once, before the step's code runs: what that touches is noted.
        with contextlib.suppress(OSError):  # as below
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def began(self, activity: Activity) -> None:
        """Tell of it, if it is large."""
        if activity.is_large:
            self._write(activity)

    def advanced(self, activity: Activity) -> None:
        """Tell of it, not too often."""
        if activity.is_large and time.monotonic() - self._told >= _TELL_EVERY:
            self._write(activity)

    def ended(self, activity: Activity) -> None:
        """Tell of nothing any more."""
        if activity.is_large:
            self._write(None)

    def _write(self, activity: Activity | None) -> None:
        self._told = time.monotonic()
        told = [] if activity is None else [activity.text, activity.size, activity.done]
        with contextlib.suppress(OSError):  # a full disk: nobody needs to know what goes on
            content = json.dumps(told).encode()
            os.pwrite(self._descriptor, content, 0)
            os.ftruncate(self._descriptor, len(content))


def read_activity(path: str | Path) -> Activity | None:
    """Return what a step's process is busy with, beyond its function; None where there is nothing, or it is being written."""
    try:
        text, size, done = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    return Activity(text, size, done)

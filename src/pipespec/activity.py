"""Activities of pipespec itself, reported by the code that does the work to an observer of this process.

    with busy("hashing houses.csv", size) as work:
        work.advance(len(chunk))

A leaf module: stages report here what they do, and the command line or a notebook shows it. Without an observer,
nothing happens. A step's process has no terminal: it reports to its parent in a small file, which `read_activity`
reads.
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
"""Size in bytes from which a piece of work has a progress bar."""

_TELL_EVERY: Final = 0.2
"""Seconds between two updates of the file of a step's process."""


class Activity:
    """Something that takes time. `size` is in bytes, 0 if it is not known; `done` bytes are done."""

    __slots__ = ("_watcher", "done", "size", "text")

    def __init__(self, text: str, size: int = 0, done: int = 0, watcher: Watcher | None = None) -> None:
        self.text = text
        self.size = size
        self.done = done
        self._watcher = watcher

    @property
    def is_large(self) -> bool:
        """Whether it is large enough for a progress bar."""
        return self.size >= LARGE

    def advance(self, count: int) -> None:
        """Report that this number of additional bytes is done."""
        self.reach(self.done + count)

    def reach(self, done: int) -> None:
        """Report that this number of bytes is done."""
        self.done = done
        if self._watcher is not None:
            self._watcher.advanced(self)


class Watcher(Protocol):
    """Is notified of each activity, from the thread in which it happens."""

    def began(self, activity: Activity) -> None:
        """An activity has started."""

    def advanced(self, activity: Activity) -> None:
        """More of it is done."""

    def ended(self, activity: Activity) -> None:
        """It has ended, successfully or not."""


_watcher: Watcher | None = None


@contextlib.contextmanager
def busy(text: str, size: int = 0) -> Iterator[Activity]:
    """Report to the observer that this activity is in progress during the block."""
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
    """Report all activities of the process to this observer during the block."""
    global _watcher  # noqa: PLW0603 - it is said of the process, whose threads all tell
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before


class CurrentActivities:
    """An observer that stores the activities in progress: `current`, with the one that began last at the end."""

    def __init__(self) -> None:
        self.current: list[Activity] = []

    def began(self, activity: Activity) -> None:
        """Add an activity."""
        self.current.append(activity)

    def advanced(self, activity: Activity) -> None:
        """Do nothing: the progress is read from the activity itself."""

    def ended(self, activity: Activity) -> None:
        """Remove an activity."""
        with contextlib.suppress(ValueError):
            self.current.remove(activity)


class ActivityFile:
    """The observer of a step's process. It writes the large activity in progress to a file, which the parent reads."""

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        self._told = 0.0
        # Opened once, before the step's code runs, because files that are opened during that code are recorded.
        with contextlib.suppress(OSError):  # see below
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def began(self, activity: Activity) -> None:
        """Report it, if it is large."""
        if activity.is_large:
            self._write(activity)

    def advanced(self, activity: Activity) -> None:
        """Report it, not too often."""
        if activity.is_large and time.monotonic() - self._told >= _TELL_EVERY:
            self._write(activity)

    def ended(self, activity: Activity) -> None:
        """Report nothing any more."""
        if activity.is_large:
            self._write(None)

    def _write(self, activity: Activity | None) -> None:
        self._told = time.monotonic()
        told = [] if activity is None else [activity.text, activity.size, activity.done]
        with contextlib.suppress(OSError):  # a full disk: progress is not important
            content = json.dumps(told).encode()
            os.pwrite(self._descriptor, content, 0)
            os.ftruncate(self._descriptor, len(content))


def read_activity(path: str | Path) -> Activity | None:
    """Return what a step's process is busy with, besides its function; None if it is nothing, or is being written."""
    try:
        text, size, done = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    return Activity(text, size, done)

"""What a command waits for, until it has something to show: one line at a terminal, drawn anew and gone in the end.

A command that answers at once shows none. In a pipe only large work is told, in one line that stays. While a live table is drawn,
that shows the activities.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Final, TextIO

from pipespec.activity import Activity, CurrentActivities, watched_by
from pipespec.cli.output import PLAIN, say
from pipespec.views.terminal_text import cut

__all__ = ["ACTIVITIES", "ShownActivities", "hide_activities", "is_live", "told_activities"]

_PATIENCE: Final = 0.25
"""Seconds before a word is said; with the start of Python that is well below half a second."""
_DRAW_EVERY: Final = 0.12
_ERASE: Final = "\r\x1b[K"


class ShownActivities(CurrentActivities):
    """The activities of a command, shown unless somebody else does that."""

    def __init__(self) -> None:
        super().__init__()
        self.is_hidden = False

    def hide(self) -> None:
        """Let somebody else show them, or nobody."""
        self.is_hidden = True

    def show(self) -> None:
        """Show them again."""
        self.is_hidden = False

    def close(self) -> None:
        """Show nothing any more; the command ends."""


ACTIVITIES: Final[ContextVar[ShownActivities | None]] = ContextVar("ACTIVITIES", default=None)
"""What shows the activities of this command."""


def is_live(stream: TextIO) -> bool:
    """Say whether something may be drawn anew: at a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@contextlib.contextmanager
def told_activities() -> Iterator[None]:
    """Show on stderr what goes on in the block."""
    activities: ShownActivities = ActivityLine(sys.stderr) if is_live(sys.stderr) else ActivityNotes()
    token = ACTIVITIES.set(activities)
    try:
        with watched_by(activities):
            yield
    finally:
        ACTIVITIES.reset(token)
        activities.close()


def hide_activities() -> None:
    """Show no activities from now on."""
    activities = ACTIVITIES.get()
    if activities is not None:
        activities.hide()


class ActivityNotes(ShownActivities):
    """For pipes, CI and logs: a line for each piece of work that is large."""

    def began(self, activity: Activity) -> None:
        """Say it, once."""
        if activity.is_large and not self.is_hidden:
            from pipespec.views.run_board import activity_text

            say(activity_text(activity), err=True)


class ActivityLine(ShownActivities):
    """For a terminal; a thread draws, so that what takes long need not say so again and again."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._lock = threading.RLock()
        self._drawer: threading.Thread | None = None
        self._shown = ""
        self._closed = threading.Event()

    def began(self, activity: Activity) -> None:
        """Show it before long."""
        super().began(activity)
        if self._drawer is None:
            draw = partial(copy_context().run, self._draw)
            self._drawer = threading.Thread(target=draw, name="activity-line", daemon=True)
            self._drawer.start()

    def ended(self, activity: Activity) -> None:
        """Show it no more."""
        super().ended(activity)
        if self._shown and not self.current:
            with self._lock:
                self._write("")  # what comes next may be printed by anybody

    def hide(self) -> None:
        """Let somebody else show them, from now on."""
        with self._lock:
            super().hide()
            self._write("")

    def close(self) -> None:
        """Let the thread end."""
        self._closed.set()

    def _draw(self) -> None:
        wait = _PATIENCE
        while not self._closed.wait(wait):
            wait = _DRAW_EVERY
            activity = next(reversed(self.current), None)
            text = "" if activity is None or self.is_hidden else _line(activity)
            with self._lock:
                if not self.is_hidden and activity is not None and activity in self.current:
                    self._write(text)

    def _write(self, text: str) -> None:
        """Put a text in place of the one that is shown; whoever prints next begins at its start."""
        if text == self._shown:
            return
        self._shown = text
        with contextlib.suppress(OSError, ValueError):
            self._out.write(f"{_ERASE}{text}" if text else _ERASE)
            self._out.flush()


def _line(activity: Activity) -> str:
    from pipespec.views.run_board import activity_row, activity_text

    columns = shutil.get_terminal_size().columns - 1
    if not (activity.is_large and activity.done):
        return cut(f"{activity_text(activity)} ...", columns)
    from rich.console import Console

    console = Console(file=io.StringIO(), width=columns, force_terminal=True, no_color=PLAIN.get() or None)
    with console.capture() as drawn:
        console.print(activity_row(activity), end="")
    return drawn.get().rstrip("\n")

"""What a command is waiting for, until it has something to show: one line on a terminal, updated and finally erased.

A command that answers immediately shows none. In a pipe, only large work is reported, in one line that stays. While a
live table is drawn, that table shows the activities.
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
"""Seconds before something is shown. Including the start of Python, that is well below half a second."""
_DRAW_EVERY: Final = 0.12
_ERASE: Final = "\r\x1b[K"


class ShownActivities(CurrentActivities):
    """The activities of a command. They are shown unless other code shows them."""

    def __init__(self) -> None:
        super().__init__()
        self.is_hidden = False

    def hide(self) -> None:
        """Let other code show them, or nobody."""
        self.is_hidden = True

    def show(self) -> None:
        """Show them again."""
        self.is_hidden = False

    def close(self) -> None:
        """Stop showing anything, because the command ends."""


ACTIVITIES: Final[ContextVar[ShownActivities | None]] = ContextVar("ACTIVITIES", default=None)
"""The object that shows the activities of this command."""


def is_live(stream: TextIO) -> bool:
    """Return whether something can be redrawn: on a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@contextlib.contextmanager
def told_activities() -> Iterator[None]:
    """Show on stderr what happens in the block."""
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
    """For pipes, CI and logs: a line for each large piece of work."""

    def began(self, activity: Activity) -> None:
        """Report it, once."""
        if activity.is_large and not self.is_hidden:
            from pipespec.views.run_board import activity_text

            say(activity_text(activity), err=True)


class ActivityLine(ShownActivities):
    """For a terminal. A thread draws, so that slow work does not have to report itself repeatedly."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._lock = threading.RLock()
        self._drawer: threading.Thread | None = None
        self._shown = ""
        self._closed = threading.Event()

    def began(self, activity: Activity) -> None:
        """Show it soon."""
        super().began(activity)
        if self._drawer is None:
            draw = partial(copy_context().run, self._draw)
            self._drawer = threading.Thread(target=draw, name="activity-line", daemon=True)
            self._drawer.start()

    def ended(self, activity: Activity) -> None:
        """Stop showing it."""
        super().ended(activity)
        if self._shown and not self.current:
            with self._lock:
                self._write("")  # other code may print next

    def hide(self) -> None:
        """Let other code show them from now on."""
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
        """Replace the shown text. The next output starts at its beginning."""
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

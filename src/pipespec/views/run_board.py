"""A run in progress, as a table that is redrawn: how far it is, which steps run, which large files are transferred.

Takes what the engine reports (`StepStarted`, `StepResult`), activities and times by the monotonic clock. Returns what
Rich draws, with no more lines than there is room for. A terminal and a notebook show the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pipespec.activity import Activity
from pipespec.errors import counted
from pipespec.plan.results import StoreAway
from pipespec.plan.time_left import Remaining, Rest
from pipespec.views.run_view import rest_text, waiting_text
from pipespec.views.terminal_text import bytes_text, cut, printable, seconds_text

if TYPE_CHECKING:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

__all__ = ["RunBoard", "activity_row", "activity_text"]

_BAR: Final = 24
_MOST_BARS: Final = 3
_NAME: Final = 40
"""Columns of the text beside a bar."""


class RunBoard:
    """How far a run is."""

    def __init__(self) -> None:
        self.remaining: Remaining | None = None
        self.away: StoreAway | None = None
        self.total = 0
        self.done = 0
        self._rest: Rest | None = None
        self._running: dict[str, float] = {}
        self._busy: dict[str, Activity] = {}

    def started(self, step: str, now: float) -> None:
        """Record that a step started."""
        self._running[step] = now
        if self.remaining is not None:
            self.remaining.started(step, now)

    def ended(self, step: str) -> None:
        """Record that a step ended."""
        self.done += 1
        self._running.pop(step, None)
        self._busy.pop(step, None)
        if self.remaining is not None:
            self.remaining.ended(step)

    def tick(self, now: float, busy: dict[str, Activity]) -> None:
        """Update the time. `busy` is what the processes of running steps report."""
        self._busy = busy
        if self.remaining is not None:
            # Here and not in the drawing code, which runs in another thread.
            self._rest = self.remaining.rest(now)

    def draw(self, now: float, height: int, own: Sequence[Activity]) -> Table:
        """Return what Rich draws on at most this many lines.

        `own` are activities of this process, the one that began last at the end.
        """
        from rich.table import Table  # noqa: PLC0415 - needed only if a user looks at it

        running, busy = dict(self._running), self._busy
        # A short activity is shown only if there is nothing else to see.
        own = [one for one in own if one.is_large][-_MOST_BARS:] or ([] if running else own[-1:])
        away = [] if self.away is None else [waiting_text(now - self.away.since, self.away.patience)]
        room = max(height - 2 - len(own) - len(away), 1)
        told = list(running.items())
        if len(told) > room:
            told = told[: room - 1]
        board = Table.grid(padding=(0, 1))
        board.add_column(no_wrap=True, overflow="ellipsis")
        for step, since in told:
            before = f"  {seconds_text(now - since):>8}  "
            _add(board, before + printable(step), busy.get(step))
        if len(told) < len(running):
            board.add_row(f"{'':>12}… and {len(running) - len(told)} more running")
        for line in away:
            board.add_row(line)
        for one in own:
            _add(board, "", one)
        left = "" if self._rest is None else f", {rest_text(self._rest)}"
        board.add_row(f"{self.done} of {counted(self.total, 'step')}, {len(running)} running{left}")
        return board


def activity_text(activity: Activity) -> str:
    """Say in words what happens, and how large it is."""
    size = f" ({bytes_text(activity.size)})" if activity.is_large else ""
    return printable(activity.text) + size


def activity_row(activity: Activity) -> Table:
    """Return what Rich draws for an activity: its words, and a bar once a part of a large one is done."""
    from rich.table import Table  # noqa: PLC0415 - needed only if a user looks at it

    row = Table.grid(padding=(0, 1))
    row.add_column(no_wrap=True, overflow="ellipsis")
    _add(row, "", activity)
    return row


def _add(table: Table, text: str, activity: Activity | None) -> None:
    """Add a row. Rich reads it as text and not as markup."""
    from rich.table import Table as Grid  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    if activity is None:
        table.add_row(Text(text))
        return
    separator = "  " if text.strip() else ""
    if not (activity.is_large and activity.done):
        table.add_row(Text(f"{text}{separator}{activity_text(activity)}"))
        return
    row = Grid.grid(padding=(0, 1))
    row.add_column(no_wrap=True, overflow="ellipsis")
    share = f"{bytes_text(min(activity.done, activity.size))} of {bytes_text(activity.size)}"
    row.add_row(
        Text(text + separator + cut(printable(activity.text), _NAME)),
        _bar(activity),
        Text(share, no_wrap=True),
    )
    table.add_row(row)


def _bar(activity: Activity) -> ProgressBar:
    from rich.progress_bar import ProgressBar  # noqa: PLC0415 - as above

    return ProgressBar(total=activity.size, completed=min(activity.done, activity.size), width=_BAR)

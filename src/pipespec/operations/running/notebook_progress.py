"""Shows a run's progress below the cell of a notebook: a table that is updated, and one line of it at the end.

Rich draws it, and IPython replaces the previous output by it. Outside of a notebook, nothing is shown.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pipespec.activity import CurrentActivities, read_activity, watched_by
from pipespec.plan.results import StepAwaited, StepResult, StepStarted, StepState, StoreAway
from pipespec.plan.time_left import Remaining
from pipespec.views.run_board import RunBoard
from pipespec.views.run_view import awaited_line, ended_line, printable

if TYPE_CHECKING:
    from rich.table import Table

    from pipespec.engine.progress_events import Progress

__all__ = ["notebook_progress"]

_ROWS: Final = 24
_LINES: Final = 8
"""Number of the steps that ended last whose names are shown. All failed steps are shown."""
_DRAW_EVERY: Final = 0.2
_BAR: Final = 40


@contextmanager
def notebook_progress() -> Iterator[Progress | None]:
    """Return an object that shows the progress of a run, if this process belongs to a notebook; otherwise nothing."""
    if not _is_notebook():
        yield None
        return
    activities = CurrentActivities()
    progress = NotebookProgress(activities)
    try:
        with watched_by(activities):
            yield progress
    finally:
        progress.close()


def _is_notebook() -> bool:
    """Return whether a front end shows what cells display. IPython is not imported for this if it is not used."""
    loaded = sys.modules.get("IPython")
    shell = None if loaded is None else loaded.get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


class NotebookProgress:
    """One display, which is updated during the run."""

    def __init__(self, activities: CurrentActivities) -> None:
        self._activities = activities
        self._board = RunBoard()
        self._files: dict[str, str] = {}
        self._ended: deque[str] = deque(maxlen=_LINES)
        self._failed: list[str] = []
        self._display: Any = None
        self._drawn = 0.0

    def expect(self, remaining: Remaining) -> None:
        """Store what is left to do."""
        self._board.remaining = remaining

    def begin(self, total: int) -> None:
        """Show this number of steps."""
        self._board.total = total
        self._draw()

    def started(self, event: StepStarted) -> None:
        """Show a step that runs."""
        self._board.started(event.step, time.monotonic())
        self._files[event.step] = event.activity

    def ended(self, result: StepResult) -> None:
        """Show how a step ended."""
        self._board.ended(result.step)
        self._files.pop(result.step, None)
        line = str(ended_line(result, done=self._board.done, total=self._board.total))
        (self._failed if result.state is StepState.FAILED else self._ended).append(line)
        self._draw_sometimes()

    def store_away(self, away: StoreAway | None) -> None:
        """Show that the store does not answer."""
        self._board.away = away

    def note(self, text: str) -> None:
        """Show it until steps have ended."""
        self._ended.append(printable(text))

    def awaits(self, event: StepAwaited) -> None:
        """Show for which run a step waits."""
        self._ended.append(awaited_line(event))
        self._draw_sometimes()

    def tick(self) -> None:
        """Draw from time to time."""
        told = {step: read_activity(file) for step, file in self._files.items()}
        busy = {step: one for step, one in told.items() if one is not None}
        self._board.tick(time.monotonic(), busy)
        self._draw_sometimes()

    def close(self) -> None:
        """Leave what failed, and how far the run got."""
        if self._display is not None:
            self._ended.clear()
            self._draw()

    def _draw_sometimes(self) -> None:
        if time.monotonic() - self._drawn >= _DRAW_EVERY:
            self._draw()

    def _draw(self) -> None:
        from IPython.display import display  # noqa: PLC0415 - needed only in a notebook

        self._drawn = time.monotonic()
        if self._display is None:
            self._display = display(self._table(), display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._display.update(self._table())

    def _table(self) -> Table:
        from rich.progress_bar import ProgressBar  # noqa: PLC0415 - needed only in a notebook
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table.grid()
        for line in self._failed:
            table.add_row(Text(line, "red"))
        for line in self._ended:
            table.add_row(Text(line))
        table.add_row(ProgressBar(total=max(self._board.total, 1), completed=self._board.done, width=_BAR))
        table.add_row(self._board.draw(self._drawn, _ROWS, tuple(self._activities.current)))
        return table

"""What a user sees during a run: a live table on a terminal, plain lines in a pipe.

Takes the engine's events (a step started, a step ended) and the size of the plan. Writes to stderr. On request, the
steps' logs are streamed, each line marked with its step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

from pipespec.activity import Activity, read_activity
from pipespec.cli.activity_line import ACTIVITIES, is_live
from pipespec.cli.output import PLAIN, say
from pipespec.views import run_board
from pipespec.views import run_view as view
from pipespec.views.state_words import state_style
from pipespec.views.styled_text import Style

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from pipespec import Progress, Remaining, Rest, StepAwaited, StepResult, StepStarted, StoreAway

__all__ = ["open_progress"]

_LINE_STYLES: Final = {
    Style.GOOD: "green",
    Style.BAD: "bold red",
    Style.OPEN: "yellow",
    Style.QUIET: "dim",
    Style.PLACE: "cyan",
}
"""Arguments for Rich for a line that stays."""
_TELL_EVERY: Final = 10.0
"""In a pipe: seconds between two lines that say how long the rest takes."""
_WORTH_TELLING: Final = 5.0
"""Seconds. In a pipe, a shorter rest is not reported."""


class Cleaner(Protocol):
    """Removes secrets from a piece of a log."""

    def clean(self, text: bytes, /) -> bytes:
        """Return the text without secrets."""


class LogStream:
    """Follows the logs of running steps and returns their new lines, each marked with its step, without secrets.

    While a step runs, its log is raw. When it has ended, the log is rewritten without secrets, which shifts what was
    not read yet. Therefore, two offsets are kept.
    """

    def __init__(self, redact: Cleaner) -> None:
        self._redact = redact
        self._open: dict[str, _Followed] = {}

    def follow(self, step: str, log: str) -> None:
        """Start to follow a log from its present end."""
        path = Path(log)
        size = path.stat().st_size if path.exists() else 0
        self._open[step] = _Followed(path, size, size)

    def new_lines(self, *, ended: str | None = None) -> Iterator[str]:
        """Yield complete new lines of all logs; for the ended step, also an unfinished last one."""
        for step, followed in list(self._open.items()):
            if not followed.path.exists():
                continue
            with followed.path.open("rb") as log:
                log.seek(followed.clean if step == ended else followed.raw)
                text = log.read()
            whole = text if step == ended else text[: text.rfind(b"\n") + 1]
            shown = self._redact.clean(whole)
            followed.raw += len(whole)
            followed.clean += len(shown)
            yield from (f"{step} | {line}" for line in shown.decode(errors="replace").splitlines())
        if ended is not None:
            self._open.pop(ended, None)


@dataclass(slots=True)
class _Followed:
    """A log and how much of it was read, in bytes of the raw one and of the one without secrets."""

    path: Path
    raw: int
    clean: int


class PlainProgress:
    """One line for each event: for pipes, CI and logs."""

    def __init__(self, redact: Cleaner | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._logs = None if redact is None else LogStream(redact)
        self._clock = clock
        self._remaining: Remaining | None = None
        self._told = -_TELL_EVERY
        self._total = 0
        self._done = 0
        self._busy: dict[str, tuple[str, Activity | None]] = {}
        """For running steps, the file in which each reports large work, and what was reported last."""

    def expect(self, remaining: Remaining) -> None:
        self._remaining = remaining
        self._told = self._clock() - _TELL_EVERY

    def begin(self, total: int) -> None:
        self._total = total

    def started(self, event: StepStarted) -> None:
        self._write(view.started_line(event))
        if self._remaining is not None:
            self._remaining.started(event.step, self._clock())
        self._busy[event.step] = event.activity, None
        if self._logs is not None:
            self._logs.follow(event.step, event.log)

    def ended(self, result: StepResult) -> None:
        self._done += 1
        self._busy.pop(result.step, None)
        self._stream(ended=result.step)
        rest = self._rest(result.step)
        self._write(view.ended_line(result, done=self._done, total=self._total, rest=rest))

    def store_away(self, away: StoreAway | None) -> None:
        self._write(view.store_line(away))

    def note(self, text: str) -> None:
        self._write(view.printable(text))

    def awaits(self, event: StepAwaited) -> None:
        self._write(view.awaited_line(event))

    def tick(self) -> None:
        self._stream()
        for step, (file, before) in self._busy.items():
            activity = read_activity(file)
            if activity is not None and (before is None or activity.text != before.text):
                self._busy[step] = file, activity
                self._write(view.printable(f"{step} is {run_board.activity_text(activity)}"))

    def _stream(self, *, ended: str | None = None) -> None:
        if self._logs is not None:
            for line in self._logs.new_lines(ended=ended):
                self._write(view.printable(line))

    def _rest(self, ended: str) -> Rest | None:
        """Return how long the rest takes, from time to time, and only if it is worth reporting."""
        if self._remaining is None:
            return None
        self._remaining.ended(ended)
        now = self._clock()
        if now - self._told < _TELL_EVERY:
            return None
        rest = self._remaining.rest(now)
        if rest is None or rest.seconds < _WORTH_TELLING:
            return None
        self._told = now
        return rest

    def _write(self, line: str) -> None:
        say(line, err=True)


class LiveProgress:
    """Finished steps as lines that stay, and running ones in a table below that is redrawn."""

    def __init__(self, out: TextIO, redact: Cleaner | None) -> None:
        from rich.console import Console
        from rich.live import Live

        from pipespec.views.run_board import RunBoard

        self._logs = None if redact is None else LogStream(redact)
        self._board = RunBoard()
        self._busy_files: dict[str, str] = {}
        self._activities = ACTIVITIES.get()  # here and not in the drawing code, which runs in another thread
        self._console = Console(file=out, highlight=False, no_color=PLAIN.get() or None)
        self._live: Live = Live(
            console=self._console, get_renderable=self._render, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._live.is_started:
            with suppress(OSError):  # the terminal was closed
                self._live.stop()
            if self._activities is not None:
                self._activities.show()

    def expect(self, remaining: Remaining) -> None:
        self._board.remaining = remaining

    def begin(self, total: int) -> None:
        self._board.total = total
        if not self._live.is_started:
            if self._activities is not None:
                self._activities.hide()
            self._live.start(refresh=True)

    def started(self, event: StepStarted) -> None:
        self._board.started(event.step, time.monotonic())
        self._busy_files[event.step] = event.activity
        if self._logs is not None:
            self._logs.follow(event.step, event.log)

    def ended(self, result: StepResult) -> None:
        self._board.ended(result.step)
        self._busy_files.pop(result.step, None)
        self._stream(ended=result.step)
        style = state_style(result.state)
        line = view.ended_line(result, done=self._board.done, total=self._board.total)
        self._print(line, "" if style is None else _LINE_STYLES[style])

    def store_away(self, away: StoreAway | None) -> None:
        self._board.away = away
        self._print(view.store_line(away), _LINE_STYLES[Style.OPEN])

    def note(self, text: str) -> None:
        self._print(view.printable(text), _LINE_STYLES[Style.QUIET])

    def awaits(self, event: StepAwaited) -> None:
        self._print(view.awaited_line(event), _LINE_STYLES[Style.OPEN])

    def tick(self) -> None:
        self._stream()
        told = {step: read_activity(file) for step, file in self._busy_files.items()}
        self._board.tick(time.monotonic(), {step: one for step, one in told.items() if one is not None})

    def _stream(self, *, ended: str | None = None) -> None:
        if self._logs is not None:
            for line in self._logs.new_lines(ended=ended):
                self._print(view.printable(line), "dim")

    def _print(self, line: str, style: str) -> None:
        from rich.text import Text

        # As a text, because a style for the whole would also colour the table below.
        self._live.console.print(Text(line, style), soft_wrap=True)

    def _render(self) -> Table:
        own = () if self._activities is None else tuple(self._activities.current)
        return self._board.draw(time.monotonic(), self._console.size.height, own)


@contextmanager
def open_progress(*, stream: Cleaner | None) -> Iterator[Progress]:
    """Return the progress display that fits stderr: live on a terminal that can move its cursor.

    With `stream`, which removes secrets from them, the steps' logs are streamed.
    """
    import sys

    if is_live(sys.stderr):
        with LiveProgress(sys.stderr, stream) as live:
            yield live
    else:
        yield PlainProgress(stream)

"""What a person sees while a run goes on: a live table on a terminal, plain lines in a pipe.

Takes the engine's events (a step started, a step ended) and the plan's size; writes to stderr. On demand the
steps' logs are streamed, each line marked with its step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

from pipespec.cli.output import say
from pipespec.plan.model import StepResult, StepStarted
from pipespec.plan.remaining import Remaining, Rest
from pipespec.views import run as view

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from pipespec.step.secret import Redactor

__all__ = ["Progress", "open_progress"]

_TELL_EVERY: Final = 10.0
"""Seconds between two lines of a pipe that tell how long the rest takes."""
_WORTH_TELLING: Final = 5.0
"""Seconds; in a pipe a shorter rest is not told."""


class Progress(Protocol):
    """What a run tells while it goes on."""

    def expect(self, remaining: Remaining) -> None:
        """This is what the run has left, before it begins."""

    def begin(self, total: int) -> None:
        """So many steps are part of the run."""

    def started(self, event: StepStarted) -> None:
        """Tell that a step began."""

    def ended(self, result: StepResult) -> None:
        """Tell that a step ended, or that it will not run."""

    def tick(self) -> None:
        """Tell that time passes; called a few times a second while steps run."""


class LogStream:
    """Follows the logs of running steps and gives their new lines, each marked with its step, without secrets.

    While a step runs its log is raw; when it has ended the log was rewritten without secrets, which moves what
    was not read yet. So two offsets are kept.
    """

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._open: dict[str, _Followed] = {}

    def follow(self, step: str, log: str) -> None:
        """Begin to follow a log from where it ends now."""
        path = Path(log)
        size = path.stat().st_size if path.exists() else 0
        self._open[step] = _Followed(path, size, size)

    def new_lines(self, *, ended: str | None = None) -> Iterator[str]:
        """Yield complete new lines of all logs; of the ended step also an unfinished last one."""
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
    """One line an event: for pipes, CI and logs."""

    def __init__(self, redact: Redactor | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._logs = None if redact is None else LogStream(redact)
        self._clock = clock
        self._remaining: Remaining | None = None
        self._told = -_TELL_EVERY
        self._total = 0
        self._done = 0

    def expect(self, remaining: Remaining) -> None:
        self._remaining = remaining
        self._told = self._clock() - _TELL_EVERY

    def begin(self, total: int) -> None:
        self._total = total

    def started(self, event: StepStarted) -> None:
        self._write(view.started_line(event))
        if self._remaining is not None:
            self._remaining.started(event.step, self._clock())
        if self._logs is not None:
            self._logs.follow(event.step, event.log)

    def ended(self, result: StepResult) -> None:
        self._done += 1
        self._stream(ended=result.step)
        rest = self._rest(result.step)
        self._write(view.ended_line(result, done=self._done, total=self._total, rest=rest))

    def tick(self) -> None:
        self._stream()

    def _stream(self, *, ended: str | None = None) -> None:
        if self._logs is not None:
            for line in self._logs.new_lines(ended=ended):
                self._write(view.printable(line))

    def _rest(self, ended: str) -> Rest | None:
        """Return how long the rest takes, from time to time, and where it is worth a word."""
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
    """Finished steps as lines that stay, running ones in a table below that is drawn anew."""

    def __init__(self, out: TextIO, redact: Redactor | None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._logs = None if redact is None else LogStream(redact)
        self._running: dict[str, float] = {}
        self._remaining: Remaining | None = None
        self._rest: Rest | None = None
        self._total = 0
        self._done = 0
        self._console = Console(file=out, highlight=False)
        self._live: Live = Live(
            console=self._console, get_renderable=self._render, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._live.stop()

    def expect(self, remaining: Remaining) -> None:
        self._remaining = remaining

    def begin(self, total: int) -> None:
        self._total = total
        self._live.start()

    def started(self, event: StepStarted) -> None:
        self._running[event.step] = now = time.monotonic()
        if self._remaining is not None:
            self._remaining.started(event.step, now)
        if self._logs is not None:
            self._logs.follow(event.step, event.log)

    def ended(self, result: StepResult) -> None:
        self._done += 1
        self._running.pop(result.step, None)
        if self._remaining is not None:
            self._remaining.ended(result.step)
        self._stream(ended=result.step)
        style = {
            "ran": "green",
            "reused": "dim",
            "failed": "bold red",
            "blocked": "yellow",
            "cancelled": "yellow",
        }
        self._print(view.ended_line(result, done=self._done, total=self._total), style[result.state])

    def tick(self) -> None:
        self._stream()
        if self._remaining is not None:
            # Here and not where it is drawn, which is a thread of its own.
            self._rest = self._remaining.rest(time.monotonic())

    def _stream(self, *, ended: str | None = None) -> None:
        if self._logs is not None:
            for line in self._logs.new_lines(ended=ended):
                self._print(view.printable(line), "dim")

    def _print(self, line: str, style: str) -> None:
        self._live.console.print(line, style=style, markup=False, soft_wrap=True)

    def _render(self) -> Text:
        from rich.text import Text

        now = time.monotonic()
        rows = [
            f"  {view.seconds_text(now - since):>8}  {step}"
            for step, since in list(self._running.items())[:20]
        ]
        if len(self._running) > len(rows):
            rows.append(f"            and {len(self._running) - len(rows)} more")
        left = "" if self._rest is None else f", {view.rest_text(self._rest)}"
        rows.append(f"{self._done} of {self._total} steps, {len(self._running)} running{left}")
        return Text("\n".join(rows), no_wrap=True, overflow="ellipsis")


@contextmanager
def open_progress(*, stream: Redactor | None) -> Iterator[Progress]:
    """Give the progress that suits stderr: live where it is a terminal that can move its cursor.

    With `stream`, which takes secrets out of them, the steps' logs are streamed.
    """
    import os
    import sys

    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        with LiveProgress(sys.stderr, stream) as live:
            yield live
    else:
        yield PlainProgress(stream)

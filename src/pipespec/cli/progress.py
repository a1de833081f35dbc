"""What a person sees while a run goes on: a live table on a terminal, plain lines in a pipe.

Takes the engine's events (a step started, a step ended) and the plan's size; writes to stderr. With
`verbose` the steps' logs are streamed, each line marked with its step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from pipespec.cli.output import say
from pipespec.plan.model import StepResult, StepStarted
from pipespec.views import run as view

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

__all__ = ["Progress", "open_progress"]


class Progress(Protocol):
    """What a run tells while it goes on."""

    def begin(self, total: int) -> None:
        """So many steps are part of the run."""

    def started(self, event: StepStarted) -> None:
        """Tell that a step began."""

    def ended(self, result: StepResult) -> None:
        """Tell that a step ended, or that it will not run."""

    def tick(self) -> None:
        """Tell that time passes; called a few times a second while steps run."""


class LogStream:
    """Follows the logs of running steps and gives their new lines, each marked with its step."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Path, int]] = {}

    def follow(self, step: str, log: str) -> None:
        """Begin to follow a log from where it ends now."""
        path = Path(log)
        self._open[step] = (path, path.stat().st_size if path.exists() else 0)

    def new_lines(self, *, ended: str | None = None) -> Iterator[str]:
        """Yield complete new lines of all logs; of the ended step also an unfinished last one."""
        for step, (path, offset) in list(self._open.items()):
            if not path.exists():
                continue
            with path.open("rb") as log:
                log.seek(offset)
                text = log.read()
            whole = text if step == ended else text[: text.rfind(b"\n") + 1]
            self._open[step] = (path, offset + len(whole))
            yield from (f"{step} | {line}" for line in whole.decode(errors="replace").splitlines())
        if ended is not None:
            self._open.pop(ended, None)


class PlainProgress:
    """One line an event: for pipes, CI and logs."""

    def __init__(self, *, verbose: bool) -> None:
        self._logs = LogStream() if verbose else None
        self._total = 0
        self._done = 0

    def begin(self, total: int) -> None:
        self._total = total

    def started(self, event: StepStarted) -> None:
        self._write(view.started_line(event))
        if self._logs is not None:
            self._logs.follow(event.step, event.log)

    def ended(self, result: StepResult) -> None:
        self._done += 1
        self._stream(ended=result.step)
        self._write(view.ended_line(result, done=self._done, total=self._total))

    def tick(self) -> None:
        self._stream()

    def _stream(self, *, ended: str | None = None) -> None:
        if self._logs is not None:
            for line in self._logs.new_lines(ended=ended):
                self._write(view.printable(line))

    def _write(self, line: str) -> None:
        say(line, err=True)


class LiveProgress:
    """Finished steps as lines that stay, running ones in a table below that is drawn anew."""

    def __init__(self, out: TextIO, *, verbose: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        self._logs = LogStream() if verbose else None
        self._running: dict[str, float] = {}
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

    def begin(self, total: int) -> None:
        self._total = total
        self._live.start()

    def started(self, event: StepStarted) -> None:
        self._running[event.step] = time.monotonic()
        if self._logs is not None:
            self._logs.follow(event.step, event.log)

    def ended(self, result: StepResult) -> None:
        self._done += 1
        self._running.pop(result.step, None)
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
        rows.append(f"{self._done} of {self._total} steps, {len(self._running)} running")
        return Text("\n".join(rows), no_wrap=True, overflow="ellipsis")


@contextmanager
def open_progress(*, verbose: bool) -> Iterator[Progress]:
    """Give the progress that suits stderr: live where it is a terminal that can move its cursor."""
    import os
    import sys

    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        with LiveProgress(sys.stderr, verbose=verbose) as live:
            yield live
    else:
        yield PlainProgress(verbose=verbose)

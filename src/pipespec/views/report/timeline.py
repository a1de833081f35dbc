"""When each worker executed which step: executions -> lanes of bars, in percent of the run's length.

Pure. Bars of a lane are in order and never overlap; one that would be too thin to see is widened as far as there is
room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipespec.views.report.model import StepPart
from pipespec.views.terminal import seconds_text

__all__ = ["Bar", "Lane", "Tick", "lanes", "ticks"]

_THINNEST: Final = 0.4
"""Percent."""
_TICKS: Final = 6
_NICE: Final = (1, 2, 5, 10)
_NICE_LONG: Final = (1, 2, 5, 10, 15, 30, 60)
"""Of seconds and minutes."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One execution; `start` and `width` are percent, `state` is how it ended, `label` says all of it."""

    step: str
    state: str
    start: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """What one worker executed, in order; `busy` is its share of the time, in percent."""

    name: str
    bars: tuple[Bar, ...]
    busy: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis, at so many percent."""

    at: float
    text: str


def lanes(steps: Sequence[StepPart], seconds: float) -> tuple[Lane, ...]:
    """Return a lane for each worker that executed anything; the run took so many seconds."""
    found: dict[int, list[tuple[float, float, StepPart, int]]] = {}
    for step in steps:
        for number, one in enumerate(step.executions, start=1):
            found.setdefault(one.worker, []).append((one.started, one.ended, step, number))
    length = max([seconds, *(row[1] for lane in found.values() for row in lane)], default=0.0) or 1.0
    return tuple(
        _lane(worker, sorted(rows, key=lambda row: row[:2]), length) for worker, rows in sorted(found.items())
    )


def ticks(seconds: float) -> tuple[Tick, ...]:
    """Return marks at round times, from 0 to where the run ended."""
    if not seconds > 0 or not math.isfinite(seconds):
        return ()
    step = _round_step(seconds / _TICKS)
    count = int(seconds / step + 1e-9)
    return tuple(Tick(100 * i * step / seconds, _tick_text(i * step)) for i in range(count + 1))


def _lane(worker: int, rows: Sequence[tuple[float, float, StepPart, int]], length: float) -> Lane:
    bars = []
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        started, ended, step, number = row
        room = (length if after is None else after[0]) - started
        width = max(ended - started, min(_THINNEST / 100 * length, room))
        bars.append(
            Bar(
                step.step,
                _state(step, number),
                100 * started / length,
                100 * width / length,
                _label(step, number, started, ended),
            )
        )
    busy = sum(ended - started for started, ended, *_ in rows)
    return Lane(f"worker {worker + 1}", tuple(bars), round(100 * busy / length))


def _state(step: StepPart, number: int) -> str:
    """Say how an execution ended: all but the last of a step have failed."""
    return "failed" if number < len(step.executions) else step.state


def _label(step: StepPart, number: int, started: float, ended: float) -> str:
    attempt = f", attempt {number} of {len(step.executions)}" if len(step.executions) > 1 else ""
    took = f"{seconds_text(ended - started)}, from {seconds_text(started)} to {seconds_text(ended)}"
    return f"{step.step}: {_state(step, number)}{attempt}, {took}"


def _round_step(least: float) -> float:
    """Return the smallest round number of seconds that is not below `least`."""
    for unit, above in ((1.0, 60.0), (60.0, 3600.0)):
        if unit / 2 <= least <= above / 2:
            return next(unit * factor for factor in _NICE_LONG if unit * factor >= least)
    unit = 3600.0 if least > 1 else 1.0
    power = 10.0 ** math.floor(math.log10(least / unit))
    return next(unit * power * factor for factor in _NICE if unit * power * factor >= least - 1e-12)


def _tick_text(seconds: float) -> str:
    if seconds == 0:
        return "0"
    return f"{seconds:g} s" if seconds < 60 else seconds_text(seconds)

"""When each worker executed which step: convert executions to lanes of bars, in percent of the run's length.

Pure. Bars of a lane are in order and never overlap. A bar that would be too thin to see is widened as far as there is
room.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.views.report.report_parts import StepPart
from pipespec.views.terminal_text import seconds_text

__all__ = ["Bar", "Lane", "Tick", "Timeline", "timeline"]

_THINNEST: Final = 0.4
"""Percent."""
_LONG_START: Final = 0.1
"""If more than this share of a run passes before the first step, the timeline begins with that step."""
_CLOCK: Final = 1e-6
"""Seconds below which a run took no time, because clocks do not show less."""
_TICKS: Final = 6
_NICE: Final = (1, 2, 5, 10)
_NICE_SIXTIES: Final = (1, 2, 5, 10, 15, 30, 60)


@frozen
class Bar:
    """One execution. `start` and `width` are in percent, `state` is how it ended, `label` contains everything."""

    step: str
    state: str
    start: float
    width: float
    label: str


@frozen
class Lane:
    """What one worker executed, in order. `busy` is its share of the displayed time, in percent."""

    name: str
    bars: tuple[Bar, ...]
    busy: int


@frozen
class Tick:
    """A mark of the axis, at this percentage."""

    at: float
    text: str


@frozen
class Timeline:
    """The lanes of a run above their axis. `first` is when the first step started, `begin` when the axis begins."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    first: float
    begin: float


@frozen
class _Turn:
    """One execution of a step, with its `number`."""

    started: float
    ended: float
    step: StepPart
    number: int


@frozen
class _Scale:
    """Convert seconds of the run to percent of the axis."""

    begin: float
    end: float

    def share(self, seconds: float) -> float:
        return 100 * seconds / (self.end - self.begin)

    def place(self, second: float) -> float:
        return self.share(second - self.begin)


def timeline(steps: Sequence[StepPart], seconds: float) -> Timeline | None:
    """Lay out what was executed in a run of this length; None if nothing was executed."""
    by_worker: dict[int, list[_Turn]] = {}
    for step in steps:
        for number, one in enumerate(step.executions, start=1):
            by_worker.setdefault(one.worker, []).append(_Turn(one.started, one.ended, step, number))
    turns = [turn for found in by_worker.values() for turn in found]
    if not turns:
        return None
    first = min(turn.started for turn in turns)
    end = max(seconds, *(turn.ended for turn in turns))
    begin = first if first > _LONG_START * end else 0.0
    scale = _Scale(begin, end if end - begin > _CLOCK else begin + 1.0)
    lanes = [_lane(worker, turns, scale) for worker, turns in sorted(by_worker.items())]
    return Timeline(tuple(lanes), tuple(_ticks(scale)), first, scale.begin)


def _lane(worker: int, turns: Sequence[_Turn], scale: _Scale) -> Lane:
    turns = sorted(turns, key=lambda turn: turn.started)
    ends = [*(turn.started for turn in turns[1:]), scale.end]
    bars = [_bar(turn, room_ends, scale) for turn, room_ends in zip(turns, ends, strict=True)]
    busy = scale.share(sum(turn.ended - turn.started for turn in turns))
    return Lane(f"worker {worker + 1}", tuple(bars), round(busy))


def _bar(turn: _Turn, room_ends: float, scale: _Scale) -> Bar:
    width = max(scale.share(turn.ended - turn.started), min(_THINNEST, scale.share(room_ends - turn.started)))
    tries = len(turn.step.executions)
    # All but the last execution of a step have failed.
    state = "failed" if turn.number < tries else turn.step.state
    attempt = f", attempt {turn.number} of {tries}" if tries > 1 else ""
    when = f"from {seconds_text(turn.started)} to {seconds_text(turn.ended)}"
    label = f"{turn.step.step}: {state}{attempt}, {when}"
    return Bar(turn.step.step, state, scale.place(turn.started), width, label)


def _ticks(scale: _Scale) -> Iterator[Tick]:
    """Yield marks at round times."""
    apart = _round_step((scale.end - scale.begin) / _TICKS)
    for number in range(math.ceil(scale.begin / apart - 1e-9), math.floor(scale.end / apart + 1e-9) + 1):
        yield Tick(scale.place(number * apart), _tick_text(number * apart))


def _round_step(least: float) -> float:
    """Return the smallest round number of seconds that is not below `least`."""
    for unit in (1.0, 60.0):
        if unit / 2 < least <= 60 * unit:
            return next(unit * factor for factor in _NICE_SIXTIES if unit * factor >= least)
    unit = 3600.0 if least > 1 else 1.0
    power = unit * 10.0 ** math.floor(math.log10(least / unit))
    return next(power * factor for factor in _NICE if power * factor >= least * (1 - 1e-9))


def _tick_text(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s" if seconds else "0"
    return seconds_text(seconds)

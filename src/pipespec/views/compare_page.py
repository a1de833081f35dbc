"""A comparison of runs as one self-contained HTML page: the table, and a plot with parallel coordinates.

Takes a `RunComparison`. In the plot, each run is a line from its params to its metrics. A param whose values are all
numbers has them in numerical order; any other param has one position for each text. The page shows the same without
scripts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.plan.run_comparison import ComparedRun, RunComparison
from pipespec.views.compare_view import cells_of, endings, head_of
from pipespec.views.html_page import render_page
from pipespec.views.mlflow_links import run_url
from pipespec.views.terminal_text import cut, number_text, printable

__all__ = ["PlotAxis", "axes_of", "to_html"]

_MOST_AXES: Final = 12
_APART: Final = 150
_HEIGHT: Final = 260
_TOP: Final = 34
_SIDE: Final = 70
_LINE_COLOURS: Final = 6
"""Number of colours for lines. After that, they are repeated."""


@frozen
class PlotAxis:
    """One axis of the plot: its position, its marks from the bottom up, and the height of each run, None if it has no value."""

    name: str
    x: float
    marks: tuple[tuple[float, str], ...]
    heights: tuple[float | None, ...]
    is_metric: bool


def to_html(found: RunComparison, *, now: float) -> str:
    """Return the page. `now` is in POSIX seconds."""
    axes = axes_of(found)
    runs = [
        {
            "cells": [printable(cell) for cell in cells_of(found, run, now)],
            "url": run_url(found.store.uri, run.experiment_id, run.run_id),
            "name": printable(run.name),
            "is_baseline": found.baseline is not None and run.run_id == found.baseline.run_id,
        }
        for run in found.all_runs
    ]
    lines = [
        {"path": _path(axes, number), "colour": number % _LINE_COLOURS, "words": _words(found, run)}
        for number, run in enumerate(found.all_runs)
    ]
    return render_page(
        "compare.html.j2",
        title=f"{printable(found.subject)}: comparison",
        data={},
        styles=("compare.css",),
        heading=printable(found.subject),
        endings=[printable(line) for line in endings(found)],
        has_regression=bool(found.regressions),
        head=[printable(name) for name in head_of(found)],
        runs=runs,
        axes=axes if len(axes) > 1 and len(found.all_runs) > 1 else (),
        lines=lines,
        width=_SIDE + _APART * max(len(axes), 1),  # the last axis also needs room for the labels at its ends
        height=_HEIGHT + 2 * _TOP,
        top=_TOP,
        bottom=_TOP + _HEIGHT,
    )


def axes_of(found: RunComparison) -> tuple[PlotAxis, ...]:
    """Return the axes of the plot: params that differ, then metrics that are not all the same."""
    params: list[tuple[str, Sequence[str | float | None], bool]] = [
        (name, [run.params.get(name) for run in found.all_runs], False) for name in found.differing_params
    ]
    metrics: list[tuple[str, Sequence[str | float | None], bool]] = [
        (name, values, True)
        for name in found.metrics
        if len(set(values := [_number(run.metrics.get(name)) for run in found.all_runs])) > 1
    ]
    room = max(_MOST_AXES - len(metrics[: _MOST_AXES // 2]), 1)
    chosen = [*params[:room], *metrics][:_MOST_AXES]
    return tuple(
        _axis(name, values, number, is_metric) for number, (name, values, is_metric) in enumerate(chosen)
    )


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _axis(name: str, values: Sequence[str | float | None], number: int, is_metric: bool) -> PlotAxis:  # noqa: FBT001 - a field of a tuple
    numbers = [None if value is None else _as_number(value) for value in values]
    if all(value is None or one is not None for value, one in zip(values, numbers, strict=True)):
        known = [one for one in numbers if one is not None]
        low, high = min(known), max(known)
        heights = [None if one is None else _height(_share(one, low, high)) for one in numbers]
        marks = (
            [(_height(0.0), number_text(low)), (_height(1.0), number_text(high))]
            if low < high
            else [(_height(0.5), number_text(low))]
        )
    else:
        texts = sorted({str(value) for value in values if value is not None})
        place = {
            text: _height(rank / (len(texts) - 1) if len(texts) > 1 else 0.5)
            for rank, text in enumerate(texts)
        }
        heights = [None if value is None else place[str(value)] for value in values]
        shown = texts if len(texts) <= 12 else [texts[0], texts[-1]]
        marks = [(place[text], cut(printable(text), 16)) for text in shown]
    return PlotAxis(
        cut(printable(name), 20), _SIDE + number * _APART, tuple(marks), tuple(heights), is_metric
    )


def _share(value: float, low: float, high: float) -> float:
    # Halves, because the difference between the highest and the lowest number may overflow.
    return (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5


def _height(share: float) -> float:
    return round(_TOP + _HEIGHT * (1 - share), 1)


def _as_number(value: str | float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _path(axes: Sequence[PlotAxis], run: int) -> str:
    parts: list[str] = []
    pen_is_down = False
    for axis in axes:
        height = axis.heights[run]
        if height is not None:
            parts.append(f"{'L' if pen_is_down else 'M'}{axis.x:g} {height:g}")
        pen_is_down = height is not None
    return "".join(parts)


def _words(found: RunComparison, run: ComparedRun) -> str:
    params = [f"{name} {run.params[name]}" for name in found.differing_params if name in run.params]
    metrics = [f"{name} {number_text(run.metrics[name])}" for name in found.metrics if name in run.metrics]
    return printable(f"{run.run_id[:8]}: {', '.join([*params, *metrics])}")

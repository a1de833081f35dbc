"""A metric's last runs as a small picture: convert values to a path, and to words that say the same.

Pure. Values that are not numbers leave a gap. The bounds of a metric are drawn if they are so near that the values do
not become a flat line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pipespec.errors import counted
from pipespec.frozen_values import frozen
from pipespec.views.report.report_parts import Metric
from pipespec.views.terminal_text import number_text

__all__ = ["Plot", "plot"]

_WIDTH: Final = 120
_HEIGHT: Final = 30
_RIM: Final = 4
_NEAR: Final = 2.0
"""A bound is drawn if it makes the picture at most this many times as high."""


@frozen
class Plot:
    """A picture of `width` by `height`: the line through the values, a dot at each, lines at bounds.

    `words` describe it for readers who do not see it.
    """

    width: int
    height: int
    line: str
    dots: tuple[tuple[float, float], ...]
    bounds: tuple[float, ...]
    words: str


def plot(metric: Metric) -> Plot | None:
    """Draw a metric's past values and its present one; None if there is nothing to compare."""
    values = [*(one.value for one in metric.past), metric.value]
    finite = [value for value in values if math.isfinite(value)]
    if len(values) < 2 or not finite:
        return None
    low, high = min(finite), max(finite)
    bounds = [bound for bound in (metric.minimum, metric.maximum) if bound is not None]
    shown = [bound for bound in bounds if max(high, bound) - min(low, bound) <= _NEAR * (high - low)]
    low, high = min([low, *shown]), max([high, *shown])

    def height_of(value: float) -> float:
        # Halves, because the difference between the highest and the lowest number may overflow.
        share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
        return round(_HEIGHT - _RIM - share * (_HEIGHT - 2 * _RIM), 1)

    apart = (_WIDTH - 2 * _RIM) / (len(values) - 1)
    points = [
        (round(_RIM + number * apart, 1), height_of(value)) if math.isfinite(value) else None
        for number, value in enumerate(values)
    ]
    return Plot(
        _WIDTH,
        _HEIGHT,
        _path(points),
        tuple(point for point in points if point is not None),
        tuple(map(height_of, shown)),
        _words(metric, values),
    )


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    parts: list[str] = []
    pen_is_down = False
    for point in points:
        if point is not None:
            parts.append(f"{'L' if pen_is_down else 'M'}{point[0]:g} {point[1]:g}")
        pen_is_down = point is not None
    return "".join(parts)


def _words(metric: Metric, values: Sequence[float]) -> str:
    told = ", ".join(map(number_text, values))
    return f"{metric.name} of {metric.step}, {counted(len(values), 'run')}, the oldest first: {told}"

"""A sweep as a table: one row for each of its points.

Takes what differs between the points, how each ended and the metrics of its last steps; gives text, with what does not
fit beside the others left to MLflow's own comparison.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.spec.model import point_text
from pipespec.views.terminal import printable

__all__ = ["SweepPoint", "render_text"]

_MOST_METRICS: Final = 8


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One point: its coordinates, the state of the worst of its steps, and its metrics.

    `metrics` are those of the steps that no other step reads; their names begin with the step's where there are
    several such steps.
    """

    at: tuple[tuple[str, JSON], ...]
    state: str
    metrics: Mapping[str, float] = field(default_factory=dict)


def render_text(points: Sequence[SweepPoint]) -> str:
    """Show one row a point, under a head, in the order of the points; metrics have four digits."""
    if not points:
        return ""
    labels = [label for label, _ in points[0].at]
    metrics = list(dict.fromkeys(name for point in points for name in sorted(point.metrics)))
    shown = metrics[:_MOST_METRICS]
    table = [[*labels, "state", *shown]]
    for point in points:
        values = [point_text((("", value),))[1:] for _, value in point.at]
        table.append([*values, point.state, *(_number(point.metrics.get(name)) for name in shown)])
    cells = [[printable(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    if len(metrics) > len(shown):
        lines.append(f"and {len(metrics) - len(shown)} more metrics")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if math.isfinite(value) else str(value)

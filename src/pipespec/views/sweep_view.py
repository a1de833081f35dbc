"""A sweep as a table: one row for each of its points.

Takes what differs between the points, how each ended and the metrics of its last steps. Returns text. Columns that do
not fit are left out, because MLflow can compare runs itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipespec.plan.results import SweepPoint
from pipespec.spec.variant_names import point_text
from pipespec.views.terminal_text import number_text, printable

__all__ = ["render_text"]

_MOST_METRICS: Final = 8


def render_text(points: Sequence[SweepPoint]) -> str:
    """Show one row for each point, under a head, in the order of the points. Metrics have four significant digits."""
    if not points:
        return ""
    labels = [label for label, _ in points[0].at]
    metrics = list(dict.fromkeys(name for point in points for name in sorted(point.metrics)))
    shown = metrics[:_MOST_METRICS]
    table = [[*labels, "state", *shown]]
    for point in points:
        values = [point_text((("", value),))[1:] for _, value in point.at]
        table.append(
            [
                *values,
                point.state,
                *(number_text(point.metrics[name]) if name in point.metrics else "" for name in shown),
            ]
        )
    cells = [[printable(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    if len(metrics) > len(shown):
        lines.append(f"and {len(metrics) - len(shown)} more metrics")
    return "\n".join(lines)

"""A comparison of runs as text, Markdown, CSV, JSON, and a page with plots.

Takes a `RunComparison`. A row is a run, the newest first. Columns are the params that differ and the metrics, each with
its difference from the baseline. CSV and JSON contain all params.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pipespec.plan.run_comparison import ComparedRun, NewBaseline, RunComparison
from pipespec.views.markdown import span, table
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.terminal_text import WIDTH, age_text, columns_of, cut, number_text, pad, printable, wrap

__all__ = [
    "baseline_json",
    "baseline_text",
    "cells_of",
    "endings",
    "head_of",
    "render_csv",
    "render_markdown",
    "render_text",
    "to_json",
]

_MOST_CELL: Final = 24
"""Maximum width of a value in a terminal."""
_GAP: Final = 2
_DELTA: Final = "Δ"


def render_text(found: RunComparison, *, now: float) -> str:
    """Show a table for a terminal. Columns that do not fit beside each other follow below, with the names of the runs repeated."""
    lines = [printable(f"{found.subject}, the newest first")]
    if found.baseline is not None:
        lines[0] += printable(f"; compared with run {found.baseline.run_id[:8]}")
    head, body = head_of(found), [cells_of(found, run, now) for run in found.all_runs]
    fixed = 2 + found.has_labels
    for columns in _blocks(head, body, fixed):
        lines.append("")
        lines += _aligned([[row[number] for number in columns] for row in (head, *body)])
    lines += ["", *endings(found), name_of_store(found.store)]
    return "\n".join(
        line for text in lines for line in (wrap(text, WIDTH.get()) if len(text) > 200 else [text])
    )


def render_markdown(found: RunComparison, *, now: float) -> str:
    """Show the same for a comment on a change: the verdict, then the table."""
    lines = [f"### {printable(found.subject)}", ""]
    if found.baseline is not None:
        lines += [f"Compared with the baseline, run {span(found.baseline.run_id[:8])}.", ""]
    lines += [f"- {printable(line)}" for line in endings(found)] + [""]
    head = [printable(name).replace("|", "\\|") for name in head_of(found)]
    lines += table(head, [[span(cell) for cell in cells_of(found, run, now)] for run in found.all_runs])
    return "\n".join(lines).rstrip() + "\n"


def render_csv(found: RunComparison) -> str:
    """Write a row for each run: its id, name, state and times, all params, metrics, and differences from the baseline."""
    params = list(dict.fromkeys(name for run in found.all_runs for name in run.params))
    deltas = [f"delta.{name}" for name in found.metrics] if found.baseline is not None else []
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    own = ("run_id", "name", "label", "status", "started", "ended", "commit", "baseline")
    write(
        [*own, *(f"param.{name}" for name in params), *(f"metric.{name}" for name in found.metrics), *deltas]
    )
    for run in found.all_runs:
        told = [run.run_id, run.name, run.label, run.status, run.started, run.ended, run.commit]
        metrics = [run.metrics.get(name) for name in found.metrics]
        differences = [found.delta(run, name) for name in found.metrics] if deltas else []
        write(
            [
                *told,
                _is_baseline(found, run),
                *(run.params.get(name) for name in params),
                *metrics,
                *differences,
            ]
        )
    return text.getvalue()


def to_json(found: RunComparison) -> dict[str, Any]:
    """Return the structure of `schemas/compare.schema.json`."""
    return {
        "version": 1,
        "subject": found.subject,
        "baseline": None if found.baseline is None else found.baseline.run_id,
        "differing_params": list(found.differing_params),
        "metrics": list(found.metrics),
        "runs": [
            {
                "run_id": run.run_id,
                "name": run.name,
                "label": run.label,
                "status": run.status,
                "started": run.started,
                "ended": run.ended,
                "commit": run.commit or None,
                "params": dict(run.params),
                "metrics": {name: _finite(value) for name, value in run.metrics.items()},
                "deltas": {
                    name: _finite(delta)
                    for name in found.metrics
                    if (delta := found.delta(run, name)) is not None
                },
            }
            for run in found.all_runs
        ],
        "regressions": [{"metric": one.metric, "problem": one.problem} for one in found.regressions],
        "notes": list(found.notes),
    }


def baseline_text(found: NewBaseline) -> str:
    """Say which run is now a baseline, and of what."""
    before = f", in place of run {', '.join(one[:8] for one in found.replaced)}" if found.replaced else ""
    return printable(f"run {found.run_id[:8]} is now the baseline '{found.name}' of {found.subject}{before}")


def baseline_json(found: NewBaseline) -> dict[str, Any]:
    """Return the same for JSON."""
    return {
        "version": 1,
        "run_id": found.run_id,
        "name": found.name,
        "subject": found.subject,
        "replaced": list(found.replaced),
    }


def head_of(found: RunComparison) -> list[str]:
    """Return the names of the columns. A metric with a baseline has a second column."""
    label = [""] if found.has_labels else []
    metrics = [
        name
        for metric in found.metrics
        for name in ((metric, _DELTA) if metric in found.compared_metrics else (metric,))
    ]
    return ["run", "age", *label, *found.differing_params, *metrics]


def cells_of(found: RunComparison, run: ComparedRun, now: float) -> list[str]:
    """Return one row."""
    mark = "*" if _is_baseline(found, run) else "" if run.status == "FINISHED" else f" {run.status.lower()}"
    label = [run.label] if found.has_labels else []
    age = age_text(max(now - (run.started if run.ended is None else run.ended), 0.0))
    params = [run.params.get(name, "") for name in found.differing_params]
    return [f"{run.run_id[:8]}{mark}", age, *label, *params, *_numbers(found, run)]


def _numbers(found: RunComparison, run: ComparedRun) -> Iterator[str]:
    for name in found.metrics:
        yield number_text(run.metrics[name]) if name in run.metrics else ""
        if name in found.compared_metrics:
            delta = found.delta(run, name)
            yield "" if delta is None else f"{'+' if delta >= 0 else ''}{number_text(delta)}"


def endings(found: RunComparison) -> list[str]:
    """Return the lines below the table: the verdict, and notes."""
    lines = [f"regression: {one.problem}" for one in found.regressions]
    judged = [name for name in found.bounds if found.baseline is not None and name in found.baseline.metrics]
    if judged and not found.regressions:
        lines.append(f"no regression: {', '.join(judged)} of run {found.runs[0].run_id[:8]} within bounds")
    if found.baseline is not None:
        lines.append(f"*: the baseline; {_DELTA} is the difference from it")
    if len(found.all_runs) > 1 and not found.differing_params:
        lines.append("no params differ")
    return [*lines, *found.notes]


def _blocks(head: Sequence[str], body: Sequence[Sequence[str]], fixed: int) -> Iterator[list[int]]:
    """Split columns into blocks, so that each block has the first `fixed` ones and as many others as fit."""
    widths = [
        min(max(columns_of(printable(cell)) for cell in column), _MOST_CELL) + _GAP
        for column in zip(head, *body, strict=True)
    ]
    start = list(range(fixed))
    block = [*start]
    groups: list[list[int]] = []
    for number in range(fixed, len(head)):
        if head[number] == _DELTA and groups:  # it is beside its metric
            groups[-1].append(number)
        else:
            groups.append([number])
    for group in groups:
        needed = sum(widths[one] for one in (*block, *group))
        if needed > WIDTH.get() + _GAP and len(block) > fixed:
            yield block
            block = [*start]
        block += group
    yield block


def _aligned(table_: Sequence[Sequence[str]]) -> list[str]:
    cells = [[cut(printable(cell), _MOST_CELL) for cell in row] for row in table_]
    widths = [max(map(columns_of, column)) for column in zip(*cells, strict=True)]
    return [
        (" " * _GAP).join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _is_baseline(found: RunComparison, run: ComparedRun) -> bool:
    return found.baseline is not None and run.run_id == found.baseline.run_id


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

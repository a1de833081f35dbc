"""The report of one invocation as one HTML file.

Takes a `Report`. Returns a page that first says how it went and which results it has, then what changed, what took the
time, which outputs there are, and in which environment. Pure. Names, values, logs and cells are only text in it.
Characters that a reader would not see, or see at another place, are escaped as in a terminal.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from pipespec.errors import counted
from pipespec.frozen_values import frozen
from pipespec.plan.results import SweepPoint
from pipespec.spec.variant_names import point_text
from pipespec.tracking.record_names import declared
from pipespec.views.graph.graph_page import GRAPH_SCRIPTS, GRAPH_STYLES, page_data
from pipespec.views.html_page import render_page
from pipespec.views.report.plots import Plot, plot
from pipespec.views.report.report_parts import Metric, PicturePreview, Report, StepPart, Table, with_texts
from pipespec.views.report.timeline import timeline
from pipespec.views.state_words import ENDED, MARKS
from pipespec.views.terminal_text import bytes_text, number_text, printable, seconds_text

__all__ = ["to_html"]

_MOST_STEPS: Final = 500
"""Maximum number of steps of one state that are shown, and of outputs."""
_MOST_FAILED: Final = 20
"""Maximum number of failures that are shown with traceback and log."""
_MOST_METRICS: Final = 300
_MOST_POINTS: Final = 500
_MOST_BARS: Final = 2_000
_MOST_NODES: Final = 2_000
_COLUMNS: Final = 12
"""Maximum number of metrics of a point or variant that are shown."""


def to_html(report: Report) -> str:
    """Render a report as one page that loads nothing."""
    report = with_texts(report, _shown)
    graph = report.graph if len(report.steps) <= _MOST_NODES else None
    of_state = {state: [step for step in report.steps if step.state == state] for state in ENDED}
    told = [step for steps in of_state.values() for step in steps[:_MOST_STEPS]]
    executed = [step for step in report.steps if step.executions]
    metrics = _metrics_by_step(report.metrics[:_MOST_METRICS])
    return render_page(
        "report.html.j2",
        title=f"{report.pipeline}: {_verdict(report)}",
        data={} if graph is None else {"graph": page_data(graph)},
        styles=(*GRAPH_STYLES, "report.css"),
        scripts=() if graph is None else (*GRAPH_SCRIPTS, "report.js"),
        report=report,
        graph=graph,
        verdict=_verdict(report),
        worst=next((step.state for step in told if step.state != "reused"), "reused"),
        marks=MARKS,
        counts={state: len(steps) for state, steps in of_state.items()},
        failed=[step for step in told if step.state == "failed"][:_MOST_FAILED],
        active=[step for step in told if step.state != "reused"],
        reused=[step for step in told if step.state == "reused"],
        metrics=metrics,
        has_past=any(row.plot for rows in metrics.values() for row in rows),
        variants=_variants(report.metrics[:_MOST_METRICS]),
        timeline=timeline(executed[:_MOST_BARS], report.seconds),
        longest=_longest(executed),
        points=_points(report.points[:_MOST_POINTS]),
        outputs=[output for output in report.outputs[:_MOST_STEPS] if output.state != "reused"],
        kept=[output for output in report.outputs[:_MOST_STEPS] if output.state == "reused"],
        left_out=[*report.left_out, *_left_out(report)],
        is_picture=lambda preview: isinstance(preview, PicturePreview),
        is_table=lambda preview: isinstance(preview, Table),
        address=_address,
        seconds_text=seconds_text,
        number_text=number_text,
        bytes_text=bytes_text,
        time_text=_time_text,
    )


def _shown(text: str) -> str:
    """Escape what a page would interpret or hide. Line ends are kept."""
    if text.isprintable():
        return text
    return "\n".join(printable(line.replace("\t", "    ").removesuffix("\r")) for line in text.split("\n"))


def _verdict(report: Report) -> str:
    if report.interrupted_by:
        return f"interrupted by {report.interrupted_by}"
    states = {step.state for step in report.steps}
    if "failed" in states:
        return "failed"
    if states & {"blocked", "cancelled"}:
        return "not finished"
    return "succeeded" if "ran" in states else "nothing to do"


# ----------------------------------------------------------------------------------------------- metrics


@frozen
class _MetricRow:
    metric: Metric
    value: str
    change: str
    bounds: str
    plot: Plot | None


@frozen
class _Variants:
    """Several variants of one step in a table: the values of each, in the order of `names`."""

    step: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[_MetricRow | None, ...]], ...]
    more: int


def _metrics_by_step(metrics: Sequence[Metric]) -> Mapping[str, list[_MetricRow]]:
    """Return the rows of each step that is the only one with its name."""
    ids = _ids_by_name(metrics)
    alone = [metric for metric in metrics if len(ids[declared(metric.step)]) == 1]
    return {step: [_metric_row(one) for one in alone if one.step == step] for step in _steps(alone)}


def _variants(metrics: Sequence[Metric]) -> list[_Variants]:
    """Return a table for each step that has several variants, with the first variant first."""
    found = {(metric.step, metric.name): metric for metric in metrics}
    tables = []
    for step, ids in _ids_by_name(metrics).items():
        if len(ids) == 1:
            continue
        names = tuple(dict.fromkeys(metric.name for metric in metrics if metric.step in ids))
        shown = names[:_COLUMNS]
        rows = tuple(
            (id_.removeprefix(step), tuple(_cell(found.get((id_, name))) for name in shown))
            for id_ in reversed(ids)  # metrics begin with the last steps
        )
        tables.append(_Variants(step, shown, rows, len(names) - len(shown)))
    return tables


def _ids_by_name(metrics: Sequence[Metric]) -> Mapping[str, list[str]]:
    ids: dict[str, list[str]] = {}
    for step in _steps(metrics):
        ids.setdefault(declared(step), []).append(step)
    return ids


def _steps(metrics: Sequence[Metric]) -> list[str]:
    return list(dict.fromkeys(metric.step for metric in metrics))


def _cell(metric: Metric | None) -> _MetricRow | None:
    return None if metric is None else _metric_row(metric)


def _metric_row(metric: Metric) -> _MetricRow:
    before = metric.past[-1].value if metric.past else None
    low = "" if metric.minimum is None else f"at least {number_text(metric.minimum)}"
    high = "" if metric.maximum is None else f"at most {number_text(metric.maximum)}"
    return _MetricRow(
        metric,
        number_text(metric.value),
        "" if before is None else _change(metric.value - before),
        ", ".join(filter(None, (low, high))),
        plot(metric),
    )


def _change(difference: float) -> str:
    if math.isnan(difference):
        return ""
    if difference == 0:
        return "as before"
    return f"{'+' if difference > 0 else '-'}{number_text(abs(difference))}"


@frozen
class _Points:
    """A sweep as a table."""

    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...]
    """The values, the state and the metrics of each point."""


def _points(points: Sequence[SweepPoint]) -> _Points | None:
    if not points:
        return None
    metrics = tuple(dict.fromkeys(name for point in points for name in sorted(point.metrics)))[:_COLUMNS]
    rows = tuple(
        (
            tuple(point_text((("", value),))[1:] for _, value in point.at),
            point.state,
            tuple(number_text(point.metrics[name]) if name in point.metrics else "" for name in metrics),
        )
        for point in points
    )
    return _Points(tuple(label for label, _ in points[0].at), metrics, rows)


# ------------------------------------------------------------------------------------------- the others


def _longest(executed: Sequence[StepPart]) -> str:
    """Say in words which steps took the time. If a step was tried again, all its attempts are added up."""
    seconds = {
        step.step: sum(one.ended - one.started for one in step.executions)
        if step.seconds is None or len(step.executions) > 1
        else step.seconds
        for step in executed
    }
    most = sorted(seconds, key=lambda step: -seconds[step])[:3]
    return ", ".join(f"{step} {seconds_text(seconds[step])}" for step in most)


def _several(thing: str) -> str:
    noun, of, rest = thing.partition(" of ")
    return f"{noun}s{of}{rest}"


def _left_out(report: Report) -> list[str]:
    of_state = Counter(step.state for step in report.steps)
    executed = sum(bool(step.executions) for step in report.steps)
    told = [
        *((of_state[state] - _MOST_STEPS, f"{state} step", "not listed") for state in ENDED),
        (of_state["failed"] - _MOST_FAILED, "failed step", "listed without traceback and log"),
        (len(report.metrics) - _MOST_METRICS, "metric", "not listed"),
        (
            len({name for point in report.points for name in point.metrics}) - _COLUMNS,
            "metric of the points",
            "not listed",
        ),
        (len(report.points) - _MOST_POINTS, "point of the sweep", "not listed"),
        (len(report.outputs) - _MOST_STEPS, "output", "not listed"),
        (executed - _MOST_BARS, "step", "not in the timeline"),
    ]
    sentences = [
        f"{counted(count, f'more {thing} is', f'more {_several(thing)} are')} {what}."
        for count, thing, what in told
        if count > 0
    ]
    if len(report.steps) > _MOST_NODES:
        sentences.append(f"The graph of {len(report.steps):,} steps is not shown; use 'pipespec graph'.")
    return sentences


def _address(picture: PicturePreview) -> str:
    return f"data:{picture.media};base64,{base64.b64encode(picture.content).decode()}"


def _time_text(seconds: float) -> str:
    when = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return when.strftime("%Y-%m-%d %H:%M:%S UTC")

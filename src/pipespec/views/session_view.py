"""What a user of the Python interface sees: pipelines, plans, runs and states as a few lines, and as tables in a notebook.

Takes the values that the methods of `Pipeline` return. `register` makes Python show them in this way. HTML consists of
escaped texts, with colours that are readable on a light and a dark page.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from pipespec.display import View, show_as
from pipespec.errors import InvalidPipelineError, UsageError, counted
from pipespec.plan.explanation import Explanation
from pipespec.plan.lineage import Lineage
from pipespec.plan.pipeline_diff import Difference
from pipespec.plan.plan import Plan
from pipespec.plan.reproduction import Reproduction
from pipespec.plan.results import RunReport, StepStates
from pipespec.plan.run_comparison import RunComparison
from pipespec.spec.input_wording import input_text
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.views import (
    compare_view,
    diagnostic_view,
    diff_view,
    explain_view,
    lineage_view,
    plan_view,
    reproduction_view,
    run_view,
    status_view,
)
from pipespec.views.graph import graph_text
from pipespec.views.graph.portrait import Portrait
from pipespec.views.state_words import state_style, state_word
from pipespec.views.styled_text import Style, StyledText
from pipespec.views.terminal_text import age_text, number_text, printable, rows, seconds_text

__all__ = ["picture_html", "pipeline_html", "pipeline_text", "register", "step_text", "text_html"]

_MOST: Final = 30
"""Maximum number of steps that are shown as text. A table has 200."""
_MOST_ROWS: Final = 200
_COLOURS: Final = {
    Style.GOOD: "#2e9e44",
    Style.BAD: "#e0443e",
    Style.OPEN: "#b8860b",
    Style.QUIET: "#888888",
    Style.PLACE: "#3a87d9",
}


def register() -> None:
    """Register how the values that methods of `Pipeline` return are shown."""
    show_as(Plan, View(_plan_text, _plan_html))
    show_as(RunReport, View(_run_text, _run_html))
    show_as(StepStates, View(_states_text, _states_html))
    show_as(Explanation, _as_text(lambda found: explain_view.render_text(found, now=time.time())))
    show_as(Difference, _as_text(diff_view.render_text))
    show_as(RunComparison, _as_text(lambda found: compare_view.render_text(found, now=time.time())))
    show_as(Reproduction, _as_text(reproduction_view.render_text))
    show_as(Lineage, _as_text(lambda found: lineage_view.render_text(found, now=time.time())))
    show_as(
        InvalidPipelineError,
        _as_text(lambda error: diagnostic_view.render_text(error.diagnostics, error.sources)),
    )


def pipeline_text(spec: PipelineSpec, file: str) -> str:
    """Name a pipeline, its file and its steps, each with what it calls and reads."""
    cells = []
    for step in list(spec.steps.values())[:_MOST]:
        read = dict.fromkeys(input_text(each.source) for each in step.inputs.values())
        after = f"<- {', '.join(read)}" if read else ""
        cells.append(((printable(step.id), printable(str(step.call))), printable(after)))
    title = printable(f"Pipeline '{spec.name}' ({file}), {counted(len(spec.steps), 'step')}")
    return "\n".join([title, *rows(cells), *_rest(len(spec.steps), _MOST)])


def pipeline_html(spec: PipelineSpec, file: str, states: StepStates | None, picture: str) -> str:
    """Show a pipeline's name, the states of its steps if they are known, and its graph, which is already HTML."""
    title = f"<p><b>{_escaped(spec.name)}</b> ({_escaped(file)}), {counted(len(spec.steps), 'step')}</p>"
    return f"{title}{picture}{'' if states is None else _states_html(states)}"


def step_text(step: StepSpec, pipeline: str) -> str:
    """Name a step, what it calls, its inputs and its outputs."""
    outputs = ", ".join(f"{name} ({output.file})" for name, output in step.outputs.items())
    lines = [f"Step '{step.id}' of pipeline '{pipeline}': {step.call}"]
    lines += [f"  input {name}: {input_text(each.source)}" for name, each in step.inputs.items()]
    lines += [f"  param {name}: {value!r}" for name, value in step.param_values.items()]
    return "\n".join(map(printable, [*lines, *([f"  outputs: {outputs}"] if outputs else [])]))


def picture_html(found: Portrait) -> str:
    """Return the graph as HTML: as a picture if the package for the layout is installed, otherwise as text."""
    from pipespec.views.graph.svg import to_svg  # noqa: PLC0415 - a template engine, needed only for pictures

    try:
        return to_svg(found.spec, found.states)
    except UsageError:
        return text_html(graph_text.render_text(found.spec, found.states))


def text_html(text: str) -> str:
    """Return text as a notebook shows it, with the colours of its styled parts."""
    pieces, at = [], 0
    for start, end, style in text.spans if isinstance(text, StyledText) else ():
        pieces += [_escaped(text[at:start]), _coloured(text[start:end], style)]
        at = end
    return f'<pre style="line-height:1.3">{"".join(pieces)}{_escaped(text[at:])}</pre>'


# ------------------------------------------------------------------------------------------ each kind


def _plan_text(plan: Plan) -> str:
    return _shortened(plan_view.render_text(plan, store=None, now=time.time()), len(plan.decisions))


def _plan_html(plan: Plan) -> str:
    now = time.time()
    cells = [
        (_word(decision.action), _escaped(step), _escaped(plan_view.why(decision, now)))
        for step, decision in plan.decisions.items()
    ]
    return _table(("", "step", "why"), cells, plan_view.summary(plan))


def _run_text(report: RunReport) -> str:
    cells = [
        (
            (state_word(one.state), printable(one.step)),
            "" if one.seconds is None else seconds_text(one.seconds),
        )
        for one in report.steps[:_MOST]
    ]
    return "\n".join([*rows(cells), *_rest(len(report.steps), _MOST), "", run_view.counts(report)])


def _run_html(report: RunReport) -> str:
    cells = [
        (
            _word(one.state),
            _escaped(one.step),
            "" if one.seconds is None else _short(seconds_text(one.seconds)),
            f"<code>{_escaped((one.run_id or '')[:8])}</code>",
            _escaped(one.error or ""),
        )
        for one in report.steps
    ]
    return _table(("", "step", "time", "run", ""), cells, run_view.counts(report))


def _states_text(states: StepStates) -> str:
    return _shortened(status_view.render_text(states, store=None, now=time.time()), len(states))


def _states_html(states: StepStates) -> str:
    now = time.time()
    cells = [
        (
            _word(one.state),
            _escaped(one.step),
            f"<code>{_escaped((one.run_id or '')[:8])}</code>",
            "" if one.ended is None else _short(age_text(max(now - one.ended, 0.0))),
            "" if one.seconds is None else _short(seconds_text(one.seconds)),
            _escaped(
                "  ".join(
                    f"{name}={number_text(value)}" for name, value in status_view.shown_metrics(one.metrics)
                )
            ),
        )
        for one in states
    ]
    return _table(("", "step", "run", "when", "time", "metrics"), cells)


def _as_text(render: Callable[[Any], str]) -> View:
    """Show a value by its text, also in a notebook."""
    return View(lambda value: str(render(value)), lambda value: text_html(render(value)))


# ------------------------------------------------------------------------------------------ pieces


def _table(headers: Sequence[str], cells: Sequence[Sequence[str]], summary: str = "") -> str:
    """Return a table of cells that are already HTML."""
    cell = 'style="text-align:left;vertical-align:top"'
    head = "".join(f"<th {cell}>{name}</th>" for name in headers)
    body = "".join(
        f"<tr>{''.join(f'<td {cell}>{each}</td>' for each in row)}</tr>" for row in cells[:_MOST_ROWS]
    )
    below = " ".join([*_rest(len(cells), _MOST_ROWS), summary]).strip()
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{_escaped(below)}</p>"


def _word(word: str) -> str:
    style = state_style(word)
    return _escaped(word) if style is None else _coloured(word, style)


def _coloured(text: str, style: Style) -> str:
    return f'<span style="color:{_COLOURS[style]}">{_escaped(text)}</span>'


def _short(text: str) -> str:
    return f'<span style="white-space:nowrap">{_escaped(text)}</span>'


def _escaped(text: str) -> str:
    return html.escape("\n".join(map(printable, text.split("\n"))))


def _rest(count: int, shown: int) -> list[str]:
    return [f"  ... and {count - shown} more"] if count > shown else []


def _shortened(text: str, count: int) -> str:
    """Leave out rows in the middle of a text with one row for each of many steps."""
    lines = str(text).split("\n")
    return "\n".join([*lines[:_MOST], *_rest(count, _MOST), *lines[count:]] if count > _MOST else lines)

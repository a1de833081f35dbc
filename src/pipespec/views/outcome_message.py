"""How a run ended, as a message: a title and a few lines, and the values for a template of the user.

Takes a `RunOutcome`. Lines are for a chat, so they are short and few.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.errors import counted
from pipespec.plan.run_outcome import MetricChange, RunOutcome, ToldStep
from pipespec.views.terminal_text import number_text, printable, seconds_text

__all__ = ["body_of", "title_of", "values_of"]

_MOST: Final = 5
"""Maximum number of steps that are named."""
_MOST_VALUES: Final = 10
"""Maximum number of metrics, and of params that were set."""
_LONGEST: Final = 300
"""Maximum number of characters of an error, or of a value."""
_MARGIN: Final = "  | "


def title_of(outcome: RunOutcome) -> str:
    """Say how the run ended in a few words."""
    return printable(f"{outcome.pipeline}: {_end(outcome)}")


def _end(outcome: RunOutcome) -> str:
    if outcome.error:
        return "the run stopped with an error"
    if outcome.interrupted_by:
        return f"interrupted by {outcome.interrupted_by}"
    if outcome.failed:
        return f"{counted(len(outcome.failed), 'step')} failed"
    ran = f"{counted(len(outcome.ran), 'step')} ran"
    worse = len(outcome.regressions)
    return f"{ran}, {counted(worse, 'regression')}" if worse else ran


def body_of(outcome: RunOutcome) -> str:
    """Say what happened, with a line for each thing. The end of a log is indented."""
    return "\n".join(printable(line) for line in _lines(outcome))


def _lines(outcome: RunOutcome) -> Iterator[str]:
    if outcome.error:
        yield _cut(outcome.error)
    yield from _failures(outcome.failed)
    yield from (f"regression: {_cut(problem)}" for problem in outcome.regressions)
    if outcome.ran:
        yield f"ran {_first(outcome.ran, _MOST)}"
    if outcome.metrics:
        yield f"metrics: {_first(tuple(map(_metric, outcome.metrics)), _MOST_VALUES)}"
    if outcome.set_values:
        told = tuple(f"{one.name}={_cut(one.value)} ({one.origin})" for one in outcome.set_values)
        yield f"set: {_first(told, _MOST_VALUES)}"
    yield from outcome.notes
    if outcome.seconds:
        yield f"took {seconds_text(outcome.seconds)}"
    if outcome.run_id:
        where = outcome.link or f"in {outcome.store} on {outcome.host}"
        yield f"MLflow run {outcome.run_id}{': ' if outcome.link else ' '}{where}"


def _failures(failed: tuple[ToldStep, ...]) -> Iterator[str]:
    """Describe the steps that failed; for the first one, include the end of its log."""
    for number, one in enumerate(failed[:_MOST]):
        yield f"failed {one.step}: {_cut(one.error)}"
        if not number:
            yield from (f"{_MARGIN}{line}" for line in one.log.split("\n") if one.log)
    if len(failed) > _MOST:
        yield f"and {len(failed) - _MOST} more failed"


def _metric(metric: MetricChange) -> str:
    change = metric.change
    value = f"{metric.name} {number_text(metric.value)}"
    if change is None:
        return value
    return f"{value} ({'unchanged' if not change else f'{change:+.4g}'})"


def _first(told: tuple[str, ...], most: int) -> str:
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return f"{', '.join(told[:most])}{more}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def values_of(outcome: RunOutcome) -> dict[str, JSON]:
    """Return what a template can use. `spec.message_templates.VARIABLES` are the names."""
    steps: list[JSON] = [_step(one) for one in outcome.steps]
    failed: list[JSON] = [_step(one) for one in outcome.failed]
    return {
        "pipeline": outcome.pipeline,
        "kind": str(outcome.kind),
        "title": title_of(outcome),
        "message": body_of(outcome),
        "steps": steps,
        "failed": failed,
        "metrics": {
            one.name: {"value": one.value, "before": one.before, "change": one.change}
            for one in outcome.metrics
        },
        "regressions": [*outcome.missed, *outcome.regressions],
        "params": {one.name: one.value for one in outcome.set_values},
        "seconds": outcome.seconds,
        "error": outcome.error,
        "run_id": outcome.run_id,
        "link": outcome.link,
        "store": outcome.store,
        "host": outcome.host,
    }


def _step(one: ToldStep) -> JSON:
    return {
        "step": one.step,
        "state": str(one.state),
        "seconds": one.seconds,
        "error": one.error,
        "log": one.log,
    }

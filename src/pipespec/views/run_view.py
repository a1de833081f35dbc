"""A run in progress, one line for each event, and its result: text and JSON.

Takes what the engine reports (`StepStarted`, `StepResult`, `RunReport`). Returns lines and the structure of
`schemas/run.schema.json`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pipespec.document.password_masking import without_passwords, without_receivers
from pipespec.plan.results import (
    Registered,
    RunReport,
    StepAwaited,
    StepResult,
    StepStarted,
    StepState,
    StoreAway,
)
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.state_words import state_word
from pipespec.views.styled_text import joined
from pipespec.views.terminal_text import printable, rows, seconds_text

if TYPE_CHECKING:
    from pipespec.plan.time_left import Rest

__all__ = [
    "awaited_line",
    "counts",
    "ended_line",
    "failures_text",
    "printable",
    "render_text",
    "rest_text",
    "seconds_text",
    "started_line",
    "store_line",
    "to_json",
    "waiting_text",
]

_EXPLAINED: Final = (StepState.FAILED, StepState.BLOCKED, StepState.CANCELLED)
_WORD: Final = 10
"""Columns of the longest word for how a step ended, plus a space."""
_MOST: Final = 20
"""Maximum number of steps of one state that the summary names."""


def started_line(event: StepStarted) -> str:
    """Say in one line that a step started."""
    again = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return printable(f"start {event.step} (run {event.run_id}{again})")


def ended_line(result: StepResult, *, done: int, total: int, rest: Rest | None = None) -> str:
    """Say in one line how a step ended, as number `done` of `total`, and how long the `rest` takes."""
    took = "" if result.seconds is None else f"  {seconds_text(result.seconds)}"
    why = "" if result.error is None else f": {result.error}"
    left = "" if rest is None else f"  ({rest_text(rest)})"
    word, told = state_word(result.state), f"{result.step}{took}{why}{left}"
    space = " " * (_WORD - len(word))
    return joined("", [f"[{done:>{len(str(total))}}/{total}] ", word, space, printable(told)])


def rest_text(rest: Rest) -> str:
    """Say how long the rest of a run takes: `about 12 s left`, or `at least` if not all is known."""
    whole = max(round(rest.seconds), 1)
    text = f"{whole} s" if whole < 60 else seconds_text(whole)
    return f"{'about' if rest.is_whole else 'at least'} {text} left"


def store_line(away: StoreAway | None) -> str:
    """Say in one line that the store does not answer, since when, and how long results wait; None: that it answers again."""
    if away is None:
        return "the tracking store answers again"
    since = datetime.fromtimestamp(away.at, UTC).strftime("%H:%M:%S UTC")
    return printable(
        f"since {since} the store does not answer ({away.why}); what executes goes on, results wait "
        f"{seconds_text(away.patience)} for it"
    )


def awaited_line(event: StepAwaited) -> str:
    """Say in one line for which run a step waits, since when that run computes the same, and how to continue."""
    since = datetime.fromtimestamp(event.since, UTC).strftime("%H:%M:%S UTC")
    process = "another process" if event.pid is None else f"process {event.pid}"
    where = f" on host {event.host}" if event.host else ""
    told = f"{event.step} waits for run {event.run_id[:8]}, which computes the same since {since} in {process}{where}"
    if event.is_stopped:
        return printable(
            f"{told}; that process is stopped: 'kill -CONT {event.pid}' lets it go on, 'kill -KILL {event.pid}' ends it,"
            " and the step runs here"
        )
    return printable(f"{told}; its result is taken when it ends, and if it is interrupted the step runs here")


def waiting_text(seconds: float, patience: float) -> str:
    """Say how long the store has been unavailable, and how long it is waited for."""
    return (
        f"the store has been away for {seconds_text(seconds)}; results wait {seconds_text(patience)} for it"
    )


def render_text(report: RunReport, *, command: str) -> str:
    """Summarize a run: what went wrong and where its log is, the counts, where the records are, and how to resume.

    `command` is what the user typed. After a run that did not succeed, it resumes the run.
    """
    lines: list[str] = []
    for state in _EXPLAINED:
        lines.extend(_explained([result for result in report.steps if result.state is state]))
    lines.extend(_advice(report))
    if lines:
        lines.append("")
    lines.append(counts(report))
    if report.plan is not None:
        from pipespec.views.plan_view import empty_steps  # noqa: PLC0415 - importing it takes as long as the rest of a run with nothing to do

        if report.plan.facts.results:
            from pipespec.views.outside_view import outside_lines  # noqa: PLC0415 - few read external results

            lines.extend(outside_lines(report.plan))
        lines.extend(empty_steps(report.plan.pipeline))
    lines.extend(_registered(report))
    lines.append(name_of_store(report.store))
    if report.invocation is not None:
        lines.append(f"invocation: MLflow run {printable(report.invocation)}")
    if not report.succeeded:
        lines.append(
            f"resume with: {printable(without_receivers(without_passwords(_resuming(report, command))))}"
        )
    return joined("\n", lines)


def _registered(report: RunReport) -> Iterator[str]:
    """Say which versions of models exist now, and which do not."""
    for each in report.registered:
        if each.problem is not None:
            yield printable(f"not registered: '{each.step}.{each.output}' as '{each.name}': {each.problem}")
        elif each.is_new:
            alias = "" if each.alias is None else f", alias '{each.alias}'"
            yield printable(
                f"registered: '{each.step}.{each.output}' is version {each.version} of '{each.name}'{alias}"
            )


def _resuming(report: RunReport, command: str) -> str:
    """Return a command that may end differently, with what helps against failures that would happen again."""
    remedies = [result.remedy for result in report.steps if result.remedy is not None]
    words = shlex.split(command)
    options = dict.fromkeys(option for remedy in remedies for option in remedy.options)
    more = [word for option in options if not _contains(words, option) for word in option]
    before = dict.fromkeys(remedy.before for remedy in remedies if remedy.before is not None)
    return " && ".join([*before, shlex.join([*words, *more]) if more else command])


def _contains(words: Sequence[str], option: Sequence[str]) -> bool:
    size = len(option)
    return any(tuple(words[at : at + size]) == tuple(option) for at in range(len(words)))


def failures_text(report: RunReport) -> str:
    """Say of each step that failed why, with the frames of the user's code and its log."""
    failed = [result for result in report.steps if result.state is StepState.FAILED]
    return joined("\n", _explained(failed))


def to_json(report: RunReport) -> dict[str, Any]:
    """Return the structure of `schemas/run.schema.json`."""
    return {
        "version": 1,
        "store": report.store.uri,
        "invocation": report.invocation,
        "steps": [
            {
                "step": result.step,
                "state": str(result.state),
                "key": result.key,
                "run_id": result.run_id,
                "seconds": result.seconds,
                "error": result.error,
                **({} if result.advice is None else {"advice": result.advice}),
            }
            for result in report.steps
        ],
        **({"registered": [*map(_registered_json, report.registered)]} if report.registered else {}),
    }


def _registered_json(each: Registered) -> dict[str, Any]:
    told = {"step": each.step, "output": each.output, "name": each.name, "version": each.version}
    return {**told, "alias": each.alias, "new": each.is_new, "problem": each.problem}


def _explained(results: Sequence[StepResult]) -> Iterator[str]:
    """Name the steps of one state; for a failure, with the frames of the user's code and its log."""
    for result in results[:_MOST]:
        yield from rows(
            [((state_word(result.state), printable(result.step)), printable(result.error or ""))], indent=0
        )
        yield from (f"    {printable(line)}" for line in result.traceback.splitlines())
        if result.state is StepState.FAILED and result.log is not None:
            yield f"    log: {printable(result.log)}"
    if len(results) > _MOST:
        yield f"{results[0].state} and {len(results) - _MOST} more"


def _advice(report: RunReport) -> Iterator[str]:
    """Say what steps read although no input names it."""
    told = [result.advice for result in report.steps if result.advice is not None]
    yield from (printable(f"advice: {advice}") for advice in told[:_MOST])
    if len(told) > _MOST:
        yield f"advice: and {len(told) - _MOST} more, of other steps"


def counts(report: RunReport) -> str:
    """Count how the steps of a run ended."""
    count = {state: sum(result.state is state for result in report.steps) for state in StepState}
    told = [state for state in StepState if state is not StepState.CANCELLED or count[state]]
    text = ", ".join(f"{count[state]} {state}" for state in told)
    stopped = "" if report.interrupted_by is None else f", interrupted by signal {report.interrupted_by}"
    return f"{text} in {seconds_text(report.seconds)}{stopped}"

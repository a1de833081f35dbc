"""A run while it goes on, one line an event, and what came of it: text and JSON.

Takes what the engine tells (`StepStarted`, `StepResult`, `RunReport`), gives lines and the shape of
`schemas/run.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pipespec.plan.model import RunReport, StepResult, StepStarted, StepState
from pipespec.plan.remaining import Rest
from pipespec.views.terminal import printable, rows, seconds_text

__all__ = ["ended_line", "printable", "render_text", "rest_text", "seconds_text", "started_line", "to_json"]

_EXPLAINED: Final = (StepState.FAILED, StepState.BLOCKED, StepState.CANCELLED)
_MOST: Final = 20
"""So many steps of one state are named in the summary."""


def started_line(event: StepStarted) -> str:
    """Say in one line that a step began."""
    again = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return printable(f"start {event.step} (run {event.run_id}{again})")


def ended_line(result: StepResult, *, done: int, total: int, rest: Rest | None = None) -> str:
    """Say in one line how a step ended, as number `done` of `total`, and how long the `rest` takes."""
    took = "" if result.seconds is None else f"  {seconds_text(result.seconds)}"
    why = "" if result.error is None else f": {result.error}"
    left = "" if rest is None else f"  ({rest_text(rest)})"
    return printable(f"[{done:>{len(str(total))}}/{total}] {result.state:<9} {result.step}{took}{why}{left}")


def rest_text(rest: Rest) -> str:
    """Say how long the rest of a run takes: `about 12 s left`, or `at least` where not all is known."""
    whole = max(round(rest.seconds), 1)
    text = f"{whole} s" if whole < 60 else seconds_text(whole)
    return f"{'about' if rest.is_whole else 'at least'} {text} left"


def render_text(report: RunReport, *, command: str) -> str:
    """Sum a run up: what went wrong and where its log is, the counts, and how to resume.

    `command` is what the user typed; after a run that did not succeed it is what resumes it.
    """
    lines: list[str] = []
    for state in _EXPLAINED:
        lines.extend(_explained([result for result in report.steps if result.state is state]))
    if lines:
        lines.append("")
    lines.append(_counts(report))
    if report.invocation is not None:
        lines.append(f"invocation: MLflow run {printable(report.invocation)}")
    if not report.succeeded:
        lines.append(f"resume with: {printable(command)}")
    return "\n".join(lines)


def to_json(report: RunReport) -> dict[str, Any]:
    """Return the shape of `schemas/run.schema.json`."""
    return {
        "version": 1,
        "invocation": report.invocation,
        "steps": [
            {
                "step": result.step,
                "state": str(result.state),
                "key": result.key,
                "run_id": result.run_id,
                "seconds": result.seconds,
                "error": result.error,
            }
            for result in report.steps
        ],
    }


def _explained(results: Sequence[StepResult]) -> Iterator[str]:
    """Name the steps of one state; a failure with the frames of the user's code and its log."""
    for result in results[:_MOST]:
        yield from rows(
            [((str(result.state), printable(result.step)), printable(result.error or ""))], indent=0
        )
        yield from (f"    {printable(line)}" for line in result.traceback.splitlines())
        if result.state is StepState.FAILED and result.log is not None:
            yield f"    log: {printable(result.log)}"
    if len(results) > _MOST:
        yield f"{results[0].state} and {len(results) - _MOST} more"


def _counts(report: RunReport) -> str:
    count = {state: sum(result.state is state for result in report.steps) for state in StepState}
    told = [state for state in StepState if state is not StepState.CANCELLED or count[state]]
    text = ", ".join(f"{count[state]} {state}" for state in told)
    stopped = "" if report.interrupted_by is None else f", interrupted by signal {report.interrupted_by}"
    return f"{text} in {seconds_text(report.seconds)}{stopped}"

"""What differs from a past run, and who accepted one: the parts that several views share, as text and as JSON.

Values, code and reasons may come from anywhere, so every line is made printable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.plan.changes import Change, PastRun, place_text
from pipespec.plan.records import Accepted
from pipespec.views.styled_text import Style, joined, styled
from pipespec.views.terminal_text import age_text, printable, rows, seconds_text

__all__ = [
    "accepted_json",
    "accepted_text",
    "change_json",
    "change_lines",
    "change_place",
    "diff_lines",
    "run_json",
    "run_text",
]

_DIFF_MARKS: Final = {"@@ ": Style.PLACE, "+": Style.GOOD, "-": Style.BAD}

_ID: Final = 8
"""Number of characters of a run's id that are shown."""


def change_lines(changes: Sequence[Change]) -> list[str]:
    """Return a table of what differs, each with its place; empty if nothing differs."""
    cells = [((printable(change.detail),), printable(change_place(change))) for change in changes]
    if not cells:
        return []
    return ["what differs:", *rows(cells, most=52)]


def change_place(change: Change) -> str:
    """Return the place that caused a change; empty if it is not known."""
    return change.place or ("" if change.span is None else place_text(change.span))


def diff_lines(changes: Sequence[Change], *, indent: int = 2) -> list[str]:
    """Return the diffs of changed code, with an empty line between two."""
    lines: list[str] = []
    for change in changes:
        if change.diff:
            lines += ["", *(_diff_line(line, indent) for line in change.diff.splitlines())]
    return lines[1:]


def _diff_line(line: str, indent: int) -> str:
    """Show what was added or removed, and where."""
    style = next((style for mark, style in _DIFF_MARKS.items() if line.startswith(mark)), None)
    return joined("", [" " * indent, styled(printable(line).rstrip(), style)]).without_end()


def run_text(run: PastRun, now: float) -> str:
    """Name a past run with its age and duration. `now` is in POSIX seconds."""
    took = seconds_text(run.seconds)
    return f"run {run.run_id[:_ID]} of {printable(run.step)} ({age_text(now - run.ended)}, took {took})"


def accepted_text(said: Accepted, now: float) -> str:
    """Say who accepted a run, when and why: `by ada, 3 min ago: a log line`."""
    when = f", {age_text(now - said.when)}" if said.when else ""
    return printable(f"by {said.who}{when}: {said.why}")


def run_json(run: PastRun) -> dict[str, JSON]:
    """Return a past run in the form of `schemas/explain.schema.json`."""
    return {
        "run_id": run.run_id,
        "step": run.step,
        "key": run.key,
        "generation": run.generation,
        "ended": run.ended,
        "seconds": run.seconds,
    }


def change_json(change: Change) -> dict[str, JSON]:
    """Return a change in the form of `schemas/explain.schema.json`."""
    span = change.span
    return {
        "part": str(change.part),
        "name": change.name,
        "detail": change.detail,
        "old": change.old,
        "new": change.new,
        "file": None if span is None else span.file,
        "line": None if span is None else span.line,
        "layer": None if span is None else span.layer,
        "place": change.place or (None if span is None else place_text(span)),
        "diff": change.diff,
    }


def accepted_json(said: Accepted | None) -> dict[str, JSON]:
    """Return the field `accepted`: who accepted a run, or null. `when` is in POSIX seconds."""
    return {} if said is None else {"accepted": {"who": said.who, "why": said.why, "when": said.when}}

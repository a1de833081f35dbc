"""Acceptances, as planned, recorded or revoked: as text for a terminal of 80 columns, and as JSON.

Takes `Acceptances` or `Revocation`s. Returns text or the structure of `schemas/accept.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipespec.document.nodes import JSON
from pipespec.plan.acceptance import Acceptance, Acceptances, Revocation
from pipespec.plan.changes import Part
from pipespec.views.change_view import (
    accepted_json,
    accepted_text,
    change_json,
    change_lines,
    diff_lines,
    run_json,
    run_text,
)
from pipespec.views.state_words import state_word
from pipespec.views.styled_text import joined
from pipespec.views.terminal_text import WIDTH, printable, rows, wrap

__all__ = ["outcome_text", "render_revoked", "render_text", "revoked_json", "to_json"]


def render_text(found: Acceptances, *, now: float) -> str:
    """Show what is to be accepted, each step with what differs and its diffs. `now` is in POSIX seconds."""
    sections = [section for one in found.accepted for section in _sections(one, now)]
    return joined("\n\n", (joined("\n", lines) for lines in [*sections, *_others(found)] if lines))


def outcome_text(found: Acceptances) -> str:
    """Say in one sentence what was recorded, or that nothing was."""
    steps = printable(", ".join(one.step.id for one in found.accepted))
    if not found.is_recorded:
        return "nothing was recorded"
    return f"accepted: {steps}; undo with --revoke"


def render_revoked(found: Sequence[Revocation], *, now: float) -> str:
    """Say what was revoked, and what this means for each step."""
    lines: list[str] = []
    for one in found:
        then = (
            "it runs again" if one.still is None else f"run {one.still[:8]} has its key, so it stays complete"
        )
        text = f"{one.step}: run {one.run_id[:8]} no longer counts for it; {then}"
        lines += wrap(printable(text), WIDTH.get())
        lines += [
            f"  {line}" for line in wrap(f"it was accepted {accepted_text(one.said, now)}", WIDTH.get() - 2)
        ]
    return "\n".join(lines)


def to_json(found: Acceptances) -> dict[str, Any]:
    """Return the structure of `schemas/accept.schema.json`."""
    return {
        "version": 1,
        "recorded": found.is_recorded,
        "accepted": [
            {
                "step": one.step.id,
                "key": one.key.hex,
                "run": run_json(one.run),
                "changes": [change_json(change) for change in one.changes],
                "check_failures": [reason.detail for reason in one.failures],
                **accepted_json(one.said),
            }
            for one in found.accepted
        ],
        "complete": list(found.complete),
        "left_out": [{"step": step, "why": why} for step, why in found.left_out.items()],
        "revoked": [],
    }


def revoked_json(found: Sequence[Revocation]) -> dict[str, Any]:
    """Return the same structure for what was revoked."""
    revoked: list[dict[str, JSON]] = [
        {
            "step": one.step,
            "key": one.key,
            "run_id": one.run_id,
            "still_complete_by": one.still,
            **accepted_json(one.said),
        }
        for one in found
    ]
    return {
        "version": 1,
        "recorded": True,
        "accepted": [],
        "complete": [],
        "left_out": [],
        "revoked": revoked,
    }


def _sections(one: Acceptance, now: float) -> Iterator[list[str]]:
    yield [
        *wrap(printable(f"{one.step.id}: will be complete because of {run_text(one.run, now)}"), WIDTH.get()),
        *(printable(f"  fails: {reason.detail}") for reason in one.failures),
    ]
    untold = any(change.part is Part.CODE and not change.diff for change in one.changes)
    yield [
        *(change_lines(one.changes) or ["the run did not record enough to show what differs"]),
        *(["  (no earlier text was recorded for code without a diff below)"] if untold else []),
    ]
    yield diff_lines(one.changes)


def _others(found: Acceptances) -> Iterator[list[str]]:
    cells = [((state_word("complete"), printable(step)), "already") for step in found.complete]
    cells += [(("left out", printable(step)), printable(why)) for step, why in found.left_out.items()]
    if cells:
        yield ["other selected steps:", *rows(cells)]

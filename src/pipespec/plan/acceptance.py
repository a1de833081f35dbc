"""Decide which past run may count for a step as it is now: one that differs only in code and packages.

Takes a step's key and past runs with their manifests. Returns an `Acceptance`, or a sentence that says why there is
none. The parts of both keys are compared directly, so that a difference that a comparison might not report is never
accepted. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.changes import Change, Now, Part, PastRun, reason_of
from pipespec.plan.past_comparison import nearest_run
from pipespec.plan.plan import Action, Decision, Plan, Reason
from pipespec.plan.records import Accepted, StepKey, StepRecord
from pipespec.plan.step_key import key_of_parts
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.spec.step_graph import ancestors

__all__ = [
    "Acceptance",
    "Acceptances",
    "Revocation",
    "acceptable_run",
    "differs_in_code_only",
    "why_not_ready",
]

_ID: Final = 8
_CAUSES: Final = 3
"""Maximum number of differences that a refusal names."""


@frozen
class Acceptance:
    """A past run that is to count for a step as it is now. `changes` are only changes of code and packages.

    `said` is what was recorded, or None if nothing is recorded yet. `failures` are the bounds that the run's metrics
    miss.
    """

    step: StepSpec
    key: StepKey
    run: PastRun
    record: StepRecord
    changes: tuple[Change, ...]
    failures: tuple[Reason, ...] = ()
    said: Accepted | None = None


@frozen
class Acceptances:
    """What one call accepts, each step after the steps that it needs.

    `complete` are the requested steps that were already complete. `left_out` are steps that a glob or a tag selected
    but that cannot be accepted, each with the reason.
    """

    accepted: tuple[Acceptance, ...]
    complete: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_recorded(self) -> bool:
        """True if it is recorded in the store."""
        return any(one.said is not None for one in self.accepted)


@frozen
class Revocation:
    """A run that no longer counts for the key of a step. `still` is the run that makes the step complete nevertheless."""

    step: str
    key: str
    run_id: str
    said: Accepted
    still: str | None = None


def acceptable_run(now: Now, past: Sequence[PastRun]) -> tuple[PastRun, tuple[Change, ...]] | str:
    """Return the nearest of the past runs that may count, and what differs; or why none may count.

    Nearest means the same as in `explain`. Of runs that are equally near, the newest is returned.
    """
    alike = [run for run in past if differs_in_code_only(now.parts, run.parts)]
    nearest, changes = nearest_run(now, alike)
    if nearest is not None:
        return nearest, changes
    nearest, changes = nearest_run(now, past)
    if nearest is None:
        return "there is no finished run to compare it with; run it"
    told = [reason_of(one).detail for one in changes if one.part not in (Part.CODE, Part.PACKAGE)]
    more = f", and {len(told) - _CAUSES} more" if len(told) > _CAUSES else ""
    others = "; ".join(told[:_CAUSES]) or "an unknown part"
    return (
        f"it differs from its nearest run {nearest.run_id[:_ID]} in more than code and packages: {others}{more};"
        " run it, or undo that change first"
    )


def differs_in_code_only(one: Mapping[str, JSON], other: Mapping[str, JSON]) -> bool:
    """Return whether two keys are equal in all parts except digests of code and versions of packages."""
    return (
        bool(one)
        and bool(other)
        and key_of_parts(_without_code(one)).hex == key_of_parts(_without_code(other)).hex
    )


def why_not_ready(plan: Plan, decision: Decision) -> str:
    """Say why a step's key is not known, so that nothing can be accepted for it."""
    if decision.step.identity.never:
        return "its identity is 'none', so it runs every time"
    above = ancestors(plan.pipeline.upstream, (decision.step.id,))
    first = [
        one
        for one, other in plan.decisions.items()
        if one in above and other.action is Action.RUN and other.key is not None
    ]
    first = first or [one for one in above if plan.decisions[one].action is not Action.REUSE]
    named = " and ".join(f"'{one}'" for one in first[:2]) + (" and others" if len(first) > 2 else "")
    return f"it waits for {named}, whose result is not known; accept {named} first or in the same call, or run it"


def _without_code(parts: Mapping[str, JSON]) -> dict[str, JSON]:
    kept = {kind: value for kind, value in parts.items() if kind not in ("code", "packages")}
    inputs, outputs = kept.get("inputs"), kept.get("outputs")
    if isinstance(inputs, dict):
        kept["inputs"] = {
            argument: {**one, "load": _way(one["load"])} if isinstance(one, dict) and "load" in one else one
            for argument, one in inputs.items()
        }
    if isinstance(outputs, list):
        kept["outputs"] = [
            [*row[:2], _way(row[2]), *row[3:]] if isinstance(row, list) else row for row in outputs
        ]
    return kept


def _way(way: JSON) -> JSON:
    """A loader or saver without its code. Options are returned unchanged."""
    return way[:2] if isinstance(way, list) and way[:1] == ["call"] else way

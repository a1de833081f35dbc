"""Compare a plan with past runs: for each step that is not reused, which run is nearest, what differs, and what that means.

Takes a plan and what the store contains about past runs of its steps. Returns the plan with its causes. `plan`,
`explain`, `status`, `diff`, the report and pictures all use this module, so that they cannot disagree. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.changes import Change, Now, Part, PastRun, changes_of_witness, changes_since, reason_of
from pipespec.plan.plan import Action, Decision, Plan, Reason, ReasonKind
from pipespec.plan.planner import NEVER_RAN, input_content, unknown_inputs
from pipespec.plan.records import DeletedRun
from pipespec.plan.step_key import step_key
from pipespec.spec.pipeline_spec import StepInput

__all__ = ["Comparison", "PlanPast", "StepPast", "compare", "is_open", "nearest_run", "now_of", "with_causes"]

_CAUSES: Final = 20
"""Maximum number of changes of one step that a plan gives as reasons."""


@frozen
class StepPast:
    """The past runs of one step.

    `compared` are complete runs that may match it, one for each key, the newest of its variant first. `count` is the
    total number. `is_whole` is true if `compared` contains all runs that could have its key. `renamed` are runs of
    steps with other names, which are considered if it has no runs of its own.
    """

    compared: Sequence[PastRun] = ()
    count: int = 0
    is_whole: bool = False
    renamed: Sequence[PastRun] = ()


@frozen
class PlanPast:
    """What the store contains about past runs of a plan's steps: by step id, by key, and by run id."""

    steps: Mapping[str, StepPast] = field(default_factory=dict)
    deleted_keys: Mapping[str, DeletedRun] = field(default_factory=dict)
    """Runs that had these keys."""
    deleted_runs: Mapping[str, DeletedRun] = field(default_factory=dict)
    """Runs that past runs read."""


@frozen
class Comparison:
    """A step as it is now, its nearest past run, and what differs; no run if there is none to compare."""

    now: Now
    nearest: PastRun | None
    changes: tuple[Change, ...]


def with_causes(plan: Plan, past: PlanPast) -> Plan:
    """Return the plan with the reasons of each step that is not reused. A step whose key differs in any case is set to run."""
    decisions: dict[str, Decision] = {}
    judged = replace(plan, decisions=decisions)
    for step_id, decision in plan.decisions.items():
        decisions[step_id] = decision
        if decision.action is not Action.REUSE:
            told = _with_inputs(decision, decisions)
            decisions[step_id] = _judged(told, compare(judged, told, past), past)
    return judged


def compare(plan: Plan, decision: Decision, past: PlanPast) -> Comparison:
    """Compare a step with its nearest past run.

    If a run has its key but does not count, that is the nearest one. If the run with its key was deleted, or the step
    has no identity, there is none.
    """
    now = now_of(plan, decision, past.deleted_runs)
    known = past.steps.get(decision.step.id, StepPast())
    if decision.broken is not None:
        run_id = decision.broken.run_id
        nearest = next((run for run in known.compared if run.run_id == run_id), None)
        return Comparison(now, nearest, tuple(changes_of_witness(decision.broken, nearest)))
    if _deleted(decision, past) is not None or decision.step.identity.never:
        return Comparison(now, None, ())
    nearest, changes = nearest_run(now, known.compared)
    if nearest is None and not known.count:
        nearest, changes = nearest_run(now, known.renamed)
        if [change.part for change in changes] != [Part.NAME]:
            nearest, changes = None, ()
    return Comparison(now, nearest, changes)


def nearest_run(now: Now, past: Sequence[PastRun]) -> tuple[PastRun | None, tuple[Change, ...]]:
    """Return the run that differs in the fewest parts, and its differences.

    Of runs that differ in the same number of parts, one of the same variant is nearer, then the one with fewer changes,
    then the newest.
    """
    compared = [(run, changes_since(now, run)) for run in past if run.parts]

    def distance(one: tuple[PastRun, tuple[Change, ...]]) -> tuple[int, bool, int]:
        run, changes = one
        return len({change.part for change in changes}), run.step != now.step.id, len(changes)

    return min(compared, key=distance, default=(None, ()))


def now_of(plan: Plan, decision: Decision, deleted: Mapping[str, DeletedRun] | None = None) -> Now:
    """Return what is known of a step's key: all of it, or the part that does not depend on content that is not known yet."""
    step = decision.step
    records = {
        step_id: plan.decisions[step_id].record
        for spec in step.inputs.values()
        if isinstance(spec.source, StepInput)
        for step_id in spec.source.producers
    }
    known = {step_id: record for step_id, record in records.items() if record is not None}
    unknown = frozenset(
        argument
        for argument, spec in step.inputs.items()
        if isinstance(spec.source, StepInput) and any(one not in known for one in spec.source.producers)
    )
    key = decision.key
    if key is None and not step.identity.never:
        variants = {step_id: plan.pipeline.steps[step_id].variant for step_id in known}
        contents: dict[str, JSON] = {
            argument: None
            if argument in unknown
            else input_content(spec.source, plan.facts, known, lambda step_id: variants[step_id])
            for argument, spec in step.inputs.items()
        }
        key = step_key(step, plan.facts, contents)
    return Now(
        pipeline=plan.pipeline,
        step=step,
        facts=plan.facts,
        parts={} if key is None else key.parts,
        unknown=unknown if decision.key is None else frozenset(),
        open_params=frozenset(step.axis_arguments) | frozenset(axis.name for axis in step.deferred),
        records=known,
        deleted=deleted or {},
    )


def is_open(decision: Decision) -> bool:
    """Return whether the planner left the reason open: it only knows which keys are complete, and which names ever existed."""
    return decision.action is not Action.REUSE and decision.reasons[0].kind in _OPEN


def _with_inputs(decision: Decision, decided: Mapping[str, Decision]) -> Decision:
    """Update what the step waits for: a step above it may now be known to run."""
    if not any(reason.kind is ReasonKind.UPSTREAM for reason in decision.reasons):
        return decision
    rest = [reason for reason in decision.reasons if reason.kind is not ReasonKind.UPSTREAM]
    first = [reason for reason in rest if reason.kind is not ReasonKind.BLOCKED]
    waits = unknown_inputs(decision.step, decided)
    return replace(decision, reasons=(*first, *waits, *(each for each in rest if each not in first)))


def _judged(decision: Decision, found: Comparison, past: PlanPast) -> Decision:
    """Replace what the planner could say without past runs by what they show."""
    known = past.steps.get(decision.step.id)
    if known is None or not is_open(decision):
        return decision
    causes: tuple[Reason, ...] = tuple(reason_of(change) for change in found.changes[:_CAUSES])
    deleted = _deleted(decision, past)
    if deleted is not None:
        causes = (Reason(ReasonKind.DELETED, deleted.detail, decision.step.span),)
    elif not causes and not known.count:
        causes = (Reason(ReasonKind.NEVER_RAN, NEVER_RAN, decision.step.span),)
    if not causes:
        return decision
    others = tuple(reason for reason in decision.reasons if reason.kind not in _ABOUT_ITSELF)
    if decision.same_as is not None:
        return replace(decision, reasons=(others[0], *causes, *others[1:]))
    if decision.action is Action.WAIT and known.count and not known.is_whole:
        return decision
    return replace(decision, action=Action.RUN, reasons=(*causes, *others))


def _deleted(decision: Decision, past: PlanPast) -> DeletedRun | None:
    return None if decision.key is None else past.deleted_keys.get(decision.key.hex)


_ABOUT_ITSELF: Final = (ReasonKind.CHANGED, ReasonKind.NEVER_RAN)
_OPEN: Final = (*_ABOUT_ITSELF, ReasonKind.UPSTREAM, ReasonKind.SAME_KEY)

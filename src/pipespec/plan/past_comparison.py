"""A plan and the past, compared: of each step that is not reused, which run is nearest, what differs, what that means.

Takes a plan and what the store says of the past of its steps; gives the plan with its causes. `plan`, `explain`, `status`,
`diff`, the report and pictures all ask here, so that they cannot disagree. Pure.
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
"""So many changes of one step are given as reasons in a plan."""


@frozen
class StepPast:
    """The past of one step.

    `compared` are complete runs that may have been it, one of each key, the newest of its variant first; `count` is how
    many there are in all. `is_whole` where `compared` are all that could have its key. `renamed` are runs of steps of other
    names, to be looked at where it has none of its own.
    """

    compared: Sequence[PastRun] = ()
    count: int = 0
    is_whole: bool = False
    renamed: Sequence[PastRun] = ()


@frozen
class PlanPast:
    """What the store says of the past of a plan's steps: by step id, by key, and by run id."""

    steps: Mapping[str, StepPast] = field(default_factory=dict)
    deleted_keys: Mapping[str, DeletedRun] = field(default_factory=dict)
    """Runs that had these keys."""
    deleted_runs: Mapping[str, DeletedRun] = field(default_factory=dict)
    """Runs that past runs read."""


@frozen
class Comparison:
    """A step as it is now, its nearest past run, and what differs from it; no run where it has none to compare."""

    now: Now
    nearest: PastRun | None
    changes: tuple[Change, ...]


def with_causes(plan: Plan, past: PlanPast) -> Plan:
    """Say of each step that is not reused why, and let it run where its key differs whatever the steps above make."""
    decisions: dict[str, Decision] = {}
    judged = replace(plan, decisions=decisions)
    for step_id, decision in plan.decisions.items():
        decisions[step_id] = decision
        if decision.action is not Action.REUSE:
            told = _with_inputs(decision, decisions)
            decisions[step_id] = _judged(told, compare(judged, told, past), past)
    return judged


def compare(plan: Plan, decision: Decision, past: PlanPast) -> Comparison:
    """Compare a step with its nearest past run, which is the one with its key where that does not count; of one whose run was deleted, with none."""
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
    """Return the run that differs in the fewest parts, and how it does.

    Of runs that differ in as many parts one of the same variant is nearer, then the one with fewer changes, then
    the newest.
    """
    compared = [(run, changes_since(now, run)) for run in past if run.parts]

    def distance(one: tuple[PastRun, tuple[Change, ...]]) -> tuple[int, bool, int]:
        run, changes = one
        return len({change.part for change in changes}), run.step != now.step.id, len(changes)

    return min(compared, key=distance, default=(None, ()))


def now_of(plan: Plan, decision: Decision, deleted: Mapping[str, DeletedRun] | None = None) -> Now:
    """Return what is known of a step's key: all of it, or what does not wait for content to come."""
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
    """Say whether the planner left open why: it knows only which keys are complete, and which names ever were."""
    return decision.action is not Action.REUSE and decision.reasons[0].kind in _OPEN


def _with_inputs(decision: Decision, decided: Mapping[str, Decision]) -> Decision:
    """Say anew what the step waits for: a step above it may be known to run by now."""
    if not any(reason.kind is ReasonKind.UPSTREAM for reason in decision.reasons):
        return decision
    rest = [reason for reason in decision.reasons if reason.kind is not ReasonKind.UPSTREAM]
    first = [reason for reason in rest if reason.kind is not ReasonKind.BLOCKED]
    waits = unknown_inputs(decision.step, decided)
    return replace(decision, reasons=(*first, *waits, *(each for each in rest if each not in first)))


def _judged(decision: Decision, found: Comparison, past: PlanPast) -> Decision:
    """Put what the past says in place of what the planner could say without it."""
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

"""Why a step would run, or which run it reuses: what differs from the nearest past run, and what is above it.

Takes a plan and past runs with their manifests, gives an `Explanation`. Which runs are read, and how many, is
the caller's business. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.plan.changes import Change, Now, PastRun, changes_since, reason_of
from pipespec.plan.identity import step_key
from pipespec.plan.model import Action, CodeFacts, Decision, Plan, Reason, ReasonKind
from pipespec.plan.planner import input_content
from pipespec.spec.evidence import callables_of
from pipespec.spec.graph import ancestors
from pipespec.spec.model import StepInput

__all__ = ["Explanation", "Upstream", "explain", "nearest_run", "now_of", "with_causes"]

_CAUSES: Final = 20
"""So many changes of one step are given as reasons in a plan."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A step above one that is explained, which is not reused; `argument` is the input that reads it directly."""

    step: str
    action: Action
    reasons: tuple[Reason, ...]
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one step is decided as it is.

    `parts` is what is known of its key. `nearest` is the past run that differs least, in `changes`; of a step that is
    reused it is the run that counts, and `passed_over` are the other runs with its key. `may_stop` is true where
    nothing but content to come could make the step run. `code` is what counts of all that it calls,
    places of it are told from `root`.
    """

    decision: Decision
    parts: Mapping[str, JSON]
    nearest: PastRun | None
    changes: tuple[Change, ...]
    upstream: tuple[Upstream, ...]
    may_stop: bool
    code: Mapping[str, CodeFacts]
    root: Path
    passed_over: tuple[PastRun, ...] = ()


def explain(plan: Plan, step_id: str, past: Sequence[PastRun]) -> Explanation:
    """Explain one step of a plan; `past` are complete runs that may have been it, the newest first."""
    decision = plan.decisions[step_id]
    now = now_of(plan, decision)
    record = decision.record
    if record is not None:
        nearest = next((run for run in past if run.run_id == record.run_id), None)
        changes = () if nearest is None else changes_since(now, nearest)
    else:
        nearest, changes = nearest_run(now, past)
    hex_ = None if decision.key is None else decision.key.hex
    return Explanation(
        decision=decision,
        parts=now.parts,
        nearest=nearest,
        changes=changes,
        upstream=tuple(_upstream(plan, decision)),
        may_stop=decision.action is Action.WAIT and decision.same_as is None and not changes,
        code={call: known for call, known in plan.facts.code.items() if call in _called(decision)},
        root=plan.pipeline.root,
        passed_over=tuple(
            run
            for run in past
            if record is not None
            and run.run_id != record.run_id
            and (run.key == hex_ or hex_ in run.accepted)
        ),
    )


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


def with_causes(plan: Plan, past: Mapping[str, Sequence[PastRun]]) -> Plan:
    """Replace the reason `changed` of steps by what changed; `past` has by step id the runs to compare with."""
    decisions = dict(plan.decisions)
    for step_id, runs in past.items():
        decision = decisions[step_id]
        changes = nearest_run(now_of(plan, decision), runs)[1]
        causes = tuple(reason_of(change) for change in changes[:_CAUSES])
        if causes:
            reasons = [
                each
                for reason in decision.reasons
                for each in (causes if reason.kind is ReasonKind.CHANGED else (reason,))
            ]
            decisions[step_id] = replace(decision, reasons=tuple(reasons))
    return replace(plan, decisions=decisions)


def now_of(plan: Plan, decision: Decision) -> Now:
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
        open_params=frozenset(step.axis_arguments) | frozenset(step.deferred),
        records=known,
    )


def _upstream(plan: Plan, decision: Decision) -> Iterator[Upstream]:
    """Yield the steps above that are not reused: those read directly first, then those that start it all."""
    step = decision.step
    direct: dict[str, str] = {}
    for argument, spec in step.inputs.items():
        if isinstance(spec.source, StepInput):
            for producer in spec.source.producers:
                direct.setdefault(producer, argument)
    for axis, source in step.deferred.items():
        for producer in source.producers:
            direct.setdefault(producer, axis)
    above = ancestors(plan.pipeline.upstream, (step.id,))
    for step_id, other in plan.decisions.items():
        is_cause = other.action is Action.RUN and step_id in above
        if other.action is not Action.REUSE and (step_id in direct or is_cause) and step_id != step.id:
            yield Upstream(step_id, other.action, other.reasons, direct.get(step_id))


def _called(decision: Decision) -> frozenset[str]:
    return frozenset(str(ref) for ref in callables_of(decision.step))

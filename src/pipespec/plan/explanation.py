"""Explain why a step would run, or which run it reuses: how it differs from the nearest past run, and which upstream steps run.

Takes a plan and past runs with their manifests. Returns an `Explanation`. The caller decides which runs are read, and
how many. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pipespec.display import Displayed
from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.changes import Change, PastRun, changes_since
from pipespec.plan.past_comparison import PlanPast, StepPast, compare
from pipespec.plan.plan import Action, Decision, Plan, Reason
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.spec.pipeline_spec import StepInput
from pipespec.spec.step_graph import ancestors

__all__ = ["Explanation", "Upstream", "explain"]


@frozen
class Upstream:
    """A step upstream of the explained one that is not reused. `argument` is the input that reads it directly."""

    step: str
    action: Action
    reasons: tuple[Reason, ...]
    argument: str | None = None


@frozen
class Explanation(Displayed):
    """Why one step is decided as it is.

    `parts` is what is known of its key. `nearest` is the past run that differs least, and `changes` are the
    differences; for a reused step, it is the run that counts; if a run with its key used something that has changed, it
    is that run. `passed_over` are the other runs with its key. `may_stop` is true if only content that is not known yet
    could make the step run. `code` is what counts of all callables of the step; its places are relative to `root`.
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


def explain(plan: Plan, step_id: str, past: PlanPast) -> Explanation:
    """Explain one step of a plan that already has its causes, with the same past runs."""
    decision = plan.decisions[step_id]
    found = compare(plan, decision, past)
    nearest, changes = found.nearest, found.changes
    runs = past.steps.get(step_id, StepPast()).compared
    record = decision.record
    if record is not None:
        nearest = next((run for run in runs if run.run_id == record.run_id), None)
        changes = () if nearest is None else changes_since(found.now, nearest)
    hex_ = None if decision.key is None else decision.key.hex
    return Explanation(
        decision=decision,
        parts=found.now.parts,
        nearest=nearest,
        changes=changes,
        upstream=tuple(_upstream(plan, decision)),
        may_stop=decision.action is Action.WAIT and decision.same_as is None and not changes,
        code={call: known for call, known in plan.facts.code.items() if call in _called(decision)},
        root=plan.pipeline.root,
        passed_over=tuple(
            run
            for run in runs
            if record is not None
            and run.run_id != record.run_id
            and (run.key == hex_ or hex_ in run.accepted)
        ),
    )


def _upstream(plan: Plan, decision: Decision) -> Iterator[Upstream]:
    """Yield the upstream steps that are not reused: first those that are read directly, then those that cause it all."""
    step = decision.step
    direct: dict[str, str] = {}
    for argument, spec in step.inputs.items():
        if isinstance(spec.source, StepInput):
            for producer in spec.source.producers:
                direct.setdefault(producer, argument)
    for axis in step.deferred:
        for producer in axis.source.producers:
            direct.setdefault(producer, axis.name)
    above = ancestors(plan.pipeline.upstream, (step.id,))
    for step_id, other in plan.decisions.items():
        is_cause = other.action is Action.RUN and step_id in above
        if other.action is not Action.REUSE and (step_id in direct or is_cause) and step_id != step.id:
            yield Upstream(step_id, other.action, other.reasons, direct.get(step_id))


def _called(decision: Decision) -> frozenset[str]:
    return frozenset(str(ref) for ref in decision.step.counted)

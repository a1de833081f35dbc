"""Past runs for explanations: which runs of the store are compared with a plan, and how many manifests are read.

Takes a plan and a ledger; gives the plan with what changed as its reasons, or the explanation of one step. A
manifest that is gone or altered compares with nothing, and fails nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.plan.changes import PastRun
from pipespec.plan.explain import Explanation, explain, with_causes
from pipespec.plan.model import Action, Decision, Plan, ReasonKind
from pipespec.spec.model import StepSpec
from pipespec.tracking import names
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.records import RunFacts, complete_record

__all__ = [
    "Manifests",
    "explain_step",
    "nearest_first",
    "nearest_runs",
    "past_runs",
    "with_history",
    "with_past_seconds",
]

_LOOKED_AT: Final = 100
"""So many of the newest runs of a step are looked at, without their manifests."""
_COMPARED: Final = 20
"""So many manifests are read to explain one step."""
_TIMED: Final = 200
"""Of so many steps of a plan the past's seconds are asked for: a server answers them one by one."""
_PER_PLAN: Final = 24
"""So many steps of a plan are told what changed, with one manifest read for each."""
_RENAMED: Final = 200
"""So many of a pipeline's newest runs are searched for one under another name."""


def with_history(plan: Plan, ledger: Ledger) -> Plan:
    """Return the plan with what changed since the nearest run of each step, and with how long steps took before.

    Asks nothing where all is reused or nothing ever finished; else for the seconds of the past of at most 200 steps,
    and for at most 24 manifests.

    Raises:
        StoreUnavailableError: where the store cannot be asked.
    """
    if not _waiting(plan):
        return plan
    past = nearest_runs(plan, ledger, past_runs(ledger, plan.pipeline.name))
    return with_past_seconds(with_causes(plan, past), ledger)


def with_past_seconds(plan: Plan, ledger: Ledger) -> Plan:
    """Return the plan with how long the steps that are not reused took before, at most 200 of them.

    Raises:
        StoreUnavailableError: where the store cannot be asked.
    """
    waiting = _waiting(plan)
    return replace(plan, history=ledger.history(waiting[:_TIMED])) if waiting else plan


def past_runs(ledger: Ledger, pipeline: str) -> Callable[[StepSpec], tuple[RunFacts, ...]]:
    """Return what gives the complete runs that a step may be compared with, the newest first.

    They bear its name and are of its pipeline, or of another one's step that calls the same function: names such as
    `train` are common, and what another function made under one tells nothing. Each name is asked for once.
    """
    named = cache(lambda name: ledger.finished_runs(name, _LOOKED_AT))

    def of(step: StepSpec) -> tuple[RunFacts, ...]:
        return tuple(
            run
            for run in named(step.name)
            if run.tags.get(names.PIPELINE) == pipeline or run.tags.get(names.CALL) == str(step.call)
        )

    return of


def nearest_runs(
    plan: Plan,
    ledger: Ledger,
    runs_of: Callable[[StepSpec], Sequence[RunFacts]],
    *,
    without: Collection[str] = (),
) -> dict[str, list[PastRun]]:
    """Return, of at most 24 steps that changed, the run to compare with, by step id; never one of `without`.

    `runs_of` is as `past_runs` gives it.

    Raises:
        StoreUnavailableError: where the store cannot be asked.
    """
    changed = [each.step for each in plan.decisions.values() if _has_changed(each)]
    manifests = Manifests(ledger)
    past: dict[str, list[PastRun]] = {}
    for step in changed[:_PER_PLAN]:
        runs = [run for run in runs_of(step) if run.run_id not in without]
        past[step.id] = manifests.of(nearest_first(runs, step.id)[:1])
    return past


def explain_step(plan: Plan, step_id: str, ledger: Ledger) -> Explanation:
    """Explain one step of a plan by its past runs; where it has none, by one that bore another name.

    Raises:
        StoreUnavailableError: where the store cannot be asked.
    """
    decision = plan.decisions[step_id]
    found = nearest_first(past_runs(ledger, plan.pipeline.name)(decision.step), step_id)
    record = decision.record
    if record is not None:
        own = [run for run in found if run.run_id == record.run_id] or _present(ledger.run(record.run_id))
        found = [*own, *(run for run in found if run.run_id != record.run_id)]
    past = Manifests(ledger).of(found[:_COMPARED])
    explanation = explain(plan, step_id, past)
    if record is None and explanation.changes and explanation.nearest is not None:
        return explanation
    if record is None and not past:
        renamed = Manifests(ledger).of(_under_other_names(plan, decision, ledger))
        explanation = explain(plan, step_id, renamed)
        if len(explanation.changes) > 1:
            return explain(plan, step_id, ())
    return explanation


def _waiting(plan: Plan) -> list[str]:
    """Return the declared names of the steps that are not reused and have finished before."""
    names_of = (
        each.step.name
        for each in plan.decisions.values()
        if each.action is not Action.REUSE and each.reasons[0].kind is not ReasonKind.NEVER_RAN
    )
    return list(dict.fromkeys(names_of))


def _has_changed(decision: Decision) -> bool:
    return decision.action is Action.RUN and any(
        reason.kind is ReasonKind.CHANGED for reason in decision.reasons
    )


def nearest_first(runs: Sequence[RunFacts], step_id: str) -> list[RunFacts]:
    """Put the runs of the same variant first; the newest of each kind first."""
    return sorted(runs, key=lambda run: run.tags.get(names.STEP) != step_id)


def _under_other_names(plan: Plan, decision: Decision, ledger: Ledger) -> list[RunFacts]:
    """Return the newest runs of steps that are not in the pipeline any more and called the same function."""
    present = {step.name for step in plan.pipeline.steps.values()}
    found = [
        run
        for run in ledger.finished_in(plan.pipeline.name, _RENAMED)
        if run.tags.get(names.CALL) == str(decision.step.call)
        and names.declared(run.tags.get(names.STEP, "")) not in present
    ]
    return found[:_COMPARED]


def _present(run: RunFacts | None) -> list[RunFacts]:
    return [] if run is None else [run]


class Manifests:
    """Reads manifests, each once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._read: dict[str, dict[str, JSON]] = {}

    def of(self, runs: Iterable[RunFacts]) -> list[PastRun]:
        """Return runs with their manifests; an empty one where it cannot be used."""
        return [past for run in runs if (past := self._past(run)) is not None]

    def _past(self, run: RunFacts) -> PastRun | None:
        record = complete_record(run)
        if record is None:
            return None
        if run.run_id not in self._read:
            try:
                self._read[run.run_id] = self._ledger.manifest(record)
            except StoreUnavailableError:
                raise
            except PipespecError:
                self._read[run.run_id] = {}
        return PastRun(
            run_id=record.run_id,
            step=record.step,
            key=record.key,
            generation=record.generation,
            started=record.started,
            ended=record.ended,
            manifest=self._read[run.run_id],
            accepted=frozenset(
                tag.removeprefix(names.ACCEPTED) for tag in run.tags if tag.startswith(names.ACCEPTED)
            ),
        )

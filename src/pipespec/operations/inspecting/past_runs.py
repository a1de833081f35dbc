"""The past runs of a plan: which runs of the store are compared with it, and how many manifests are read.

Takes a plan and a ledger. Returns a `PlanPast`, the plan with its causes, or the explanation of one step. A manifest
that is missing or altered is not compared, and causes no error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Final

from pipespec.activity import busy
from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.plan.changes import Part, PastRun
from pipespec.plan.explanation import Explanation, explain
from pipespec.plan.past_comparison import PlanPast, StepPast, compare, is_open, with_causes
from pipespec.plan.plan import Action, Decision, Plan, ReasonKind
from pipespec.plan.records import DeletedRun
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.tracking import record_names
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts, complete_record

__all__ = [
    "Manifests",
    "explain_step",
    "nearest_first",
    "past_of",
    "past_runs",
    "with_history",
    "with_known_causes",
    "with_past_seconds",
]

_LOOKED_AT: Final = 100
"""Number of the newest runs of a step that are examined, without their manifests."""
_COMPARED: Final = 12
"""Number of manifests, each of another key, that are read to compare one step."""
_TIMED: Final = 200
"""Number of steps of a plan whose past durations are read: a server answers these requests one by one."""
_PER_PLAN: Final = 24
"""Number of steps of a plan that are compared with past runs."""
_RENAMED: Final = 200
"""Number of a pipeline's newest runs in which a run with another name is searched."""


def with_history(plan: Plan, ledger: Ledger) -> Plan:
    """Return the plan with what changed since the nearest run of each step, and with how long steps took before.

    If everything is reused, nothing is read. Otherwise, reads the durations of at most 200 steps, and the past runs of
    at most 24.

    Raises:
        StoreUnavailableError: if the store cannot be read.
    """
    with busy("looking at past runs"):
        return with_past_seconds(with_known_causes(plan, ledger), ledger)


def with_known_causes(plan: Plan, ledger: Ledger) -> Plan:
    """Return the plan with what changed since the nearest run of each step.

    Raises:
        StoreUnavailableError: if the store cannot be read.
    """
    return with_causes(plan, past_of(plan, ledger)) if _open(plan) else plan


def with_past_seconds(plan: Plan, ledger: Ledger) -> Plan:
    """Return the plan with how long the steps that are not reused took before, for at most 200 of them.

    Raises:
        StoreUnavailableError: if the store cannot be read.
    """
    waiting = [
        each.step.name
        for each in plan.decisions.values()
        if each.action is not Action.REUSE and each.reasons[0].kind is not ReasonKind.NEVER_RAN
    ]
    names = list(dict.fromkeys(waiting))
    return replace(plan, history=ledger.history(names[:_TIMED])) if names else plan


def explain_step(plan: Plan, step_id: str, ledger: Ledger) -> Explanation:
    """Explain one step of a plan, as returned by `with_history`, by its past runs.

    Raises:
        StoreUnavailableError: if the store cannot be read.
    """
    past = past_of(plan, ledger, also=step_id)
    return explain(with_causes(plan, past), step_id, past)


def past_runs(ledger: Ledger, pipeline: str) -> Callable[[StepSpec], tuple[RunFacts, ...]]:
    """Return a function for the complete runs with which a step may be compared, the newest first.

    They have its name and belong to its pipeline, or to a step of another pipeline that calls the same function: names
    such as `train` are common, and a run of another function with the same name is not relevant. Each name is queried
    once.
    """
    named = cache(lambda name: ledger.finished_runs(name, _LOOKED_AT))

    def of(step: StepSpec) -> tuple[RunFacts, ...]:
        return tuple(
            run
            for run in named(step.name)
            if run.tags.get(record_names.PIPELINE) == pipeline
            or run.tags.get(record_names.CALL) == str(step.call)
        )

    return of


def past_of(
    plan: Plan,
    ledger: Ledger,
    runs_of: Callable[[StepSpec], Sequence[RunFacts]] | None = None,
    *,
    without: Collection[str] = (),
    also: str | None = None,
) -> PlanPast:
    """Return the past runs of at most 24 steps that are not reused, and of `also`, excluding runs in `without`.

    `runs_of` is the function that `past_runs` returns.

    Raises:
        StoreUnavailableError: if the store cannot be read.
    """
    reading = _PastReading(plan, ledger, runs_of or past_runs(ledger, plan.pipeline.name), without)
    chosen = [each for each in _open(plan) if each.step.id != also][:_PER_PLAN]
    if also is not None:
        chosen.append(plan.decisions[also])
    steps = {each.step.id: reading.of(each) for each in chosen}
    keys = [each.key.hex for each in chosen if each.key is not None and each.action is not Action.REUSE]
    past = PlanPast(steps, ledger.deleted(keys) if keys else {})
    read = [run_id for each in chosen for run_id in _read_by_nearest(plan, each, past)]
    return replace(past, deleted_runs=_deleted(ledger, read[:_PER_PLAN]))


@dataclass(frozen=True)
class _PastReading:
    """Reads the past runs of one step after the other."""

    plan: Plan
    ledger: Ledger
    runs_of: Callable[[StepSpec], Sequence[RunFacts]]
    without: Collection[str]

    @cached_property
    def manifests(self) -> Manifests:
        return Manifests(self.ledger)

    def of(self, decision: Decision) -> StepPast:
        found: list[RunFacts] = []
        if not _never_ran(decision):
            found = [run for run in self.runs_of(decision.step) if run.run_id not in self.without]
        if decision.action is Action.REUSE:
            return self._of_reused(decision, nearest_first(found, decision.step.id))
        if not found:
            return StepPast(renamed=self.manifests.of(self._under_other_names(decision)))
        keys: dict[str, RunFacts] = {}
        broken = None if decision.broken is None else decision.broken.run_id
        for run in sorted(nearest_first(found, decision.step.id), key=lambda run: run.run_id != broken):
            keys.setdefault(run.tags.get(record_names.KEY, run.run_id), run)
        compared = self.manifests.of([*keys.values()][:_COMPARED])
        return StepPast(
            compared,
            len(found),
            # A run without its manifest, or one that also counts for other keys, may have any key.
            is_whole=len(keys) <= _COMPARED
            and len(found) < _LOOKED_AT
            and all(run.parts and not run.accepted for run in compared),
        )

    def _of_reused(self, decision: Decision, found: Sequence[RunFacts]) -> StepPast:
        record = decision.record
        assert record is not None
        own = [run for run in found if run.run_id == record.run_id]
        if not own:
            own = [run for run in (self.ledger.run(record.run_id),) if run is not None]
        others = [run for run in found if run.run_id != record.run_id]
        return StepPast(self.manifests.of([*own, *others][:_COMPARED]), len(found))

    def _under_other_names(self, decision: Decision) -> list[RunFacts]:
        """Return the newest runs of steps that are not in the pipeline any more and called the same function."""
        present = {step.name for step in self.plan.pipeline.steps.values()}
        found = [
            run
            for run in self._in_pipeline
            if run.tags.get(record_names.CALL) == str(decision.step.call)
            and record_names.declared(run.tags.get(record_names.STEP, "")) not in present
        ]
        return found[:_COMPARED]

    @cached_property
    def _in_pipeline(self) -> tuple[RunFacts, ...]:
        return self.ledger.finished_in(self.plan.pipeline.name, _RENAMED)


def _read_by_nearest(plan: Plan, decision: Decision, past: PlanPast) -> Iterator[str]:
    """Yield the runs that a step's nearest run read through inputs which differ now."""
    found = compare(plan, decision, past)
    if found.nearest is None:
        return
    inputs = found.nearest.manifest.get("inputs")
    for change in found.changes:
        told = inputs.get(change.name) if isinstance(inputs, dict) and change.part is Part.INPUT else None
        for entry in told if isinstance(told, list) else [told]:
            if isinstance(entry, dict) and isinstance(entry.get("run_id"), str):
                yield str(entry["run_id"])


def _deleted(ledger: Ledger, run_ids: Iterable[str]) -> Mapping[str, DeletedRun]:
    wanted = tuple(dict.fromkeys(run_ids))
    return ledger.deleted_runs(wanted) if wanted else {}


def _never_ran(decision: Decision) -> bool:
    """Return whether the planner already knows that no run, of any pipeline, has the step's name."""
    return any(reason.kind is ReasonKind.NEVER_RAN for reason in decision.reasons)


def _open(plan: Plan) -> list[Decision]:
    """Return the steps about which past runs can say more than the planner did."""
    return [each for each in plan.decisions.values() if is_open(each)]


def nearest_first(runs: Sequence[RunFacts], step_id: str) -> list[RunFacts]:
    """Put the runs of the same variant first, and the newest first among equals."""
    return sorted(runs, key=lambda run: run.tags.get(record_names.STEP) != step_id)


class Manifests:
    """Reads manifests, each once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._read: dict[str, dict[str, JSON]] = {}

    def of(self, runs: Iterable[RunFacts]) -> list[PastRun]:
        """Return runs with their manifests; an empty one if it cannot be used."""
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
            seconds=record.seconds,
            ended=record.ended,
            manifest=self._read[run.run_id],
            accepted=frozenset(
                tag.removeprefix(record_names.ACCEPTED)
                for tag in run.tags
                if tag.startswith(record_names.ACCEPTED)
            ),
        )

"""Decide for every step whether to run it, reuse it or wait, and why.

Takes a pipeline, facts and the records of past runs. Returns a `Plan`. The store is queried for one level of steps at a
time, never step by step. A level consists of the steps whose inputs became known with the level before. Everything is
linear in steps and edges, and nothing is recursive, so chains of 10,000 steps are possible.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.plan.metric_bounds import check_failures, with_numbers
from pipespec.plan.plan import Action, Decision, Facts, Plan, Reason, ReasonKind
from pipespec.plan.records import OutputRecord, Records, StepKey, StepRecord
from pipespec.plan.step_key import external_content, fan_in_content, output_content, step_key
from pipespec.plan.step_selection import select, split_id
from pipespec.plan.witness import BrokenWitness
from pipespec.spec.pipeline_spec import InputSource, PipelineSpec, StepInput, StepSpec
from pipespec.spec.step_graph import ancestors, topological_order
from pipespec.spec.variant_names import Variant

__all__ = ["NEVER_RAN", "decide", "input_content", "make_plan", "needed", "unknown_inputs"]

_NO_IDENTITY: Final = "identity is none, so it runs every time"
_FORCED: Final = "forced by --force"
NEVER_RAN: Final = "it has no finished run yet"
_CHANGED: Final = "no finished run has its key"
_MOST_CAUSES: Final = 20


def make_plan(
    spec: PipelineSpec,
    facts: Facts,
    records: Records,
    *,
    targets: Sequence[str] = (),
    forced: Collection[str] = (),
) -> Plan:
    """Decide the selected steps and all that they need, in topological order.

    `targets` and `forced` are patterns of `select`. A step is REUSE if a complete run has its key. It is RUN if there
    is none, if it is forced, if it has no identity, or if it never finished before. It is WAIT if the content of an
    input is not known yet but it finished before, because unchanged bytes would then lead to reuse (early cut-off).
    Forcing one step forces those with the same key. A reused step whose recorded metrics miss its bounds remains REUSE
    and says so (docs/decisions/0004-checks-on-reuse.md).

    `records.complete` is called once for each level; `lost`, `broken` and `finished_before` are called at most once,
    and only if something cannot be reused.

    Raises:
        UsageError: for a pattern that selects nothing, a forced step that the targets do not need, a value
            that has no identity.
        StoreUnavailableError: if the records cannot be read.
    """
    order = needed(spec, targets)
    steps = {step_id: spec.steps[step_id] for step_id in order}
    survey = _survey(steps, facts, records, _forced_ids(spec, steps, forced))
    rest = [step for step_id, step in steps.items() if step_id not in survey.reused]
    history = _history(rest, survey, records)
    decisions: dict[str, Decision] = {}
    for step_id, step in steps.items():
        if step_id in survey.reused:
            decisions[step_id] = _reuse(step, survey.keys[step_id], survey.reused[step_id], records)
        else:
            decisions[step_id] = _not_reusable(step, survey, history, decisions)
    return Plan(
        pipeline=spec,
        facts=facts,
        decisions=_with_blocked(_with_twins(decisions), spec.upstream),
        forced=frozenset(survey.forced),
    )


def needed(spec: PipelineSpec, targets: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the ids of the steps that some patterns of `select` mean and of all that they need, in order.

    Raises:
        UsageError: for a pattern that selects nothing.
    """
    chosen = select(spec, targets)
    wanted = ancestors(spec.upstream, chosen) | frozenset(chosen)
    return topological_order({step_id: spec.upstream[step_id] for step_id in spec.steps if step_id in wanted})


def decide(
    step: StepSpec,
    facts: Facts,
    records: Records,
    upstream: Mapping[str, StepRecord],
    *,
    forced: bool = False,
) -> Decision:
    """Decide one step whose inputs are all known now: RUN or REUSE, never WAIT.

    `upstream` maps step ids to the record of each step that an input reads.
    """
    if step.identity.never:
        return Decision(step, Action.RUN, (Reason(ReasonKind.NO_IDENTITY, _NO_IDENTITY, step.span),))
    key = step_key(step, facts, _contents(step, facts, upstream, lambda step_id: split_id(step_id)[1]))
    assert key is not None
    if forced:
        return Decision(step, Action.RUN, (Reason(ReasonKind.FORCED, _FORCED),), key)
    if record := records.complete((key.hex,)).get(key.hex):
        return _reuse(step, key, record, records)
    survey = _Survey(keys={step.id: key})
    return _not_reusable(step, survey, _history([step], survey, records), {})


@dataclass(slots=True)
class _Survey:
    """What is known after every level was looked up. A step without a key has inputs that are not known yet."""

    keys: dict[str, StepKey] = field(default_factory=dict)
    reused: dict[str, StepRecord] = field(default_factory=dict)
    forced: set[str] = field(default_factory=set)


@frozen
class _PastKeys:
    """What past runs say about the steps that cannot be reused."""

    finished: Collection[str] = ()
    lost: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, BrokenWitness] = field(default_factory=dict)


def _forced_ids(spec: PipelineSpec, steps: Mapping[str, StepSpec], patterns: Collection[str]) -> set[str]:
    forced = select(spec, tuple(patterns)) if patterns else ()
    for step_id in forced:
        if step_id not in steps:
            raise UsageError(f"step '{step_id}' is forced, but it is neither selected nor needed")
    return set(forced)


def _survey(steps: Mapping[str, StepSpec], facts: Facts, records: Records, forced: set[str]) -> _Survey:
    """Go through the levels: compute keys, look them up, and continue with the steps that read what is complete."""
    found = _Survey(forced=forced)
    producers = {step_id: _producers(step) for step_id, step in steps.items()}
    missing = {step_id: len(ids) for step_id, ids in producers.items()}
    readers: dict[str, list[str]] = {}
    for step_id, ids in producers.items():
        for producer in ids:
            readers.setdefault(producer, []).append(step_id)
    level = [step_id for step_id, count in missing.items() if count == 0]
    while level:
        complete = _look_up([steps[step_id] for step_id in level], steps, facts, records, found)
        found.reused.update(complete)
        level = []
        for step_id in complete:
            for reader in readers.get(step_id, ()):
                missing[reader] -= 1
                if missing[reader] == 0:
                    level.append(reader)
    return found


def _look_up(
    level: Iterable[StepSpec],
    steps: Mapping[str, StepSpec],
    facts: Facts,
    records: Records,
    found: _Survey,
) -> dict[str, StepRecord]:
    """Store the keys of one level, and return the records of those steps that can be reused."""
    keys: dict[str, StepKey] = {}
    for step in level:
        # A matrix over an output has no variants yet, so there is no single key to look up.
        if step.identity.never or step.deferred:
            continue
        key = step_key(
            step, facts, _contents(step, facts, found.reused, lambda step_id: steps[step_id].variant)
        )
        assert key is not None
        keys[step.id] = key
    found.keys.update(keys)
    forced_keys = {found.keys[step_id].hex for step_id in found.forced if step_id in found.keys}
    found.forced.update(step_id for step_id, key in keys.items() if key.hex in forced_keys)
    asked = {key.hex for step_id, key in keys.items() if step_id not in found.forced}
    complete = records.complete(asked) if asked else {}
    return {step_id: complete[key.hex] for step_id, key in keys.items() if key.hex in complete}


def _producers(step: StepSpec) -> frozenset[str]:
    """The ids whose outputs a step reads. `needs` sets only the order and provides no content."""
    sources = [spec.source for spec in step.inputs.values()]
    return frozenset(
        producer
        for source in (*sources, *(axis.source for axis in step.deferred))
        if isinstance(source, StepInput)
        for producer in source.producers
    )


def _contents(
    step: StepSpec,
    facts: Facts,
    records: Mapping[str, StepRecord],
    variant_of: Callable[[str], Variant],
) -> dict[str, JSON]:
    return {
        argument: input_content(spec.source, facts, records, variant_of)
        for argument, spec in step.inputs.items()
    }


def input_content(
    source: InputSource,
    facts: Facts,
    records: Mapping[str, StepRecord],
    variant_of: Callable[[str], Variant],
) -> JSON:
    """Return what identity contains about the content of one input. `records` has the record of each of its producers."""
    if not isinstance(source, StepInput):
        return external_content(source, facts)
    fixed = {axis for axis, _ in source.selection}
    # Pairs, because a point may contain lists, and `1`, `1.0` and `true` are the same key of a dict.
    of_points = [
        (
            tuple(pair for pair in variant_of(producer) if pair[0] not in fixed),
            output_content(_recorded(records[producer], source.output), source.part),
        )
        for producer in source.producers
    ]
    if source.fan_in:
        return fan_in_content(of_points)
    ((_, only),) = of_points
    return only


def _recorded(record: StepRecord, output: str | None) -> OutputRecord:
    if output is None or output not in record.outputs:
        raise UsageError(f"run {record.run_id} of step '{record.step}' has no recorded output '{output}'")
    return record.outputs[output]


def _history(rest: Sequence[StepSpec], survey: _Survey, records: Records) -> _PastKeys:
    asked = [step for step in rest if not step.identity.never and step.id not in survey.forced]
    if not asked:
        return _PastKeys()
    keys = {survey.keys[step.id].hex for step in asked if step.id in survey.keys}
    return _PastKeys(
        finished=frozenset(records.finished_before({step.name for step in asked})),
        lost=records.lost(keys) if keys else {},
        broken=records.broken(keys) if keys else {},
    )


def _reuse(step: StepSpec, key: StepKey, record: StepRecord, records: Records) -> Decision:
    record = with_numbers(step, record, records)
    said = record.accepted
    why = "has its key" if said is None else "was accepted for its key"
    reasons = [Reason(ReasonKind.COMPLETE, f"run {record.run_id} {why}")]
    if said is not None:
        reasons.append(Reason(ReasonKind.ACCEPTED, f"accepted by {said.who}: {said.why}"))
    return Decision(step, Action.REUSE, (*reasons, *check_failures(step, record.metrics)), key, record)


def _not_reusable(
    step: StepSpec, survey: _Survey, history: _PastKeys, decided: Mapping[str, Decision]
) -> Decision:
    key = survey.keys.get(step.id)
    unknown = tuple(unknown_inputs(step, decided))
    if step.identity.never:
        return Decision(step, Action.RUN, (Reason(ReasonKind.NO_IDENTITY, _NO_IDENTITY, step.span),))
    if step.id in survey.forced:
        return Decision(step, Action.RUN, (Reason(ReasonKind.FORCED, _FORCED), *unknown), key)
    if key is not None and key.hex in history.lost:
        return Decision(step, Action.RUN, (Reason(ReasonKind.LOST, history.lost[key.hex], step.span),), key)
    if key is not None and key.hex in history.broken:
        broken = history.broken[key.hex]
        return Decision(step, Action.RUN, tuple(_witness_reasons(broken)), key, broken=broken)
    if step.name not in history.finished:
        never = Reason(ReasonKind.NEVER_RAN, NEVER_RAN, step.span)
        return Decision(step, Action.RUN, (never, *unknown), key)
    if key is None:
        return Decision(step, Action.WAIT, unknown)
    return Decision(step, Action.RUN, (Reason(ReasonKind.CHANGED, _CHANGED, step.span),), key)


def _witness_reasons(broken: BrokenWitness) -> Iterator[Reason]:
    """One reason for each thing that has changed since the run used it, up to the number that people read."""
    for change in broken.changes[:_MOST_CAUSES]:
        yield Reason(ReasonKind.WITNESS, change.detail)
    if (more := len(broken.changes) - _MOST_CAUSES) > 0:
        yield Reason(ReasonKind.WITNESS, f"and {more} more of what its last run touched")


def unknown_inputs(step: StepSpec, decided: Mapping[str, Decision]) -> Iterator[Reason]:
    """One reason for each input or axis whose content is not known yet."""
    for argument, spec in step.inputs.items():
        if isinstance(spec.source, StepInput) and (which := _unfinished(spec.source, decided)):
            yield Reason(ReasonKind.UPSTREAM, f"input '{argument}' comes from {which}", spec.span)
    for axis in step.deferred:
        which = _unfinished(axis.source, decided) or f"'{axis.source.step}', whose values are not known yet"
        yield Reason(ReasonKind.UPSTREAM, f"axis '{axis.name}' comes from {which}", step.span)


def _unfinished(source: StepInput, decided: Mapping[str, Decision]) -> str:
    ids = [
        producer
        for producer in source.producers
        if producer in decided and decided[producer].action is not Action.REUSE
    ]
    if not ids:
        return ""
    certain = any(decided[producer].action is Action.RUN for producer in ids)
    more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
    return f"'{ids[0]}'{more}, which {'runs' if certain else 'may run'} first"


def _with_twins(decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """Let the first of the steps with the same key run, and let the others wait for its record."""
    first: dict[str, str] = {}
    result: dict[str, Decision] = {}
    for step_id, decision in decisions.items():
        result[step_id] = decision
        if decision.key is None or decision.action is Action.REUSE:
            continue
        leader = first.setdefault(decision.key.hex, step_id)
        if leader != step_id:
            reason = Reason(ReasonKind.SAME_KEY, f"has the key of '{leader}', which runs first")
            result[step_id] = Decision(
                decision.step, Action.WAIT, (reason, *decision.reasons), decision.key, same_as=leader
            )
    return result


def _with_blocked(
    decisions: Mapping[str, Decision], upstream: Mapping[str, Sequence[str]]
) -> dict[str, Decision]:
    """Mark every step after one that fails its checks as blocked, and name that step."""
    culprit: dict[str, str] = {}
    result: dict[str, Decision] = {}
    for step_id, decision in decisions.items():
        blocker = next((culprit[above] for above in upstream[step_id] if above in culprit), None)
        result[step_id] = decision
        if blocker is not None:
            reason = Reason(ReasonKind.BLOCKED, f"'{blocker}' fails its checks")
            result[step_id] = Decision(
                decision.step,
                decision.action,
                (*decision.reasons, reason),
                decision.key,
                decision.record,
                decision.same_as,
                decision.broken,
            )
        if decision.check_failures or blocker is not None:
            culprit[step_id] = blocker or step_id
    return result

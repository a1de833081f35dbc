"""Let past runs count for steps whose code or packages changed, and undo that.

Takes an open pipeline and what the user names. Everything is checked before anything is recorded, step after step in
the order of a run, because accepting a step makes the keys of the steps that read it known. Refuses a step that is
complete, one that waits, one that never finished, and one that differs in anything else. Only tags are recorded; no
result is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pipespec.document.password_masking import without_passwords
from pipespec.errors import PipespecError, UsageError
from pipespec.operations.inspecting.past_runs import Manifests, nearest_first
from pipespec.operations.planning.open_store import write_store
from pipespec.operations.planning.pipeline_session import PipelineSession
from pipespec.plan.acceptance import Acceptance, Acceptances, Revocation, acceptable_run, why_not_ready
from pipespec.plan.past_comparison import now_of
from pipespec.plan.plan import Action, Decision, Plan
from pipespec.plan.records import Accepted, Records, StepRecord
from pipespec.plan.step_selection import names_steps, select
from pipespec.plan.witness import BrokenWitness
from pipespec.tracking.acceptances import LONGEST_REASON, encoded_length
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts, complete_record

__all__ = ["accept", "revoke"]

_LOOKED_AT: Final = 1000
"""Number of the newest runs of a step, of all its variants, that are examined."""
_COMPARED: Final = 100
"""Number of those, each with another key, whose manifests are read."""


def accept(
    session: PipelineSession, patterns: Sequence[str], *, why: str, confirm: Callable[[Acceptances], bool]
) -> Acceptances:
    """Let the nearest past run of each of these steps count for the present step, if `confirm` agrees to all of them.

    Raises:
        UsageError: if a named step cannot be accepted, if no step is left, or if the reason is invalid;
            nothing is recorded then.
        StoreUnavailableError: if the store cannot be read or written.
    """
    why = _reason(session, why)
    chosen = _judged(session, patterns)
    return _recorded(session, chosen, why) if confirm(chosen) else chosen


def revoke(session: PipelineSession, patterns: Sequence[str], *, why: str = "") -> tuple[Revocation, ...]:
    """Undo what was accepted for these steps as they are now.

    Raises:
        UsageError: if nothing was accepted for a named step, or for any step.
        StoreUnavailableError: if the store cannot be read or written.
    """
    why = _reason(session, why) if why else ""
    plan = session.plan(*patterns)
    decisions = {step: plan.decisions[step] for step in _chosen(plan, patterns)}
    keys = {step: one.key.hex for step, one in decisions.items() if one.key is not None}
    runs = session.ledger.accepted(tuple(dict.fromkeys(keys.values())))
    found = {key: (decisions[step], runs[key]) for step, key in keys.items() if key in runs}
    must = _named(plan, patterns) if found else tuple(decisions)
    for step in [one for one in must if keys.get(one) not in found]:
        raise UsageError(
            f"nothing is accepted for the present version of step '{step}'{_rest(plan, decisions[step])}"
        )
    with write_store(session.spec) as recorder:
        return tuple(
            Revocation(
                decision.step.id,
                key,
                run.run_id,
                recorder.revoke(run.run_id, key, why=why),
                _own_run(decision),
            )
            for key, (decision, accepted) in found.items()
            for run in accepted
        )


# --------------------------------------------------------------------------------------------- judging


@dataclass(slots=True)
class _Supposing:
    """Records as if some runs had already been accepted."""

    records: Records
    supposed: dict[str, StepRecord] = field(default_factory=dict)

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return the complete runs, including the assumed ones."""
        asked = [key for key in keys if key not in self.supposed]
        found = self.records.complete(asked) if asked else {}
        return {**found, **{key: self.supposed[key] for key in keys if key in self.supposed}}

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is missing or altered."""
        return self.records.lost(keys)

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        """Return what runs used and has changed."""
        return self.records.broken(keys)

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return the names that have a finished run."""
        return self.records.finished_before(steps)

    def numbers(self, record: StepRecord, output: str, part: str | None) -> Mapping[str, float]:
        """Return the numbers of an output as metrics."""
        return self.records.numbers(record, output, part)


def _judged(session: PipelineSession, patterns: Sequence[str]) -> Acceptances:
    """Decide what is accepted, level after level."""
    records = _Supposing(session.ledger)
    planning = session.planning(patterns, records=records)
    past = _PastRuns(session.ledger)
    plan = planning.plan()
    complete = tuple(one for one in _chosen(plan, patterns) if plan.decisions[one].action is Action.REUSE)
    accepted: dict[str, Acceptance] = {}
    refused: dict[str, str] = {}
    while ready := _ready(plan, patterns, records.supposed, refused):
        for decision in ready:
            found = past.acceptance(plan, decision)
            if isinstance(found, str):
                refused[decision.step.id] = found
            else:
                accepted[decision.step.id] = found
                records.supposed[found.key.hex] = replace(found.record, accepted=Accepted("", "", 0.0))
        plan = planning.plan()
    for step in _chosen(plan, patterns):
        if plan.decisions[step].action is not Action.REUSE:
            refused.setdefault(step, why_not_ready(plan, plan.decisions[step]))
    _require_some(plan, patterns, accepted, refused, complete)
    judged = {
        step: replace(one, failures=plan.decisions[step].check_failures) for step, one in accepted.items()
    }
    return Acceptances(tuple(judged[step] for step in plan.decisions if step in judged), complete, refused)


def _require_some(
    plan: Plan,
    patterns: Sequence[str],
    accepted: Collection[str],
    refused: Mapping[str, str],
    complete: Sequence[str],
) -> None:
    """Refuse everything if a named step is refused, or if nothing is left to accept."""
    for step in [one for one in _named(plan, patterns) if one in refused]:
        raise UsageError(f"step '{step}' cannot be accepted: {refused[step]}")
    if accepted:
        return
    if refused:
        step, why = next(iter(refused.items()))
        raise UsageError(f"none of these steps can be accepted; '{step}': {why}")
    record = plan.decisions[complete[0]].record
    assert record is not None
    said = record.accepted
    by = "" if said is None else f", accepted by {said.who}: {said.why}"
    raise UsageError(f"step '{complete[0]}' is already complete, because of run {record.run_id}{by}")


def _chosen(plan: Plan, patterns: Sequence[str]) -> tuple[str, ...]:
    return select(plan.pipeline, tuple(patterns))


def _named(plan: Plan, patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the steps that are called by name, in the order of a run."""
    names = [pattern for pattern in patterns if names_steps(plan.pipeline, pattern)]
    named = frozenset(_chosen(plan, names)) if names else ()
    return tuple(step for step in plan.decisions if step in named)


def _ready(
    plan: Plan, patterns: Sequence[str], supposed: Collection[str], refused: Collection[str]
) -> list[Decision]:
    """Return the steps to check next: the first one of each key that is known and that no run has."""
    ready: dict[str, Decision] = {}
    chosen = frozenset(_chosen(plan, patterns))
    for step, decision in plan.decisions.items():
        key = decision.key
        if step in chosen and decision.action is not Action.REUSE and step not in refused and key is not None:
            ready.setdefault(key.hex, decision)
    return [decision for key, decision in ready.items() if key not in supposed]


class _PastRuns:
    """Finds runs that may count: among those with the same key, the one that counts for it, if its files are complete."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._manifests = Manifests(ledger)
        self._runs: dict[str, tuple[RunFacts, ...]] = {}

    def acceptance(self, plan: Plan, decision: Decision) -> Acceptance | str:
        """Return what may be accepted for a step, or why nothing may be accepted."""
        step, key = decision.step, decision.key
        assert key is not None
        if step.name not in self._runs:
            self._runs[step.name] = self._ledger.finished_runs(step.name, _LOOKED_AT)
        runs = nearest_first(self._runs[step.name], step.id)
        if not runs:
            return "it has no finished run yet"
        key_of = {run.run_id: record.key for run in runs if (record := complete_record(run)) is not None}
        keys = [one for one in dict.fromkeys(key_of.values()) if one][:_COMPARED]
        whole = self._ledger.complete(keys)
        counting = {record.run_id: record for key, record in whole.items() if record.key == key}
        if not counting:
            return self._why_none(keys)
        past = self._manifests.of(run for run in runs if run.run_id in counting)
        found = acceptable_run(now_of(plan, decision), past)
        if isinstance(found, str):
            return found
        run, changes = found
        return Acceptance(step, key, run, counting[run.run_id], changes)

    def _why_none(self, keys: Sequence[str]) -> str:
        if broken := next(iter(self._ledger.broken(keys).values()), None):
            return f"{broken.changes[0].detail}, and that cannot be accepted; run it"
        lost = next(iter(self._ledger.lost(keys).values()), "they are missing")
        return f"the files of its past runs cannot be used: {lost}; run the step"


# ------------------------------------------------------------------------------------------- recording


def _recorded(session: PipelineSession, chosen: Acceptances, why: str) -> Acceptances:
    done: list[Acceptance] = []
    try:
        with write_store(session.spec) as recorder:
            for one in chosen.accepted:
                said = recorder.accept(one.record, one.key.hex, who=recorder.user, why=why)
                done.append(replace(one, said=said))
    except PipespecError as error:
        if not done:
            raise
        told = ", ".join(f"'{one.step.id}'" for one in done)
        raise type(error)(f"{error}; recorded so far: {told}; repeat the command for the rest") from error
    return replace(chosen, accepted=tuple(done))


def _reason(session: PipelineSession, why: str) -> str:
    """Return a reason on one line and without secrets."""
    text = without_passwords(session.source.redactor()(" ".join(why.split())))
    if not text:
        raise UsageError(
            "a reason is missing; for example --why 'the new log line does not affect the result'"
        )
    if encoded_length(text) > LONGEST_REASON:
        raise UsageError(f"a reason has at most {LONGEST_REASON} characters, this one has {len(text)}")
    return text


def _own_run(decision: Decision) -> str | None:
    """Return the run that has the key of a step itself, whatever is accepted for it."""
    record = decision.record
    return None if record is None or record.accepted is not None else record.run_id


def _rest(plan: Plan, decision: Decision) -> str:
    """Explain a step for which nothing was accepted."""
    if decision.key is None:
        return f": {why_not_ready(plan, decision)}"
    own = _own_run(decision)
    return "" if own is None else f"; run {own} has its key"

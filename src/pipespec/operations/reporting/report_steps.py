"""What a report says about each step: why it ran, how it ended, its metrics beside those of its last runs.

Takes what a run did and a ledger. Returns `StepPart`s and `Metric`s. Past runs are read only for steps that changed, or
that have metrics and ran before: a first run reads nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from pipespec.document.nodes import Node, plain
from pipespec.frozen_values import frozen
from pipespec.operations.inspecting.past_runs import past_of, past_runs
from pipespec.operations.reporting.file_head import last_lines
from pipespec.plan.changes import reason_of
from pipespec.plan.past_comparison import PlanPast, compare, with_causes
from pipespec.plan.plan import Action, Decision, Plan, ReasonKind
from pipespec.plan.records import StepRecord, own_metrics
from pipespec.plan.results import RunReport, StepResult, StepState
from pipespec.spec.pipeline_spec import Bounds, StepSpec
from pipespec.step.secrets import Redactor
from pipespec.tracking import record_names
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts
from pipespec.tracking.tracking_uri import shown
from pipespec.views.mlflow_links import run_url
from pipespec.views.report.report_parts import Cause, Metric, PastValue, StepPart

__all__ = ["StepHistory", "metrics_of", "step_part"]

_PAST: Final = 20
"""Maximum number of runs of a step that are plotted, including the present one."""
_WITH_METRICS: Final = 60
"""Maximum number of steps whose metrics are shown."""
_NOT_BEGUN: Final = (StepState.BLOCKED, StepState.CANCELLED)
_LOG_LINES: Final = 40
_VALUE: Final = 300
"""Maximum number of characters of a param that are shown."""
_CAUSES: Final = 8
_DIFF_LINES: Final = 120


@dataclass(frozen=True)
class StepHistory:
    """Past runs of the steps. They are read once for each step."""

    run: RunReport
    plan: Plan
    """The plan as it was executed."""
    ledger: Ledger

    @cached_property
    def of(self) -> Callable[[StepSpec], tuple[RunFacts, ...]]:
        """A function that returns the past runs of a step, the newest first."""
        return past_runs(self.ledger, self.plan.pipeline.name)

    @cached_property
    def own(self) -> frozenset[str]:
        """The runs that this invocation created."""
        return frozenset(one.run_id for result in self.run.steps for one in result.executions)

    @cached_property
    def below_what_ran(self) -> frozenset[str]:
        """The steps that directly or indirectly need a step that ran."""
        touched = {step for step, decision in self.plan.decisions.items() if decision.action is Action.RUN}
        below: set[str] = set()
        for step in self.plan.decisions:  # in topological order
            if any(above in touched or above in below for above in self.plan.pipeline.upstream[step]):
                below.add(step)
        return frozenset(below)

    @cached_property
    def past(self) -> PlanPast:
        """The runs with which changed steps are compared. If no step ever ran before, nothing is read."""
        kinds = {decision.reasons[0].kind for decision in self.plan.decisions.values()}
        if kinds <= {ReasonKind.NEVER_RAN}:
            return PlanPast()
        return past_of(self.plan, self.ledger, self.of, without=self.own)

    @cached_property
    def told(self) -> Plan:
        """The plan with its causes."""
        return with_causes(self.plan, self.past)

    def past_of(self, result: StepResult, record: StepRecord) -> _Past:
        """Return the runs of a step up to its record. They are not read for steps that never ran."""
        decision = self.plan.decisions[result.step]
        is_new = any(reason.kind is ReasonKind.NEVER_RAN for reason in decision.reasons)
        if is_new or not (result.run_id in self.own or own_metrics(record.metrics)):
            return _Past()
        runs = [run for run in self.of(decision.step) if run.tags.get(record_names.STEP) == result.step]
        own = next((run.metrics for run in runs if run.run_id == record.run_id), {})
        before = [run for run in runs if run.run_id != record.run_id and (run.ended or 0.0) <= record.ended]
        return _Past(own, before[: _PAST - 1])


@frozen
class _Past:
    """The metrics of a step's run as in the store, and its earlier runs, the newest first."""

    own: Mapping[str, float] = field(default_factory=dict)
    before: Sequence[RunFacts] = ()

    def values(self, name: str) -> Iterator[PastValue]:
        for run in reversed(self.before):
            if name in run.metrics:
                yield PastValue(run.metrics[name], run.ended or 0.0, run.run_id)


def step_part(result: StepResult, history: StepHistory, redact: Redactor) -> StepPart:
    """Describe one step."""
    decision = history.plan.decisions[result.step]
    has_failed = result.state is StepState.FAILED
    return StepPart(
        step=result.step,
        state=str(result.state),
        description=decision.step.description or "",
        call=str(decision.step.call),
        params={name: _value_text(node) for name, node in decision.step.params.items()},
        seconds=result.seconds,
        run_id=result.run_id,
        url=_url(result, history.ledger),
        causes=() if result.state in _NOT_BEGUN else tuple(_causes(decision, history)),
        error=result.error or "",
        traceback=result.traceback,
        log=last_lines(Path(result.log), _LOG_LINES, redact) if has_failed and result.log is not None else "",
        log_file=result.log or "" if has_failed else "",
        advice=result.advice or "",
        executions=result.executions,
    )


def _value_text(node: Node) -> str:
    """Format a value as in the pipeline, in one line. A secret is its reference."""
    value = plain(node)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"


def _url(result: StepResult, ledger: Ledger) -> str:
    record = result.record
    found = (
        None if record is None else run_url(shown(ledger.tracking_uri), record.experiment_id, record.run_id)
    )
    return found or ""


def _causes(decision: Decision, history: StepHistory) -> Iterator[Cause]:
    """Say why a step ran, or was reused although an upstream step ran."""
    step = decision.step.id
    if decision.action is Action.REUSE:
        if step in history.below_what_ran:
            yield Cause("its inputs are byte-identical")
        return
    changes = compare(history.plan, decision, history.past).changes
    yield from (Cause(reason_of(change).detail, _cut(change.diff)) for change in changes[:_CAUSES])
    if len(changes) > _CAUSES:
        yield Cause(f"and {len(changes) - _CAUSES} more changes")
    for reason in history.told.decisions[step].reasons:
        if not (changes and reason.kind is ReasonKind.CHANGED):
            yield Cause(reason.detail)


def _cut(diff: str) -> str:
    lines = diff.split("\n")
    more = [f"... {len(lines) - _DIFF_LINES:,} more lines"] if len(lines) > _DIFF_LINES else []
    return "\n".join([*lines[:_DIFF_LINES], *more])


def metrics_of(history: StepHistory) -> Iterator[Metric]:
    """Yield the metrics of complete steps, the last steps first."""
    told = 0
    for result in reversed(history.run.steps):
        record = result.record
        if record is None or told >= _WITH_METRICS:
            continue
        step = history.plan.decisions[result.step].step
        past = history.past_of(result, record)
        found = own_metrics({**past.own, **record.metrics})
        told += bool(found)
        for name, value in sorted(found.items()):
            bounds = step.checks.get(name) or Bounds(None, None, step.span)
            before = tuple(past.values(name))
            yield Metric(result.step, name, value, before, bounds.minimum, bounds.maximum)

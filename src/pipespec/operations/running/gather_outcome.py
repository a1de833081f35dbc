"""Describe how a run ended as a `RunOutcome`, with secrets removed.

Takes what was compiled, a ledger, and a report or the error that ended the run. Metrics are compared with the last run
of the pipeline that has some of them. They are checked by `min_delta` and `max_delta` against the baseline or, if none
is set, against that run. If the store cannot be read, these are left out. They are also left out if a signal ended the
run, because the user should not have to wait.
"""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.document.password_masking import without_passwords
from pipespec.engine.final_metrics import final_metrics
from pipespec.errors import StoreUnavailableError, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.inspecting.baselines import Subject, marked_baseline
from pipespec.operations.inspecting.compare_runs import bounds_of_all, compared_run
from pipespec.operations.planning.open_store import store_name
from pipespec.operations.reporting.invocation_label import set_values
from pipespec.plan.metric_bounds import check_failures
from pipespec.plan.plan import Plan
from pipespec.plan.records import own_metrics
from pipespec.plan.results import RunReport, StepResult, StepState
from pipespec.plan.run_comparison import DeltaBounds, RunComparison
from pipespec.plan.run_outcome import MetricChange, RunOutcome, ToldStep
from pipespec.step.secrets import Redactor
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts
from pipespec.views.mlflow_links import run_url
from pipespec.views.terminal_text import printable

__all__ = ["gather_outcome"]

_LOOKED_AT: Final = 20
"""Number of the last runs that are examined for metrics to compare with."""

_LOG_LINES: Final = 15
_LOG_BYTES: Final = 1_500
_LINE: Final = 200
"""Maximum number of characters of a line of a log."""


@frozen
class _Known:
    """What the store contains about a run and the runs before it."""

    now: RunFacts | None = None
    last: RunFacts | None = None
    """The last finished run with some of the same metrics."""
    regressions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def gather_outcome(
    source: PipelineSource, plan: Plan, ledger: Ledger, ended: RunReport | Exception
) -> RunOutcome:
    """Describe how a run of a plan ended."""
    redact = source.redactor()
    spec = plan.pipeline
    outcome = RunOutcome(
        pipeline=spec.name,
        seconds=0.0,
        host=socket.gethostname(),
        store=store_name(spec.mlflow.tracking_uri, spec.root).uri,
        set_values=tuple(replace(one, value=_clean(one.value, redact)) for one in set_values(source)),
    )
    if isinstance(ended, Exception):
        return replace(outcome, error=_clean(str(ended), redact))
    known = _Known() if ended.interrupted_by is not None else _known(ended, ledger)
    link = None if known.now is None else run_url(outcome.store, known.now.experiment_id, known.now.run_id)
    interrupted = ended.interrupted_by
    return replace(
        outcome,
        seconds=ended.seconds,
        steps=tuple(_told(result, redact) for result in ended.steps),
        metrics=tuple(_metrics(ended, known)),
        missed=tuple(_missed(ended)),
        regressions=known.regressions,
        notes=known.notes,
        interrupted_by="" if interrupted is None else signal.Signals(interrupted).name,
        run_id=ended.invocation or "",
        link=link or "",
        succeeded=ended.succeeded,
    )


def _told(result: StepResult, redact: Redactor) -> ToldStep:
    is_failed = result.state is StepState.FAILED
    log = _end_of_log(Path(result.log), redact) if is_failed and result.log else ""
    error = _clean(result.error or "", redact)
    return ToldStep(
        result.step, result.state, result.seconds, error, log.removesuffix(f"\npipespec: {error}")
    )


def _end_of_log(log: Path, redact: Redactor) -> str:
    """Return the last lines of a step's log. If reading started in the middle, a line that may be incomplete is left out."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(size - 2 * _LOG_BYTES - redact.reach, 0)
            file.seek(start)
            content = redact.clean(file.read())
    except OSError:
        return ""
    whole = content if not start else content[redact.reach :].partition(b"\n")[2]
    text = without_passwords(whole[-_LOG_BYTES:].decode(errors="replace"))
    lines = [printable(line.rstrip())[:_LINE] for line in re.split(r"\r\n|\r|\n", text)]
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines[-_LOG_LINES:])


def _known(report: RunReport, ledger: Ledger) -> _Known:
    assert report.plan is not None
    spec = report.plan.pipeline
    try:
        found = ledger.invocations(spec.name, _LOOKED_AT)
    except StoreUnavailableError:
        return _Known(notes=("the store did not answer, so metrics are not compared",))
    now = next((run for run in found if run.run_id == report.invocation), None)
    if now is None:
        return _Known()
    names = own_metrics(now.metrics).keys()
    before = (run for run in found if run.run_id != now.run_id and run.status == "FINISHED")
    last = next((run for run in before if names & run.metrics.keys()), None)
    complete = {result.step for result in report.steps if result.record is not None}
    bounds = {
        name: one
        for name, one in bounds_of_all(step for step in spec.steps.values() if step.id in complete).items()
        if one != DeltaBounds()
    }
    if not bounds:
        return _Known(now, last)
    return _judged(now, last, bounds, report, ledger)


def _judged(
    now: RunFacts, last: RunFacts | None, bounds: Mapping[str, DeltaBounds], report: RunReport, ledger: Ledger
) -> _Known:
    """Check the run by bounds on differences. If a baseline is missing, this is reported, and the last run is used instead."""
    assert report.plan is not None
    notes: tuple[str, ...] = ()
    try:
        baseline = marked_baseline(Subject(report.plan.pipeline.name), ledger)
    except UsageError as error:
        baseline, notes = None, (str(error),)
    except StoreUnavailableError:
        return _Known(now, last, notes=("the store did not answer, so differences are not judged",))
    against = baseline or last
    comparison = RunComparison(
        str(Subject(report.plan.pipeline.name)),
        (compared_run(now),),
        report.store,
        None if against is None else compared_run(against),
        bounds,
        baseline_name="the last run" if baseline is None else "the baseline",
    )
    return _Known(now, last, tuple(one.problem for one in comparison.regressions), notes)


def _metrics(report: RunReport, known: _Known) -> Iterator[MetricChange]:
    """Yield the metrics of the run: as in the store, including those that functions logged directly, or otherwise as reported."""
    by_step = {one.step: one.record.metrics for one in report.steps if one.record is not None}
    found = final_metrics(by_step) if known.now is None else own_metrics(known.now.metrics)
    before = {} if known.last is None else known.last.metrics
    for name, value in found.items():
        yield MetricChange(name, value, before.get(name))


def _missed(report: RunReport) -> Iterator[str]:
    assert report.plan is not None
    steps = report.plan.pipeline.steps
    for result in report.steps:
        if result.record is not None and result.step in steps:
            for reason in check_failures(steps[result.step], result.record.metrics):
                yield f"{result.step}: {reason.detail}"


def _clean(text: str, redact: Redactor) -> str:
    return without_passwords(redact(text))

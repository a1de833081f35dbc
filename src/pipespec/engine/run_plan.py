"""Run a plan: from a `Plan` to a `RunReport`, with Luigi, in processes, recorded in MLflow.

Takes a plan, a ledger to read and a function that opens a recorder. What it opens is closed however the run ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Final, TypeAlias

from pipespec.activity import busy
from pipespec.engine.invocation import Invocation
from pipespec.engine.open_engine import Opened, opened
from pipespec.engine.progress_events import Progress
from pipespec.engine.readiness import require_resources
from pipespec.engine.run_settings import RunSettings
from pipespec.errors import StoreUnavailableError
from pipespec.own_process import leaving_out
from pipespec.plan.open_axes import AxisError
from pipespec.plan.plan import Plan
from pipespec.plan.records import StepRecord
from pipespec.plan.results import RunReport, StepState
from pipespec.plan.store_name import StoreName
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.tracking_uri import shown
from pipespec.tracking.writing.recorder import Recorder

__all__ = ["NextWave", "run_plan"]

_UNUSED_BY_LUIGI: Final = ("requests", "requests_unixsocket", "jsonschema", "tornado")
"""Packages that Luigi imports if installed: for a luigid, schemas, its server. More than half of its import time."""

NextWave: TypeAlias = Callable[[Mapping[str, StepRecord]], Plan | None]
"""Plans again, with the matrices that the records of complete steps determine; None if there is nothing new.
Raises AxisError for a step whose matrix cannot be created from them, and leaves that step out in the next call."""


def run_plan(
    plan: Plan,
    *,
    ledger: Ledger,
    open_recorder: Callable[[], Recorder],
    settings: RunSettings,
    progress: Progress | None = None,
    next_wave: NextWave | None = None,
) -> RunReport:
    """Run the steps of a plan that must run, and report on every step of it, in plan order.

    If steps wait for a matrix, `next_wave` is called when nothing else is left. Its plan replaces the first one. A
    failure of a step is in the report; so is a signal that ended the run early.

    Raises:
        UsageError: if a step needs more of a resource than there is.
        StoreUnavailableError: if the tracking store cannot be reached before anything began, or not for as long as the
            run waits for it, or a luigid or a cluster cannot be reached. What executed was published before, or is kept
            for the next run.
    """
    with opened(
        plan, ledger=ledger, open_recorder=open_recorder, settings=settings, progress=progress
    ) as run:
        # Luigi takes a tenth of a second, while the process from which steps are forked gets ready.
        with busy("importing luigi"), leaving_out(*_UNUSED_BY_LUIGI):
            from pipespec.engine.luigi.luigi_worker import logging_to  # noqa: PLC0415

        invocation = run.invocation
        with logging_to(settings.state.logs / f"{run.token}-luigi.log"):
            current: Plan | None = plan
            wave = 0
            while current is not None:
                plan, wave = current, wave + 1
                run.progress.begin(len(plan.decisions))
                _conduct(invocation, plan, f"{run.token}-{wave}", settings, is_first=wave == 1)
                current = _next_plan(next_wave, invocation)
        invocation.settle_rest()
        report = RunReport(
            invocation=run.attempts.invocation,
            steps=tuple(invocation.settled.results[step] for step in plan.decisions),
            seconds=time.monotonic() - run.began,
            store=StoreName(shown(ledger.tracking_uri), plan.pipeline.root),
            interrupted_by=run.interrupts.signum,
            plan=invocation.carried_out,
            workers=max(settings.workers, run.executor.cluster_places),
        )
        report = _finish(run, report, settings)
    if report.interrupted_by is None:
        if invocation.lost_store is not None:
            raise _lost(invocation)
        if invocation.lost_cluster is not None:
            raise invocation.lost_cluster
    return report


def _finish(run: Opened, report: RunReport, settings: RunSettings) -> RunReport:
    """End the invocation's run. If the store does not accept this in time, or before a signal, the next run does it."""
    invocation, began = run.invocation, time.monotonic()
    for number in count():
        try:
            with run.interrupts.asking():
                run.attempts.finish(report)
        except StoreUnavailableError as error:
            invocation.tell_of_store(error)
            is_spent = time.monotonic() - began >= settings.patience
            if run.interrupts.count or invocation.lost_store is not None:
                return replace(report, interrupted_by=run.interrupts.signum)
            if is_spent or not any(result.state is StepState.RAN for result in report.steps):
                raise
            run.interrupts.sleep(min(0.5 * 2**number, 30.0))
        else:
            invocation.tell_of_store(None)
            break
    return report


def _lost(invocation: Invocation) -> StoreUnavailableError:
    """Report that the store was not reachable, and what happened to the results."""
    kept = [f"'{step}'" for step in invocation.kept]
    if not kept:
        return StoreUnavailableError(str(invocation.lost_store))
    folder = next(iter(invocation.kept.values())).parent
    what = f"the result of {kept[0]}" if len(kept) == 1 else f"the results of {', '.join(kept)}"
    return StoreUnavailableError(
        f"{invocation.lost_store}; {what} {'is' if len(kept) == 1 else 'are'} kept in '{folder}', and published by the next run"
    )


def _conduct(
    invocation: Invocation, plan: Plan, token: str, settings: RunSettings, *, is_first: bool
) -> None:
    """Let Luigi run the steps that a plan must run, except steps whose matrix is not known yet and those that need them.

    `token` tells the wave from all others. A luigid that shows the run is told of reused steps in the first, and of what is
    left once more if it came to an end before.
    """
    from pipespec.engine.luigi.luigi_worker import SchedulerUnavailableError, drive  # noqa: PLC0415 - see above
    from pipespec.engine.luigi.make_task_graph import make_task_graph  # noqa: PLC0415

    invocation.take(plan)
    totals = dict(settings.totals)
    require_resources(plan, totals, invocation.settled.records, settings.counted_resources)
    before: set[str] | None = None
    while True:
        graph = make_task_graph(
            plan,
            token,
            complete=invocation.settled.records,
            failed=invocation.settled.failed,
            shows_reused=settings.scheduler is not None and is_first,
            counted=settings.scheduled_resources,
        )
        left = {step for step in graph.upstream if step not in graph.complete}
        if not left or left == before or invocation.stopping:
            return
        before = left
        try:
            drive(
                graph,
                invocation,
                resources=totals,
                scheduler_url=settings.scheduler,
                page_of=settings.page_of,
            )
        except SchedulerUnavailableError:
            invocation.drain()
            raise
        invocation.finish_begun()
        if settings.scheduler is None:
            return
        # A luigid that was started anew meanwhile knows nothing of what is left, and is told again as long as that helps.


def _next_plan(next_wave: NextWave | None, invocation: Invocation) -> Plan | None:
    """Request the next wave. A step whose matrix cannot be created fails, and others may still continue."""
    while next_wave is not None and not invocation.stopping:
        try:
            return next_wave(invocation.settled.records)
        except AxisError as error:
            invocation.fail(error.step, str(error))
    return None

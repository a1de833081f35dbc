"""Run a plan: from a `Plan` to a `RunReport`, by Luigi, in processes, recorded in MLflow.

Takes a plan, a ledger to read and a way to open a recorder; what it opens is closed however the run ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from pipespec.engine.boards import make_board
from pipespec.engine.invocation import Invocation
from pipespec.engine.luigi_worker import SchedulerUnavailableError, drive, logging_to
from pipespec.engine.opening import opened
from pipespec.engine.progress import Progress
from pipespec.engine.settings import RunSettings
from pipespec.engine.waves import require_resources
from pipespec.plan.axes import AxisError
from pipespec.plan.model import Plan, RunReport, StepRecord
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.recorder import Recorder

__all__ = ["NextWave", "run_plan"]

NextWave: TypeAlias = Callable[[Mapping[str, StepRecord]], Plan | None]
"""Plans again, with the matrices that the records of complete steps make known; None when there is nothing new.
Raises AxisError for a step whose matrix cannot be made of them, and leaves that step out when it is asked again."""


def run_plan(
    plan: Plan,
    *,
    ledger: Ledger,
    open_recorder: Callable[[], Recorder],
    settings: RunSettings,
    progress: Progress | None = None,
    next_wave: NextWave | None = None,
) -> RunReport:
    """Run what a plan leaves to run, and report on every step of it, in plan order.

    Where steps wait for a matrix, `next_wave` is asked once nothing else is left; its plan takes the place of the first.
    A failure of a step is in the report; so is a signal that ended the run early.

    Raises:
        UsageError: where a step needs more of a resource than there is.
        StoreUnavailableError: where the tracking store or a luigid cannot be asked. What executed was ended,
            or with a luigid published, before.
    """
    with opened(
        plan, ledger=ledger, open_recorder=open_recorder, settings=settings, progress=progress
    ) as run:
        invocation = run.invocation
        with logging_to(settings.state / "logs" / f"{run.token}-luigi.log"):
            current: Plan | None = plan
            wave = 0
            while current is not None:
                plan, wave = current, wave + 1
                run.progress.begin(len(plan.decisions))
                _conduct(invocation, plan, f"{run.token}-{wave}", settings)
                current = _next_plan(next_wave, invocation)
        invocation.settle_rest()
        report = RunReport(
            invocation=run.attempts.invocation,
            steps=tuple(invocation.results[step] for step in plan.decisions),
            seconds=time.monotonic() - run.began,
            interrupted_by=run.interrupts.signum,
            plan=invocation.carried_out,
            workers=settings.workers,
        )
        run.attempts.finish(report)
    return report


def _conduct(invocation: Invocation, plan: Plan, token: str, settings: RunSettings) -> None:
    """Let Luigi run what a plan leaves to run, but for steps whose matrix is not known yet, and what is below them.

    `token` tells the wave from all others.
    """
    invocation.take(plan)
    require_resources(plan, settings.resources, invocation.records)
    board = make_board(plan, token, complete=invocation.records, failed=invocation.failed)
    if board.is_complete or invocation.stopping:
        return
    resources = dict(settings.resources)
    try:
        drive(board, invocation, resources=resources, scheduler_url=settings.scheduler)
    except SchedulerUnavailableError:
        invocation.drain()
        raise


def _next_plan(next_wave: NextWave | None, invocation: Invocation) -> Plan | None:
    """Ask for the next wave; a step whose matrix cannot be made fails, and others may still go on."""
    while next_wave is not None and not invocation.stopping:
        try:
            return next_wave(invocation.records)
        except AxisError as error:
            invocation.fail(error.step, str(error))
    return None

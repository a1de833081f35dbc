"""Run a plan: from a `Plan` to a `RunReport`, by Luigi, in processes, recorded in MLflow.

Takes a plan, a ledger to read and a way to open a recorder; the store is opened for writing, and MLflow imported, when the
first step executes. However a run ends, no process of it is left, no staging folder, and no handler.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from pipespec.document.nodes import JSON
from pipespec.engine.attempts import Attempts
from pipespec.engine.executors import Executor, InlineExecutor, LocalExecutor
from pipespec.engine.interrupts import watch_signals
from pipespec.engine.invocation import Invocation
from pipespec.engine.luigi_worker import logging_to
from pipespec.engine.progress import PatientProgress, Progress
from pipespec.engine.settings import RunSettings
from pipespec.engine.staging import Staging, sweep_logs
from pipespec.engine.waves import shared_imports
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
    began = time.monotonic()
    told = PatientProgress(progress)
    logs = settings.state / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep_logs(logs)
    token = secrets.token_hex(6)
    with contextlib.ExitStack() as stack:
        interrupts = stack.enter_context(watch_signals())
        stack.enter_context(logging_to(logs / f"{token}-luigi.log"))
        staging = stack.enter_context(Staging(settings.state / "staging"))
        attempts = Attempts(ledger, open_recorder, settings)
        stack.callback(attempts.close)
        executor = _executor(plan, settings, logs / f"{token}-template.log")
        stack.callback(executor.close)
        stack.enter_context(interrupts.waking(executor.wake))
        invocation = Invocation(
            ledger=ledger,
            parts=_Parts(ledger),
            attempts=attempts,
            executor=executor,
            staging=staging,
            settings=settings,
            interrupts=interrupts,
            progress=told,
            began=began,
        )
        current: Plan | None = plan
        wave = 0
        while current is not None:
            plan, wave = current, wave + 1
            told.begin(len(plan.decisions))
            invocation.conduct(plan, f"{token}-{wave}")
            current = _next_plan(next_wave, invocation)
        invocation.settle_rest()
        report = RunReport(
            invocation=attempts.invocation,
            steps=tuple(invocation.results[step] for step in plan.decisions),
            seconds=time.monotonic() - began,
            interrupted_by=interrupts.signum,
            plan=invocation.carried_out,
            workers=settings.workers,
        )
        attempts.finish(report)
    return report


def _next_plan(next_wave: NextWave | None, invocation: Invocation) -> Plan | None:
    """Ask for the next wave; a step whose matrix cannot be made fails, and others may still go on."""
    while next_wave is not None and not invocation.stopping:
        try:
            return next_wave(invocation.records)
        except AxisError as error:
            invocation.fail(error.step, str(error))
    return None


def _executor(plan: Plan, settings: RunSettings, log: Path) -> Executor:
    # Apple's libraries do not bear a fork once they are loaded.
    modules = shared_imports(plan) if settings.preload and sys.platform != "darwin" else ()
    local = LocalExecutor(modules=modules, folder=plan.pipeline.root, log=log, grace=settings.grace)
    if settings.on_error is None:
        return local
    return InlineExecutor(settings.inline, settings.on_error, local)


class _Parts:
    """Looks digests of files in directory outputs up in the manifests of their runs; each is read once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, dict[str, JSON]] = {}

    def digest_of_part(self, record: StepRecord, output: str, part: str) -> str | None:
        """Return sha256 of one file, or None where the manifest does not say."""
        if record.run_id not in self._known:
            self._known[record.run_id] = self._ledger.manifest(record)
        match self._known[record.run_id]:
            case {"outputs": {**outputs}}:
                match outputs.get(output):
                    case {"manifest": {**files}}:
                        digest = files.get(part)
                        return digest if isinstance(digest, str) else None
        return None

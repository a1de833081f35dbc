"""Open and close an invocation with everything that it needs: staging, attempts, an executor, signals.

Takes a plan, a ledger to read and a function that opens a recorder. The store is opened for writing, and MLflow
imported, when the first step executes. However the invocation ends, no process, no staging folder and no handler of it
is left.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from pipespec.engine.attempts import Attempts
from pipespec.engine.failed_work import sweep_failed_work
from pipespec.engine.interrupts import Interrupts, watch_signals
from pipespec.engine.invocation import Invocation
from pipespec.engine.manifest_parts import ManifestParts
from pipespec.engine.processes.executors import Executor, InlineExecutor, LocalExecutor
from pipespec.engine.progress_events import PatientProgress, Progress
from pipespec.engine.publications import Publications
from pipespec.engine.readiness import shared_imports
from pipespec.engine.run_settings import RunSettings
from pipespec.engine.staging import Staging, sweep_logs
from pipespec.engine.store_absence import StoreAbsence
from pipespec.frozen_values import frozen
from pipespec.plan.plan import Action, Plan
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.tracking_uri import is_server
from pipespec.tracking.writing.recorder import Recorder

__all__ = ["Opened", "opened"]

_FETCHING: Final = (
    "pipespec.tracking.server.reach_server",
    "pipespec.tracking.server.server_files",
)
"""What each step's process would import to fetch files from a server: mainly HTTP."""


@frozen
class Opened:
    """An active invocation. `token` distinguishes it from all others."""

    token: str
    began: float
    """By `time.monotonic`."""
    invocation: Invocation
    attempts: Attempts
    interrupts: Interrupts
    progress: Progress
    executor: Executor


@contextlib.contextmanager
def opened(
    plan: Plan,
    *,
    ledger: Ledger,
    open_recorder: Callable[[], Recorder],
    settings: RunSettings,
    progress: Progress | None = None,
) -> Iterator[Opened]:
    """Open an invocation that begins with this plan."""
    began = time.monotonic()
    told = PatientProgress(progress)
    logs = settings.state.logs
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep_logs(logs)
    sweep_failed_work(settings.state.failed)
    token = secrets.token_hex(6)
    with contextlib.ExitStack() as stack:
        interrupts = stack.enter_context(watch_signals())
        staging = stack.enter_context(Staging(settings.state.staging))
        absence = StoreAbsence(settings.patience)
        attempts = Attempts(ledger, open_recorder, settings, absence)
        stack.callback(attempts.close)
        is_far = is_server(ledger.tracking_uri)
        executor = stack.enter_context(_opened_executor(plan, settings, token, staging, told, is_far=is_far))
        publications = Publications(is_far=is_far, wake=executor.wake, absence=absence)
        stack.callback(publications.close)
        stack.enter_context(interrupts.waking(executor.wake))
        invocation = Invocation(
            ledger=ledger,
            parts=ManifestParts(ledger),
            attempts=attempts,
            absence=absence,
            executor=executor,
            publications=publications,
            staging=staging,
            settings=settings,
            interrupts=interrupts,
            progress=told,
            began=began,
        )
        yield Opened(token, began, invocation, attempts, interrupts, told, executor)


@contextlib.contextmanager
def _opened_executor(
    plan: Plan, settings: RunSettings, token: str, staging: Staging, told: Progress, *, is_far: bool
) -> Iterator[Executor]:
    """Open the executor: processes on this machine, and a cluster for the steps that run there."""
    modules = _preloaded(plan, settings, is_far=is_far)
    local = LocalExecutor(
        modules=modules,
        folder=plan.pipeline.root,
        log=settings.state.logs / f"{token}-template.log",
        grace=settings.grace,
        environment=plan.pipeline.engine.env,
        warm_up=_may_execute(plan, settings, on_cluster=False),
    )
    with contextlib.ExitStack() as stack:
        executor: Executor = stack.enter_context(contextlib.closing(local))
        if settings.open_cluster is not None and _may_execute(plan, settings, on_cluster=True):
            own = staging.make("cluster")
            cluster = stack.enter_context(
                settings.open_cluster(plan, settings, token=token, folder=own, modules=modules, others=local)
            )
            executor = cluster.executor
            for note in cluster.notes:
                told.note(note)
        if settings.on_error is not None:
            executor = InlineExecutor(settings.inline, settings.on_error, executor)
        yield executor


def _preloaded(plan: Plan, settings: RunSettings, *, is_far: bool) -> tuple[str, ...]:
    """Return what is imported before steps are forked; nothing if a step has an environment in which imports must run."""
    has_own = any(decision.step.engine.env for decision in plan.decisions.values())
    # After Apple's libraries are loaded, a fork fails.
    if not settings.preload or has_own or sys.platform == "darwin":
        return ()
    return (*(_FETCHING if is_far else ()), *shared_imports(plan))


def _may_execute(plan: Plan, settings: RunSettings, *, on_cluster: bool) -> bool:
    """Return whether steps may execute on the cluster, or on this machine. A later matrix may create any of the steps."""
    decisions = plan.decisions.values()
    has_waves = any(decision.step.deferred for decision in decisions)
    return any(
        settings.is_on_cluster(decision.step) == on_cluster
        for decision in decisions
        if has_waves or decision.action is not Action.REUSE
    )

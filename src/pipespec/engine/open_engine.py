"""An invocation with all that it needs, opened and closed as one: staging, attempts, an executor, signals.

Takes a plan, a ledger to read and a way to open a recorder; the store is opened for writing, and MLflow imported, when the
first step executes. However it ends, no process of it is left, no staging folder, and no handler.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
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
from pipespec.plan.plan import Plan
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.tracking_uri import is_server
from pipespec.tracking.writing.recorder import Recorder

__all__ = ["Opened", "opened"]

_FETCHING: Final = (
    "pipespec.tracking.server.reach_server",
    "pipespec.tracking.server.server_files",
)
"""What each step's process would import to fetch files from a server: HTTP, above all."""


@frozen
class Opened:
    """An invocation under way; `token` tells it from all others."""

    token: str
    began: float
    """By `time.monotonic`."""
    invocation: Invocation
    attempts: Attempts
    interrupts: Interrupts
    progress: Progress
    wake: Callable[[], None]
    """Ends a wait for the executor; may be called from another thread."""


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
        executor = _executor(plan, settings, logs / f"{token}-template.log", is_far=is_far)
        stack.callback(executor.close)
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
        yield Opened(token, began, invocation, attempts, interrupts, told, executor.wake)


def _executor(plan: Plan, settings: RunSettings, log: Path, *, is_far: bool) -> Executor:
    # Apple's libraries do not bear a fork once they are loaded.
    modules: tuple[str, ...] = ()
    if settings.preload and sys.platform != "darwin":
        modules = (*(_FETCHING if is_far else ()), *shared_imports(plan))
    local = LocalExecutor(modules=modules, folder=plan.pipeline.root, log=log, grace=settings.grace)
    if settings.on_error is None:
        return local
    return InlineExecutor(settings.inline, settings.on_error, local)

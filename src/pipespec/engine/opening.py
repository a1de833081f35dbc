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
from dataclasses import dataclass
from pathlib import Path

from pipespec.document.nodes import JSON
from pipespec.engine.attempts import Attempts
from pipespec.engine.executors import Executor, InlineExecutor, LocalExecutor
from pipespec.engine.interrupts import Interrupts, watch_signals
from pipespec.engine.invocation import Invocation
from pipespec.engine.progress import PatientProgress, Progress
from pipespec.engine.settings import RunSettings
from pipespec.engine.staging import Staging, sweep_logs
from pipespec.engine.waves import shared_imports
from pipespec.plan.model import Plan, StepRecord
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.recorder import Recorder

__all__ = ["Opened", "opened"]


@dataclass(frozen=True, slots=True)
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
    logs = settings.state / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep_logs(logs)
    token = secrets.token_hex(6)
    with contextlib.ExitStack() as stack:
        interrupts = stack.enter_context(watch_signals())
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
        yield Opened(token, began, invocation, attempts, interrupts, told, executor.wake)


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

"""The part that runs on a Dask worker: it executes steps, each in a separate process, as on the user's machine.

A `Visit` tells a worker about a run: what must be the same as on the user's machine, and where the project is. A
`StepOrder` is a job. A `StepAnswer` says what came of it, or why it was not started. The template from which processes
are forked lives as long as the worker knows the run. If the worker dies, however that happens, the processes end too.
"""

from __future__ import annotations

import pickle
import platform
import shutil
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from distributed import WorkerPlugin, get_worker, secede
from distributed.utils import sync

from pipespec.engine.dask.live_log import LiveLog
from pipespec.engine.dask.project_archive import ProjectArchive, unpack
from pipespec.engine.dask.travelled_job import local_store, travelled
from pipespec.engine.dask.worker_processes import WorkerProcesses
from pipespec.engine.processes.executors import LocalExecutor
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.frozen_values import frozen
from pipespec.step.step_job import Failure, StepJob, StepOutcome, taken_outputs
from pipespec.tracking.artifacts import upload

__all__ = ["NO_FOLDER", "StepAnswer", "StepHost", "StepOrder", "Visit", "carry_out", "refusals", "stop_steps"]

NO_FOLDER: Final = "it does not see the project's folder"

_LOOK: Final = 0.25
"""Seconds between checks whether a step is still wanted."""

_TOLD: Final = 32 << 10
"""Bytes of an answer that is sent with the message of the task's end. The scheduler keeps up to 1,000 of them until an hour after the
run; a larger answer waits on the worker until it is fetched."""

_CLOSE_LIMIT: Final = 2.0
"""Seconds in which a worker that is told of the end of a run ends what is left of its steps, before it does something else."""


@frozen
class Visit:
    """One run, as described to its workers. `name` distinguishes it from all others on the cluster."""

    name: str
    topic: str
    """The topic of Dask's events under which a worker tells the user's process of steps."""
    root: str
    """The project's folder."""
    sign: str
    """A file in it whose content is `name`, as long as the run lasts."""
    python: str
    """Major and minor version."""
    pipespec: str
    packages: Mapping[str, str | None]
    """Versions of the packages that `identity.packages` of the steps names; None for a package that is not installed."""
    modules: tuple[str, ...]
    """Modules that are loaded before processes are forked."""
    environment: Mapping[str, str]
    grace: float
    archive: ProjectArchive | None = None
    """The project, for workers that do not see its folder."""


@frozen
class StepOrder:
    """A job, and its time limit in seconds."""

    job: StepJob
    timeout: float | None


@frozen
class StepAnswer:
    """The answer of a worker: an outcome, or `refusal`, or that another worker started the same job and `lost` it."""

    worker: str
    outcome: StepOutcome | None = None
    refusal: str = ""
    lost: str = ""
    log: bytes | None = None
    """The whole log of a step that does not write to the user's machine."""


class StepHost(WorkerPlugin):  # type: ignore[misc]  # Dask is not followed
    """Executes the steps of one run on one worker. Dask sends it to each worker, also to those that join later."""

    _worker: Any
    refusal: str
    """Why this worker executes no steps; empty if it does."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.name = visit.name

    def setup(self, worker: Any) -> None:
        """Check whether steps can be executed here, and prepare for it."""
        self._worker = worker
        self._lock = threading.Lock()
        self._processes: WorkerProcesses | None = None
        self._active: set[str] = set()
        self._ending: set[str] = set()
        """Active steps that have given their thread to others."""
        self._unwanted: dict[str, bool] = {}
        self.refusal = _refusal(self.visit)
        self._folder = Path(worker.local_directory).absolute()
        self._root = Path(self.visit.root)
        self._is_elsewhere = not self.refusal and not _shares(self.visit)
        if self._is_elsewhere and self.visit.archive is None:
            self.refusal = f"{NO_FOLDER} '{self.visit.root}'"
        elif self._is_elsewhere and self.visit.archive is not None:
            self._root = unpack(self.visit.archive, self._folder)
        if not self.refusal:
            self._processes = WorkerProcesses(self._new_executor)

    def teardown(self, worker: Any) -> None:  # noqa: ARG002 - Dask's signature
        """End what is running."""
        if self._processes is not None:
            self._processes.close(_CLOSE_LIMIT)

    def execute(self, order: StepOrder, key: str) -> StepAnswer:
        """Execute a job. Called in one of the worker's threads."""
        address = self._worker.address
        if self._processes is None:
            return StepAnswer(address, refusal=self.refusal)
        if (before := self._begun_by_another(key)) is not None:
            return StepAnswer(address, lost=before)
        with self._lock:
            self._active.add(key)
        try:
            outcome, log = self._outcome(self._processes, order, key)
        finally:
            with self._lock:
                self._active.discard(key)
                self._ending.discard(key)
                self._unwanted.pop(key, None)
        return StepAnswer(address, _with_worker(outcome, address), log=log)

    def stop(self, keys: Collection[str], *, at_once: bool) -> list[str]:
        """End steps, and return those that were running."""
        with self._lock:
            self._unwanted.update(dict.fromkeys(keys, at_once))
            return [key for key in keys if key in self._active]

    def _begun_by_another(self, key: str) -> str | None:
        """Return the worker that started this job. In any case, note that this worker starts it.

        If a worker is lost, Dask gives its task to another worker. However, Dask must not decide whether a step is
        tried again.
        """
        worker, place, ours = self._worker, [self.visit.name, key], uuid4().hex

        async def ask() -> str | None:
            # The note first: of two workers that begin at the same time, none must miss the other.
            await worker.scheduler.set_metadata(keys=[*place, ours], value=worker.address, reply=False)
            begun = await worker.scheduler.get_metadata(keys=place, default={})
            return next((address for name, address in begun.items() if name != ours), None)

        # By the worker's own connection: a client of its own would want certificates of its own.
        found: str | None = sync(worker.loop, ask)
        return found

    def _new_executor(self, on_done: Callable[[str], None]) -> LocalExecutor:
        return LocalExecutor(
            modules=self.visit.modules,
            folder=self._root,
            log=self._folder / f"{self.visit.name}.log",
            grace=self.visit.grace,
            environment=self.visit.environment,
            on_done=on_done,
        )

    def _outcome(
        self, processes: WorkerProcesses, order: StepOrder, key: str
    ) -> tuple[StepOutcome, bytes | None]:
        """Return the outcome, with the log if it was not written to the user's machine."""
        job = order.job
        if not self._is_elsewhere:
            return _uploaded(job, self._execute(processes, job, order.timeout, key, None)), None
        if (store := local_store(job)) is not None:
            why = (
                f"the Dask worker {self._worker.address} does not see '{store}', where results go: use a tracking server that"
                " hands out artifacts, or a folder that workers share"
            )
            return StepOutcome(job.step, 0.0, failure=Failure("store", why)), None
        folder = self._folder / key
        try:
            folder.joinpath("staging").mkdir(parents=True)
            moved = travelled(job, str(self._root), str(folder))
            live = LiveLog(
                Path(moved.log), lambda piece: self._worker.log_event(self.visit.topic, [key, *piece])
            )
            outcome = _uploaded(moved, self._execute(processes, moved, order.timeout, key, live))
            if not outcome.is_uploaded:
                why = "its outputs could not be sent, since the store is away"
                outcome = replace(outcome, outputs=(), failure=Failure("store", why))
            return outcome, live.whole()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _execute(
        self,
        processes: WorkerProcesses,
        job: StepJob,
        timeout: float | None,
        key: str,
        live: LiveLog | None,
    ) -> StepOutcome:
        told: bool | None = None
        # By the key: one step may be here twice, if it is tried again.
        running = processes.start(replace(job, step=key), timeout)
        while True:
            if outcome := running.wait(_LOOK):
                return replace(outcome, step=job.step)
            if running.is_done:
                self._make_room(key)
            if live is not None:
                live.send()
            at_once = self._unwanted.get(key, self._is_forgotten(key) or None)
            if at_once is not None and at_once != told:
                told = at_once
                processes.cancel(key, at_once=at_once)

    def _make_room(self, key: str) -> None:
        """Give the thread to the next step, while this one ends. For each thread, at most one step ends in this way."""
        with self._lock:
            if key in self._ending or len(self._ending) >= self._worker.state.nthreads:
                return
            self._ending.add(key)
        secede()

    def _is_forgotten(self, key: str) -> bool:
        """Return whether nobody waits for a task any more: the user's process or the scheduler may be gone."""
        task = self._worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"


def carry_out(visit: str, order: StepOrder) -> StepAnswer | None:
    """Execute a job on this worker: the function of our Dask tasks. Return the answer, unless it was told already."""
    worker = get_worker()
    host: StepHost | None = worker.plugins.get(visit)
    if host is None:
        return StepAnswer(worker.address, refusal="it was not told of the run")
    key: str = worker.get_current_task()
    answer = host.execute(order, key)
    if len(told := pickle.dumps(answer)) > _TOLD:
        return answer
    # It arrives before the message of the task's end, by the same connections. The result would have to be asked for, through the scheduler.
    worker.log_event(host.visit.topic, [key, told])
    return None


def stop_steps(visit: str, keys: Collection[str], *, at_once: bool, dask_worker: Any) -> list[str]:
    """End steps on this worker, and return those that were running. Called in its event loop."""
    host: StepHost | None = dask_worker.plugins.get(visit)
    return [] if host is None else host.stop(keys, at_once=at_once)


def refusals(visit: str, *, dask_worker: Any) -> str:
    """Return why this worker executes no steps of a run; empty if it does."""
    host: StepHost | None = dask_worker.plugins.get(visit)
    return "it was not told of the run" if host is None else host.refusal


def _refusal(visit: Visit) -> str:
    """Compare this worker with the user's machine."""
    python = ".".join(platform.python_version_tuple()[:2])
    if python != visit.python:
        return f"it has Python {python}, and this run {visit.python}"
    wanted = {"pipespec": visit.pipespec, **visit.packages}
    for name, stated in wanted.items():
        found = _version(name)
        if found != stated:
            has = f"no package '{name}'" if found is None else f"{name} {found}"
            run = f"{stated}: pip install {name}=={stated}" if stated else "none"
            return f"it has {has}, and this run {run}"
    return ""


def _shares(visit: Visit) -> bool:
    """Return whether this worker sees the project's folder."""
    try:
        return Path(visit.sign).read_text(encoding="utf-8") == visit.name
    except OSError:
        return False


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _uploaded(job: StepJob, outcome: StepOutcome) -> StepOutcome:
    """Send outputs to a remote store from here, so that they do not pass through the user's process; not if it is not reachable."""
    if outcome.is_uploaded or outcome.failure is not None:
        return outcome
    assert job.artifact_uri is not None
    made = taken_outputs(job.staging)
    files = [(made / saved.file, saved.file) for saved in outcome.outputs]
    try:
        upload(files, job.artifact_uri, job.tracking_uri or "")
    except StoreUnavailableError:
        return outcome
    except (PipespecError, OSError) as error:
        return replace(outcome, failure=Failure("store", f"its outputs could not be uploaded: {error}"))
    return replace(outcome, is_uploaded=True)


def _with_worker(outcome: StepOutcome, address: str) -> StepOutcome:
    """Say on which worker a module could not be imported, because its packages may differ from the user's."""
    failure = outcome.failure
    if failure is None or (failure.kind != "import" and "ModuleNotFoundError" not in failure.message):
        return outcome
    message = f"{failure.message}; it ran on the Dask worker {address}: install what is missing there"
    return replace(outcome, failure=Failure(failure.kind, message, failure.traceback, failure.refused))

"""Use Luigi's own work loop for a run of ours: Luigi decides what is next, the run reports the results.

Takes a `TaskGraph`, and a `Turns` that starts steps and reports when they have ended. Returns when Luigi has nothing
more to hand out. Luigi's `build` is not used: it configures logging for the whole process, and its summary visits
pending tasks by recursion, which fails for a failed chain of 1,000 steps. Luigi's result is not used: the run knows the
results itself.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, Self

import luigi.rpc
import luigi.worker
from luigi.task_status import DONE, FAILED, RUNNING

from pipespec.engine.luigi.luigi_tasks import PipelineTask, StepTask, TaskGraph, open_task_graph
from pipespec.engine.luigi.ready_scheduler import ReadyScheduler
from pipespec.errors import StoreUnavailableError
from pipespec.tracking.noise_log import NoiseLog
from pipespec.tracking.started_run import StartedRun

__all__ = ["SchedulerUnavailableError", "Turns", "drive", "logging_to"]


_CONNECT_LIMIT: Final = 5.0
"""Seconds within which a luigid must answer; there are three tries."""

_RETRY_WAIT: Final = 1
"""Seconds between the tries."""


_WORK: Final = frozenset({"running_tasks", "n_pending_tasks"})
_ANSWERS: Final = {"get_work": _WORK, "count_pending": _WORK, "ping": frozenset({"rpc_messages"})}
"""What Luigi reads in the answers of a luigid to some questions."""


class SchedulerUnavailableError(StoreUnavailableError):
    """The luigid cannot be reached. This does not affect steps that execute."""


class Turns(Protocol):
    """What Luigi drives."""

    @property
    def slots(self) -> int:
        """The number of steps that may be in progress, including those that wait for their turn."""

    @property
    def stopping(self) -> bool:
        """True if nothing new may be started."""

    @property
    def used(self) -> Mapping[str, int]:
        """How much of the resources is in use: a step that waits for its turn uses none. No luigid is told of it."""

    def begin(self, step: str) -> None:
        """Start a step. `next_ended` will report its end."""

    def pop_begun(self) -> Mapping[str, StartedRun]:
        """Return the MLflow runs that have begun and were not reported yet, by step. Only a luigid is told of them."""

    def next_ended(self) -> tuple[str, bool] | None:
        """Wait until a step has ended, and return it with whether it is complete; None if `slots` or `stopping` changed."""


def drive(
    graph: TaskGraph,
    turns: Turns,
    *,
    resources: dict[str, int],
    scheduler_url: str | None = None,
    page_of: Callable[[StartedRun], str | None] = lambda _run: None,
) -> None:
    """Let Luigi hand out the graph's steps until none is left that could start.

    `resources` says how many there are of each resource; of a resource without an entry there is one. With
    `scheduler_url`, a luigid schedules the steps and shows them: each step with the id of its run, and a link to the
    page that `page_of` returns.

    Raises:
        SchedulerUnavailableError: if the luigid cannot be reached.
    """
    with open_task_graph(graph):
        if scheduler_url is None:
            scheduler = ReadyScheduler(graph.positions(), resources, lambda: turns.used)
        else:
            scheduler = _Luigid(scheduler_url, connect_timeout=_CONNECT_LIMIT)
            scheduler._rpc_retry_wait = _RETRY_WAIT  # noqa: SLF001 - otherwise 30 s, and only a luigi.cfg could change it
        worker = _StepWorker(turns, scheduler, page_of)
        try:
            with worker:
                worker.add(graph.root())
                worker.run()
        except luigi.rpc.RPCError as error:
            raise SchedulerUnavailableError(
                f"the scheduler at {scheduler_url} does not answer: {error}"
            ) from error


class _Luigid(luigi.rpc.RemoteScheduler):  # type: ignore[misc]  # Luigi is untyped
    """A luigid whose answers are checked: another service, or a proxy before it, may answer as well."""

    def _request(self, url: str, *args: Any, **more: Any) -> dict[str, Any] | None:
        try:
            answer = super()._request(url, *args, **more)
        except (ValueError, LookupError, TypeError) as error:
            raise _no_luigid() from error
        if answer is not None and not isinstance(answer, dict):
            raise _no_luigid()
        needed = _ANSWERS.get(url.rpartition("/")[2], frozenset())
        if needed - (answer or {}).keys():
            raise _no_luigid()
        return answer


def _no_luigid() -> luigi.rpc.RPCError:
    return luigi.rpc.RPCError("what answers there is no luigid")


class _StepWorker(luigi.worker.Worker):  # type: ignore[misc]  # Luigi is untyped
    """Luigi's worker, whose processes are steps of the run. Every setting that a luigi.cfg could change is set explicitly."""

    def __init__(self, turns: Turns, scheduler: Any, page_of: Callable[[StartedRun], str | None]) -> None:
        self._turns = turns
        self._page_of = page_of
        super().__init__(
            scheduler=scheduler,
            keep_alive=False,
            task_limit=None,
            timeout=0,
            ping_interval=1.0,
            send_failure_email=False,
            no_install_shutdown_handler=True,
            check_unfulfilled_deps=False,
            check_complete_on_run=False,
            cache_task_completion=False,
        )
        is_shown = not isinstance(scheduler, ReadyScheduler)
        self._task_result_queue = _EndedSteps(turns, self._show_run if is_shown else None)

    @property
    def worker_processes(self) -> int:
        """Ask the run: a step that waits for a retry, or for another run, occupies no place."""
        return self._turns.slots

    @worker_processes.setter
    def worker_processes(self, _count: int) -> None:
        """Ignore values that Luigi would set."""

    def __enter__(self) -> Self:
        if not isinstance(self._scheduler, ReadyScheduler):
            super().__enter__()  # a thread that tells a luigid that this worker is alive
        return self

    def __exit__(self, *error: object) -> None:
        if not isinstance(self._scheduler, ReadyScheduler):
            super().__exit__(*error)

    def _show_run(self, task: StepTask, run: StartedRun) -> None:
        """Make the luigid show the MLflow run of a task."""
        self._scheduler.set_task_status_message(task.task_id, f"MLflow run {run.run_id}")
        if (page := self._page_of(run)) is not None:
            self._scheduler.add_task(task_id=task.task_id, worker=self._id, status=RUNNING, tracking_url=page)

    def _create_task_process(self, task: StepTask | PipelineTask) -> _TaskInHand:
        return _TaskInHand(task, self._task_result_queue)

    def _get_work(self) -> Any:
        if self._turns.stopping:
            self._start_phasing_out()
        response = super()._get_work()
        self._get_work_response_history.clear()  # for a summary that nobody makes, of all that ran at each time
        return response

    def _log_remote_tasks(self, get_work_response: Any) -> None:
        """Log nothing: Luigi would log each running task whenever it looks for work."""


class _EndedSteps:
    """Replaces the queue in which Luigi's worker has the results of its processes."""

    def __init__(self, turns: Turns, show_run: Callable[[StepTask, StartedRun], None] | None) -> None:
        self.turns = turns
        self._show_run = show_run
        self.tasks: dict[str, StepTask] = {}
        self.ended: list[tuple[str, str]] = []

    def get(self, timeout: float) -> tuple[str, str, str, list[str], list[str]]:  # noqa: ARG002 - Luigi's signature
        if self.ended:
            task_id, status = self.ended.pop()
        else:
            self._show_begun()  # what starts immediately; what has waited is done while we wait
            found = self.turns.next_ended()
            self._show_begun()
            if found is None:
                raise queue.Empty
            step, is_complete = found
            task_id, status = self.tasks.pop(step).task_id, DONE if is_complete else FAILED
        return task_id, status, "", [], []

    def _show_begun(self) -> None:
        if self._show_run is not None:
            for step, run in self.turns.pop_begun().items():
                self._show_run(self.tasks[step], run)

    def put(self, _result: object) -> None:
        """Ignore Luigi: the run itself notices processes that die or take too long."""

    def close(self) -> None:
        """Contain nothing."""


class _TaskInHand:
    """Replaces a process of Luigi's worker."""

    use_multiprocessing = True
    exitcode = None
    timeout_time = None

    def __init__(self, task: StepTask | PipelineTask, ended: _EndedSteps) -> None:
        self.task = task
        self._ended = ended

    def start(self) -> None:
        if isinstance(self.task, StepTask):
            self._ended.tasks[self.task.step] = self.task
            self._ended.turns.begin(self.task.step)
        else:
            self._ended.ended.append((self.task.task_id, DONE))

    def is_alive(self) -> bool:
        return True

    def terminate(self) -> None:
        """Leave this to the run, which ends its steps itself."""


@contextmanager
def logging_to(log: Path) -> Iterator[None]:
    """Send Luigi's log output only to a file while a run is active."""
    handler = NoiseLog(log, "%(asctime)s %(name)s %(levelname)s %(message)s")
    loggers = [logging.getLogger(name) for name in ("luigi", "luigi-interface", "luigi.scheduler")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
        handler.close()

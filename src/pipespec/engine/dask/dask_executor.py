"""The executor of a run with steps on a Dask cluster: each step is a Dask task, which a worker executes in a process.

Takes jobs with terms for the cluster, and passes the others to another executor. Returns outcomes as they arrive. If a
worker is lost, its step fails, and is tried again according to its `retry`. If the scheduler is lost, everything ends.
Dask's own thread delivers answers, and one more thread watches the cluster; there is no thread per step.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipespec.engine.dask.open_cluster import OpenCluster, answers
from pipespec.engine.dask.step_host import StepAnswer, StepOrder, carry_out, stop_steps
from pipespec.engine.processes.executors import ClusterTerms, Executor
from pipespec.step.failure import one_line
from pipespec.step.step_job import Failure, StepJob, StepOutcome

__all__ = ["DaskExecutor"]

_AHEAD: Final = 3
"""Tasks for each thread of a worker: one ends, one executes, and the next one is ready when its function has returned."""

_LOOK_EVERY: Final = 1.0
_SILENCE: Final = 30.0
"""Seconds after which a scheduler that does not answer is given up."""

_STOP_LIMIT: Final = 5.0
"""Seconds in which workers must answer that they end steps."""

_WITHOUT_WORKERS: Final = 120.0
"""Seconds after which a cluster without workers is given up, unless its workers are started on demand."""

_RESUME: Final = "what was published is kept; run again to continue"


@dataclass(slots=True, eq=False)
class _Task:
    """A job on the cluster. Times are of the monotonic clock."""

    key: str
    order: StepOrder
    terms: ClusterTerms
    sent: float
    future: Any = None
    refused: dict[str, str] = field(default_factory=dict)
    """Workers that do not execute it, each with the reason."""
    due: float | None = None
    """When it is given up, after it was cancelled."""
    told: bytes = b""
    """The answer, pickled, if it arrived before the task's end."""


class DaskExecutor:
    """Executes jobs on a cluster. `visit` is the name by which its workers know the run.

    `unfit` are workers that execute no steps, each with the reason. `threads` is how many each worker has. `places` limits the number of tasks at a time.
    `grace` is the time that a process has between SIGTERM and SIGKILL, in seconds.
    """

    def __init__(
        self,
        cluster: OpenCluster,
        visit: str,
        *,
        unfit: Mapping[str, str],
        threads: Mapping[str, int],
        places: int | None,
        grace: float,
        others: Executor,
    ) -> None:
        self._cluster = cluster
        self._client = cluster.client
        self._visit = visit
        self._unfit = dict(unfit)
        self._places = places
        self._grace = grace
        self._others = others
        self._tasks: dict[str, _Task] = {}
        self._sent: dict[str, _Task] = {}
        """Tasks that Dask has, by their keys."""
        self._last = 0
        self._arrived: deque[tuple[_Task, StepAnswer | Failure]] = deque()
        self._ended: list[StepOutcome] = []
        self._lost = ""
        """Why the cluster is given up."""
        self._threads = dict(threads)
        self._answered = time.monotonic()
        self._had_workers = time.monotonic()
        self._orders: queue.SimpleQueue[tuple[list[_Task], bool] | None] = queue.SimpleQueue()
        self._client.subscribe_topic(cluster.topic, self._hear)
        self._watch = threading.Thread(target=self._look_after, name="dask", daemon=True)
        self._watch.start()

    @property
    def cluster_places(self) -> int:
        """The requested number, or the number that keeps all workers busy."""
        threads = sum(count for worker, count in self._threads.items() if worker not in self._unfit)
        return self._places or max(1, threads) * _AHEAD

    def submit(self, job: StepJob, *, timeout: float | None, cluster: ClusterTerms | None = None) -> None:
        """Start a job on the cluster, or elsewhere."""
        if cluster is None:
            self._others.submit(job, timeout=timeout)
            return
        self._last += 1
        task = _Task(f"{self._visit}-{self._last}", StepOrder(job, timeout), cluster, time.monotonic())
        self._tasks[job.step] = task
        self._send(task)

    def wait(self, timeout: float) -> Sequence[StepOutcome]:
        """Return the outcomes of jobs that ended on the cluster, or elsewhere."""
        ended = self._take_ended()
        if ended:
            return ended
        outcomes = self._others.wait(timeout)
        return [*self._take_ended(), *outcomes]

    def wake(self) -> None:
        """Make a `wait` return immediately."""
        self._others.wake()

    def cancel(self, step: str, *, at_once: bool) -> None:
        """End a job. A job that no worker has started is ended directly."""
        task = self._tasks.get(step)
        if task is None:
            self._others.cancel(step, at_once=at_once)
            return
        task.due = time.monotonic() + (1.0 if at_once else self._grace + 1.0)
        self._orders.put(([task], at_once))

    def close(self) -> None:
        """Make the cluster forget what is running; its workers then end it. The owner of the other executor closes it."""
        for task in self._tasks.values():
            _release(task)
        self._tasks.clear()
        self._orders.put(None)
        self._watch.join(_LOOK_EVERY)
        if not self._lost:
            leaving = threading.Thread(target=self._leave, daemon=True)  # a scheduler may never answer
            leaving.start()
            leaving.join(_LOOK_EVERY * 3)

    # ------------------------------------------------------------------------------------- the run's thread

    def _send(self, task: _Task) -> None:
        job = task.order.job
        self._sent[task.key] = task
        unfit = {**self._unfit, **task.refused}
        fit = [worker for worker in self._threads if worker not in unfit]
        if task.refused and not fit:
            worker, why = next(iter(task.refused.items()))
            self._end(task, Failure("lost", f"no worker of the cluster can run it; {worker}: {why}"))
            return
        try:
            task.future = self._client.submit(
                carry_out,
                self._visit,
                task.order,
                key=task.key,
                pure=False,
                retries=0,
                priority=task.terms.priority,
                resources=dict(task.terms.resources) or None,
                workers=fit if unfit else None,
            )
            task.future.add_done_callback(lambda future: self._note(task, future))
        except Exception as error:  # noqa: BLE001 - a client that lost its scheduler raises various errors
            why = self._lost or f"{self._at} took no work: {type(error).__name__}: {one_line(str(error))}"
            self._end(task, Failure("cluster", f"{why}; {_RESUME}"))
            return
        if job.step not in self._tasks:
            _release(task)

    def _take_ended(self) -> list[StepOutcome]:
        while self._arrived:
            self._take(*self._arrived.popleft())
        self._give_up()
        ended, self._ended = self._ended, []
        return ended

    def _take(self, task: _Task, answer: StepAnswer | Failure) -> None:
        if self._tasks.get(task.order.job.step) is not task:
            return  # it was given up
        if isinstance(answer, StepAnswer) and answer.log is not None:
            Path(task.order.job.log).write_bytes(answer.log)
        if isinstance(answer, Failure):
            self._end(task, answer)
        elif answer.outcome is not None:
            self._end(task, answer.outcome)
        elif answer.lost:
            why = f"the Dask worker {answer.lost} was lost while it ran; out of memory, killed or cut off?"
            self._end(task, Failure("lost", why))
        else:
            task.refused[answer.worker] = answer.refusal
            self._sent.pop(task.key, None)
            _release(task)
            self._last += 1
            task.key = f"{self._visit}-{self._last}"
            self._send(task)

    def _end(self, task: _Task, what: StepOutcome | Failure) -> None:
        step = task.order.job.step
        self._tasks.pop(step, None)
        self._sent.pop(task.key, None)
        _release(task)
        if isinstance(what, Failure):
            if task.due is not None and what.kind != "cluster":
                what = Failure("cancelled", "was cancelled")
            what = StepOutcome(step, time.monotonic() - task.sent, failure=what)
        self._ended.append(what)

    def _give_up(self) -> None:
        """End jobs that were cancelled and do not end, and everything if the cluster is lost."""
        now = time.monotonic()
        if self._tasks and not self._lost:
            if now - self._answered > _SILENCE:
                self._lost = f"{self._at} has not answered for {_SILENCE:g} s"
            elif not self._cluster.is_elastic and now - self._had_workers > _WITHOUT_WORKERS:
                self._lost = f"{self._at} has had no workers for {_WITHOUT_WORKERS:g} s"
        for task in list(self._tasks.values()):
            if self._lost:
                self._end(task, Failure("cluster", f"{self._lost}; {_RESUME}"))
            elif task.due is not None and task.due <= now:
                self._end(task, Failure("cancelled", "was cancelled"))

    @property
    def _at(self) -> str:
        return f"the Dask scheduler at {self._cluster.address}"

    # ------------------------------------------------------------------------------------- Dask's threads

    def _hear(self, event: tuple[float, Any]) -> None:
        """Take what a worker tells of a task: its answer, or a piece of a log that grows elsewhere. Called by Dask."""
        match event[1]:
            case [str(key), bytes(told)] if key in self._sent:
                self._sent[key].told = told
            case [str(key), int(at), bytes(piece)] if (task := self._sent.get(key)) is not None:
                log = Path(task.order.job.log)
                with contextlib.suppress(OSError), log.open("r+b" if log.exists() else "wb") as file:
                    file.seek(at)
                    file.write(piece)
            case _:
                pass  # the scheduler tells of us under the same topic

    def _note(self, task: _Task, future: Any) -> None:
        """Take the answer of a task that has ended. Called by Dask."""
        try:
            status = future.status
            if status == "finished":
                told, task.told = task.told, b""
                answer = pickle.loads(told) if told else future.result(timeout=_SILENCE)  # noqa: S301 - from our workers
                self._arrived.append(
                    (task, answer or Failure("lost", "the answer of its Dask worker was lost"))
                )
            elif status == "error":
                self._arrived.append((task, self._failure(future.exception(timeout=_SILENCE))))
            elif task.future is future:  # otherwise we released it
                self._lost = self._lost or f"{self._at} went away"
        except Exception as error:  # noqa: BLE001 - the connection may break at any moment
            self._arrived.append((task, self._failure(error)))
        self._others.wake()

    def _failure(self, error: BaseException) -> Failure:
        if type(error).__name__ == "KilledWorker":
            worker = getattr(getattr(error, "last_worker", None), "address", "")
            return Failure(
                "lost", f"the Dask worker {worker} was lost while it ran; out of memory, killed or cut off?"
            )
        what = f"a Dask worker could not run it: {type(error).__name__}: {one_line(str(error))}"
        return Failure("lost", what)

    def _look_after(self) -> None:
        """Update the number of workers, and end what must be ended."""
        while True:
            try:
                order = self._orders.get(timeout=_LOOK_EVERY)
            except queue.Empty:
                order = ([], False)
            if order is None:
                return
            with contextlib.suppress(Exception):  # asked again, until the time limit is reached
                if order[0]:
                    self._stop(*order)
                self._threads = dict(self._client.nthreads())
                self._answered = time.monotonic()
                if self._threads:
                    self._had_workers = self._answered
            self._others.wake()

    def _stop(self, tasks: list[_Task], at_once: bool) -> None:  # noqa: FBT001 - of `cancel`
        """Make workers end tasks. Tasks that no worker has started end here."""
        keys = [task.key for task in tasks]
        workers = list(self._client.nthreads())
        told = answers(
            self._client, workers, stop_steps, self._visit, keys, at_once=at_once, limit=_STOP_LIMIT
        )
        begun = {key for found in told.values() if isinstance(found, list) for key in found}
        all_told = len(told) == len(workers)  # otherwise, a silent worker may have begun a task
        for task in tasks:
            if task.key not in begun and all_told:
                self._arrived.append((task, Failure("cancelled", "was cancelled")))

    def _leave(self) -> None:
        with contextlib.suppress(Exception):
            self._client.unregister_worker_plugin(self._visit)
            self._client.set_metadata([self._visit], None)


def _release(task: _Task) -> None:
    """Make Dask forget a task. A worker that executes it notices this."""
    future, task.future = task.future, None
    if future is not None:
        with contextlib.suppress(Exception):
            future.release()

"""Luigi's scheduler with ready tasks in heaps: the next task is found in O(log n), whatever the graph.

Takes tasks through Luigi's own interface (`add_task`, `get_work`). Hands them out by priority, then by plan order, as
soon as all their dependencies are done and their resources are free. Serves the one worker of one run: no pruning, no
batches, no assistants, no retry of failures. The figures are in decisions/0006-luigi-worker.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import luigi.metrics
import luigi.scheduler
from luigi.task_status import DONE, FAILED, PENDING, RUNNING

__all__ = ["ReadyScheduler"]

_Rank: TypeAlias = tuple[int, int, str]
"""(negated priority, position in the plan, task id): the smallest comes first."""

_Needs: TypeAlias = tuple[tuple[str, int], ...]
"""Sorted (resource, amount) pairs. Tasks that need the same wait in one heap."""

_LAST: Final = 1 << 62


class ReadyScheduler(luigi.scheduler.Scheduler):  # type: ignore[misc]  # Luigi is untyped
    """A local scheduler for one run.

    `positions` maps task ids to their place in the plan; others come last. `resources` says how many there are of
    each; of a resource that it does not name there is one (Luigi's rule). `used` says how much of each is in use. A task's
    priority is taken as it is: whoever makes the tasks raises what others wait for.
    """

    def __init__(
        self,
        positions: Mapping[str, int],
        resources: Mapping[str, int],
        used: Callable[[], Mapping[str, int]],
    ) -> None:
        # Each setting that a stray luigi.cfg could change in a way that matters is stated.
        super().__init__(
            prune_on_get_work=False,
            record_task_history=False,
            batch_emails=False,
            retry_count=999_999_999,
            disable_hard_timeout=999_999_999,
            metrics_collector=luigi.metrics.MetricsCollectors.default,
        )
        self._resources = dict(resources)
        self._positions = positions
        self._used = used
        self._ready: dict[_Needs, list[_Rank]] = {}
        self._unmet: dict[str, set[str]] = {}
        self._dependents: defaultdict[str, list[str]] = defaultdict(list)

    def prune(self) -> None:
        """Keep everything: the run knows its graph, and ends with it."""

    def add_task(self, task_id: str, **kwargs: Any) -> None:
        """Take a task or its new status, as reported by Luigi's worker."""
        super().add_task(task_id=task_id, **kwargs)
        task = self._state.get_task(task_id)
        if task.status == DONE:
            for dependent in self._dependents.pop(task_id, ()):
                self._meet(dependent, task_id)
        elif task.status == PENDING and task_id not in self._unmet:
            self._await(task)

    def get_work(self, *, worker: str, **_kwargs: Any) -> dict[str, Any]:
        """Hand out the best ready task whose resources are free, and report what is pending and running."""
        rank = self._take_best()
        if rank is None:
            return {**self.count_pending(worker), "task_id": None}
        task = self._state.get_task(rank[2])
        self._state.set_status(task, RUNNING, self._config)
        task.worker_running = worker
        task.resources_running = dict(task.resources)
        task.time_running = time.time()
        return {
            **self.count_pending(worker),
            "task_id": task.id,
            "task_family": task.family,
            "task_module": task.module,
            "task_params": task.params,
        }

    def count_pending(self, worker: str) -> dict[str, Any]:  # noqa: ARG002 - Luigi's signature
        """Count what is pending, without walking all tasks as Luigi does; what runs, no worker of ours asks."""
        by_status = self._state._status_tasks  # noqa: SLF001 - a subclass reads its parent's state
        pending = len(by_status[PENDING]) + len(by_status[FAILED])
        return {
            "n_pending_tasks": pending,
            "n_unique_pending": pending,
            "n_pending_last_scheduled": pending,
            "worker_state": luigi.scheduler.WORKER_STATE_ACTIVE,
            "running_tasks": [],
        }

    def _update_priority(self, task: Any, prio: int, worker: str) -> None:  # noqa: ARG002 - Luigi's signature
        """Set a task's own priority. Luigi passes it upward by recursion, which fails for a long chain."""
        task.priority = prio

    def _await(self, task: Any) -> None:
        unmet = {upstream for upstream in task.deps if not self._is_done(upstream)}
        self._unmet[task.id] = unmet
        for upstream in unmet:
            self._dependents[upstream].append(task.id)
        if not unmet:
            self._push(task)

    def _meet(self, task_id: str, upstream: str) -> None:
        unmet = self._unmet[task_id]
        unmet.discard(upstream)
        if not unmet:
            self._push(self._state.get_task(task_id))

    def _is_done(self, task_id: str) -> bool:
        task = self._state.get_task(task_id)
        return task is not None and task.status == DONE

    def _used_resources(self) -> Mapping[str, int]:
        """Ask the run: to Luigi, a task that waits to be tried again runs."""
        return Counter(self._used())

    def _push(self, task: Any) -> None:
        needs = tuple(sorted(task.resources.items()))
        rank = (-task.priority, self._positions.get(task.id, _LAST), task.id)
        heapq.heappush(self._ready.setdefault(needs, []), rank)

    def _take_best(self) -> _Rank | None:
        """Take the first ready task, in order of rank, whose resources are free.

        If a task of higher priority waits for a resource, no task of lower priority takes more of it.
        """
        used = self._used_resources()
        held: dict[str, int] = {}
        for rank, needs in self._best_first():
            if any(rank[0] > held.get(name, rank[0]) for name, _ in needs):
                continue
            if self._has_resources(dict(needs), used):
                heapq.heappop(self._ready[needs])
                return rank
            for name, _ in needs:
                held.setdefault(name, rank[0])
        return None

    def _best_first(self) -> Iterator[tuple[_Rank, _Needs]]:
        """Yield the first task of each heap, best first. There are as many heaps as distinct needs, which are few."""
        return iter(sorted((heap[0], needs) for needs, heap in self._ready.items() if heap))

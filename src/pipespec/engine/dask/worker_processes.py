"""The processes of the steps on one worker, forked from one template, whatever the number of the worker's threads.

Each thread starts a step and waits for what comes of it. One more thread serves the executor, which knows only one.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Final

from pipespec.engine.processes.executors import LocalExecutor
from pipespec.step.step_job import Failure, StepJob, StepOutcome

__all__ = ["RunningStep", "WorkerProcesses"]

_LOOK: Final = 60.0
"""Seconds between two turns in which nothing happens; whatever happens begins one at once."""


class RunningStep:
    """A step as the thread sees it that waits for it."""

    def __init__(self) -> None:
        self._ended: queue.SimpleQueue[StepOutcome | None] = queue.SimpleQueue()
        self.is_done = False
        """Whether it has little left to do, so that the next step may begin."""

    def wait(self, timeout: float) -> StepOutcome | None:
        """Return its outcome; None if there is none within so many seconds, and when it is done."""
        try:
            return self._ended.get(timeout=timeout)
        except queue.Empty:
            return None

    def end(self, outcome: StepOutcome) -> None:
        """Give it its outcome."""
        self._ended.put(outcome)

    def say_done(self) -> None:
        """Wake up who waits for it."""
        self.is_done = True
        self._ended.put(None)


class WorkerProcesses:
    """Starts and ends steps, from any thread. Names of jobs are unique."""

    def __init__(self, make: Callable[[Callable[[str], None]], LocalExecutor]) -> None:
        """Take what makes the executor, with a function that it calls when a step is done."""
        self._executor = make(self._say_done)
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._running: dict[str, RunningStep] = {}
        self._lock = threading.Lock()
        self._is_open = True
        """Whether orders are taken."""
        self._thread = threading.Thread(target=self._serve, name="pipespec-steps", daemon=True)
        self._thread.start()

    def start(self, job: StepJob, timeout: float | None) -> RunningStep:
        """Start a job."""
        step = RunningStep()

        def begin() -> None:
            self._running[job.step] = step
            self._executor.submit(job, timeout=timeout)

        if not self._order(begin):
            step.end(_cancelled(job.step))
        return step

    def cancel(self, name: str, *, at_once: bool) -> None:
        """End a job: gently, with a grace period, or immediately."""
        self._order(lambda: self._executor.cancel(name, at_once=at_once))

    def close(self, timeout: float) -> None:
        """Kill everything, and wait at most so many seconds for it."""
        self._order(self._refuse_orders)
        self._thread.join(timeout)

    def _order(self, order: Callable[[], None]) -> bool:
        """Let the serving thread do something, and return whether it will."""
        with self._lock:
            if self._is_open:
                self._orders.put(order)
                self._executor.wake()
            return self._is_open

    def _serve(self) -> None:
        try:
            while self._is_open:
                for outcome in self._executor.wait(_LOOK):
                    self._running.pop(outcome.step).end(outcome)
                self._obey()
        finally:
            self._refuse_orders()
            self._obey()
            self._executor.close()
            for name, step in self._running.items():
                step.end(_cancelled(name))

    def _refuse_orders(self) -> None:
        with self._lock:
            self._is_open = False

    def _obey(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._orders.get_nowait()()

    def _say_done(self, name: str) -> None:
        self._running[name].say_done()


def _cancelled(name: str) -> StepOutcome:
    return StepOutcome(name, 0.0, failure=Failure("cancelled", "was cancelled"))

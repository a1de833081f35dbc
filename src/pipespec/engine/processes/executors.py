"""Execute steps: takes a `StepJob`, and later returns one `StepOutcome`, whatever the step does.

An executor decides nothing about pipelines, does not know MLflow, and accepts only what it can check: a step succeeded
if its result record exists *and* its process ended cleanly. `LocalExecutor` runs each job in a separate process on this
machine. `engine/dask/` has an executor for clusters.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from pipespec.engine.processes.process_messages import Answer, Done, Exited, Lost, Ready, Started
from pipespec.engine.processes.step_processes import StepProcesses
from pipespec.fault_points import reach
from pipespec.frozen_values import frozen
from pipespec.step.memory_limit import with_limit
from pipespec.step.outcome_file import read_outcome
from pipespec.step.step_job import Failure, StepJob, StepOutcome, result_path

__all__ = ["ClusterTerms", "Executor", "InlineExecutor", "LocalExecutor", "OpenExecutor"]

_ENTRY: Final = f"{__package__}.step_worker:prepare"

_UNKILLABLE: Final = 10.0
"""Seconds after SIGKILL when a process is given up: it hangs in the kernel, usually because of a dead disk."""


@frozen
class ClusterTerms:
    """The terms on which a cluster executes a job: higher `priority` first, on a worker that has these `resources`."""

    priority: int = 0
    resources: Mapping[str, int] = field(default_factory=dict)


class Executor(Protocol):
    """A place where jobs execute. All calls come from one thread, except `wake`."""

    @property
    def cluster_places(self) -> int:
        """How many jobs its cluster takes at a time; 0 if it has no cluster. This changes with the cluster."""

    def submit(self, job: StepJob, *, timeout: float | None, cluster: ClusterTerms | None = None) -> None:
        """Start a job. No other job of the same step may be running. `timeout` is in seconds of running.

        It executes on the cluster if there are terms for it, otherwise on this machine.
        """

    def wait(self, timeout: float) -> Sequence[StepOutcome]:
        """Return the outcomes that arrive within this number of seconds, as soon as there are any, or when woken."""

    def wake(self) -> None:
        """Make a `wait` return immediately. May be called from a signal handler or another thread."""

    def cancel(self, step: str, *, at_once: bool) -> None:
        """End a job: gently, with a grace period, or immediately. Its outcome arrives as for any other job."""

    def close(self) -> None:
        """End everything that is running, and forget it."""


@frozen
class OpenExecutor:
    """An executor, and lines of information to show before steps run."""

    executor: Executor
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _RunningJob:
    """One running job. Times are of the monotonic clock."""

    job: StepJob
    timeout: float | None
    started: float | None = None
    ending: Failure | None = None
    """Why it is being ended."""
    due: float | None = None
    """When the next, harder measure is taken."""
    killed: bool = False


class LocalExecutor:
    """Executes each job in a separate process, forked from a template that has loaded `modules`.

    `grace` is the time that a process has between SIGTERM and SIGKILL, in seconds. Processes start in `folder`. The
    template writes to `log`.
    """

    cluster_places = 0

    def __init__(
        self,
        *,
        modules: Sequence[str] = (),
        folder: Path,
        log: Path,
        grace: float = 5.0,
        entry: str = _ENTRY,
        environment: Mapping[str, str] = MappingProxyType({}),
        warm_up: bool = True,
        on_done: Callable[[str], None] | None = None,
    ) -> None:
        """Start processes with `environment` added to that of this process. Start the template immediately to `warm_up`.

        `on_done` is told of a step that has little left to do: its outputs are saved, and it needs little memory.
        """
        self._processes = StepProcesses(
            entry, modules=modules, folder=folder, log=log, environment=environment
        )
        if warm_up:
            self._processes.warm_up()
        self._grace = grace
        self._on_done = on_done
        self._executions: dict[int, _RunningJob] = {}
        self._numbers: dict[str, int] = {}
        self._dropped: list[StepOutcome] = []
        self._last = 0

    def submit(self, job: StepJob, *, timeout: float | None, cluster: ClusterTerms | None = None) -> None:
        """Start a job in a new process."""
        assert cluster is None, job.step
        assert job.step not in self._numbers, job.step
        self._last += 1
        self._numbers[job.step] = self._last
        self._executions[self._last] = _RunningJob(job, timeout)
        reach("worker.before-spawn")
        reports_done = self._on_done is not None
        self._processes.spawn(self._last, pickle.dumps(job), Path(job.log), reports_done=reports_done)
        reach("worker.after-spawn")

    def wait(self, timeout: float) -> Sequence[StepOutcome]:
        """Return the jobs that have ended. Time limits are enforced while waiting."""
        dues = [execution.due for execution in self._executions.values() if execution.due is not None]
        limit = 0.0 if self._dropped else min([timeout, *(due - time.monotonic() for due in dues)])
        dropped, self._dropped = self._dropped, []
        outcomes = [
            outcome
            for answer in self._processes.wait(max(limit, 0.0))
            if (outcome := self._note(answer)) is not None
        ]
        return [*dropped, *outcomes, *self._keep_limits()]

    def wake(self) -> None:
        """Make a `wait` return immediately."""
        self._processes.wake()

    def cancel(self, step: str, *, at_once: bool) -> None:
        """End a step's process and its group. If it is not known to run yet, it is killed as soon as it is."""
        number = self._numbers.get(step)
        if number is None:
            return
        why = Failure("cancelled", "was cancelled")
        if self._executions[number].started is None:
            self._dropped.append(_failed(self._forget(number), why))
        else:
            self._end(number, why, at_once=at_once)

    def close(self) -> None:
        """Kill what is running, with all its descendants."""
        self._processes.close()

    def _note(self, answer: Answer) -> StepOutcome | None:
        match answer:
            case Started(number) if number in self._executions:
                execution = self._executions[number]
                execution.started = time.monotonic()
                if execution.timeout is not None and execution.due is None:
                    execution.due = execution.started + execution.timeout
            case Done(number) if number in self._executions and self._on_done is not None:
                self._on_done(self._executions[number].job.step)
            case Exited(number, code) if number in self._executions:
                return _judge(self._forget(number), code)
            case Lost(number, reason) if number in self._executions:
                execution = self._forget(number)
                return _failed(execution, execution.ending or Failure("exited", reason))
            case Started(number):
                self._processes.signal(number, signal.SIGKILL)  # of a job that was cancelled
            case Ready() | Done() | Exited() | Lost():
                pass
        return None

    def _keep_limits(self) -> list[StepOutcome]:
        """Take the next measure against processes that exceed their time; give up those that no signal ends."""
        now = time.monotonic()
        late = [
            number for number, found in self._executions.items() if found.due is not None and found.due <= now
        ]
        given_up = []
        for number in late:
            execution = self._executions[number]
            if execution.killed:
                given_up.append(_failed(self._forget(number), _unkillable(execution.ending)))
            elif execution.ending is not None:
                self._end(number, execution.ending, at_once=True)
            else:
                message = f"exceeded its timeout of {execution.timeout:g} s"
                self._end(number, Failure("timeout", message), at_once=False)
        return given_up

    def _end(self, number: int, why: Failure, *, at_once: bool) -> None:
        execution = self._executions[number]
        execution.ending = execution.ending or why
        execution.killed = execution.killed or at_once
        execution.due = time.monotonic() + (_UNKILLABLE if execution.killed else self._grace)
        self._processes.signal(number, signal.SIGKILL if at_once else signal.SIGTERM)

    def _forget(self, number: int) -> _RunningJob:
        execution = self._executions.pop(number)
        del self._numbers[execution.job.step]
        return execution


class InlineExecutor:
    """Executes some steps in this process itself, for a debugger, and passes the others to another executor.

    `on_error` is called with the live exception of such a step. The step is not isolated, and no time limit ends it.
    """

    def __init__(
        self, steps: Collection[str], on_error: Callable[[BaseException], None], others: Executor
    ) -> None:
        self._steps = steps
        self._on_error = on_error
        self._others = others
        self._ended: list[StepOutcome] = []

    @property
    def cluster_places(self) -> int:
        """The number of the other executor."""
        return self._others.cluster_places

    def submit(self, job: StepJob, *, timeout: float | None, cluster: ClusterTerms | None = None) -> None:
        """Execute an inline step now, and pass other steps on."""
        if job.step not in self._steps:
            self._others.submit(job, timeout=timeout, cluster=cluster)
            return
        from pipespec.engine.processes.step_worker import work  # noqa: PLC0415 - all that a step needs, 20 ms

        with _restored_process():
            outcome = work(job, on_error=self._on_error)
        if (failure := outcome.failure) is not None:  # it has no log to stand in
            sys.stderr.write(f"{failure.traceback}\npipespec: {failure.message}\n".lstrip())
        self._ended.append(outcome)

    def wait(self, timeout: float) -> Sequence[StepOutcome]:
        """Return the outcomes of steps that ended, inline or elsewhere."""
        ended, self._ended = self._ended, []
        return ended or self._others.wait(timeout)

    def wake(self) -> None:
        """Make a `wait` return immediately."""
        self._others.wake()

    def cancel(self, step: str, *, at_once: bool) -> None:
        """End a step that executes elsewhere."""
        self._others.cancel(step, at_once=at_once)

    def close(self) -> None:
        """End everything that is running elsewhere."""
        self._others.close()


@contextlib.contextmanager
def _restored_process() -> Iterator[None]:
    """Restore what a step changes in the process, as far as possible. Meanwhile Ctrl-C is handled by the step."""
    folder, environment, path = Path.cwd(), dict(os.environ), list(sys.path)
    handler = signal.getsignal(signal.SIGINT)
    with contextlib.suppress(ValueError):  # not the main thread: it has no handler of ours
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, handler)
        os.chdir(folder)
        sys.path[:] = path
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        # Removed variables are not added again: user code got MLflow's own time limits back, and nobody removes ours afterwards.
        os.environ.update({name: value for name, value in environment.items() if name in os.environ})


def _judge(execution: _RunningJob, code: int) -> StepOutcome:
    """Accept a result only with a clean exit, and a clean exit only with a result."""
    if execution.ending is not None:
        return _failed(execution, execution.ending)
    if code < 0:
        why = with_limit(f"was killed by {_signal_name(-code)}", execution.job.memory_limit)
        return _failed(execution, Failure("signal", why))
    outcome = read_outcome(result_path(execution.job.staging))
    if outcome is None and not Path(execution.job.staging).is_dir():
        why = (
            f"its folder '{execution.job.staging}' was deleted while it ran, by this step or one beside it; steps must leave"
            " '.pipespec' alone"
        )
        return _failed(execution, Failure("exited", why))
    if code > 0:
        after = (
            " after it returned its result" if outcome is not None else _want_of_room(execution.job.staging)
        )
        return _failed(execution, Failure("exited", f"exited with code {code}{after}"))
    if outcome is None:
        return _failed(execution, Failure("exited", "exited without a result"))
    return outcome


def _want_of_room(folder: str) -> str:
    """Say that nothing can be written to a folder's file system, which also takes a step's own report of this."""
    status = os.statvfs(folder)
    if status.f_bavail and (status.f_favail or not status.f_files):
        return ""
    return f"; the file system of its folder '{folder}' is full: make room, and run again"


def _failed(execution: _RunningJob, failure: Failure) -> StepOutcome:
    since = execution.started if execution.started is not None else time.monotonic()
    return StepOutcome(execution.job.step, seconds=time.monotonic() - since, failure=failure)


def _unkillable(ending: Failure | None) -> Failure:
    why = ending or Failure("cancelled", "was cancelled")
    return Failure(
        why.kind, f"{why.message}; its process did not end after SIGKILL, it may hang in the kernel"
    )


def _signal_name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "an unknown signal"
    return f"signal {number} ({name})" + ("; out of memory?" if number == signal.SIGKILL else "")

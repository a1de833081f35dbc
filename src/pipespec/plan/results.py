"""How the steps of a run ended, and the states of steps: frozen values that the engine creates and views display."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from pipespec.display import Displayed
from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.records import SECONDS, Accepted, StepRecord, duration
from pipespec.plan.store_name import StoreName
from pipespec.plan.witness_advice import witness_advice

if TYPE_CHECKING:  # a run that has nothing to do shows no plan, and must not wait for this import
    from pipespec.plan.plan import Plan

__all__ = [
    "Execution",
    "Registered",
    "Remedy",
    "RunReport",
    "StepAwaited",
    "StepResult",
    "StepStarted",
    "StepState",
    "StepStates",
    "StepStatus",
    "SweepPoint",
]


class StepState(StrEnum):
    """How a step of a run ended. Scripts depend on these words."""

    RAN = "ran"
    REUSED = "reused"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


@frozen
class Execution:
    """One execution of a step: by which worker, counted from 0, and when, in seconds since the run started."""

    run_id: str
    worker: int
    started: float
    ended: float


@frozen
class Remedy:
    """What to do if the same command would fail again: options to add to it, and a command to run before it."""

    options: tuple[tuple[str, ...], ...] = ()
    before: str | None = None


@frozen
class StepResult:
    """What happened to one step in a run. If it failed, `error` is one line and `traceback` contains the user's frames.

    `record` is what counts for the step now, even if it misses its bounds. `executions` are all of this run, including
    those that failed and were tried again.
    """

    step: str
    state: StepState
    key: str | None = None
    run_id: str | None = None
    seconds: float | None = None
    error: str | None = None
    traceback: str = ""
    log: str | None = None
    """The local log file of an executed step."""
    record: StepRecord | None = None
    executions: tuple[Execution, ...] = ()
    remedy: Remedy | None = None

    @classmethod
    def of_record(cls, step: str, key: str, record: StepRecord) -> StepResult:
        """Return the result of a step that is reused."""
        return cls(step, StepState.REUSED, key, record.run_id, record.seconds, record=record)

    @property
    def advice(self) -> str | None:
        """What it read although no input names it, if it was executed."""
        if self.state is not StepState.RAN or self.record is None:
            return None
        return witness_advice(self.step, self.record.witness)


@frozen
class SweepPoint:
    """How one point of a sweep ended: its coordinates, the worst state of its steps, and its metrics.

    `metrics` are those of the steps that no other step reads. If there are several such steps, their names begin with
    the name of the step.
    """

    at: tuple[tuple[str, JSON], ...]
    state: str
    metrics: Mapping[str, float] = field(default_factory=dict)


@frozen
class Registered:
    """The result for an output that is to become a version of a registered model."""

    step: str
    output: str
    name: str
    version: int | None = None
    """None if it could not be registered."""
    alias: str | None = None
    """The alias of the version, if one was requested."""
    is_new: bool = False
    """False if it was registered before."""
    problem: str | None = None
    """Why it could not be registered, in one line."""


@frozen
class RunReport(Displayed):
    """What a run did. `invocation` is the MLflow run of the whole invocation, or None if nothing was executed.

    `interrupted_by` is the number of the signal that ended the run early. `plan` is the plan as it was executed: steps
    that waited for content are in it with their later decision.
    """

    invocation: str | None
    steps: tuple[StepResult, ...]
    seconds: float
    store: StoreName
    interrupted_by: int | None = None
    plan: Plan | None = field(default=None, repr=False)
    workers: int = 1
    points: tuple[SweepPoint, ...] = ()
    """How each point of a sweep ended."""
    registered: tuple[Registered, ...] = ()
    """The outputs to register: those that are registered by now, and those that could not be registered."""

    @property
    def succeeded(self) -> bool:
        """True if every selected step is complete now."""
        return self.interrupted_by is None and all(
            result.state in (StepState.RAN, StepState.REUSED) for result in self.steps
        )

    @property
    def is_registered(self) -> bool:
        """True if every output that is to be registered is registered. Otherwise nothing is lost: the next run registers it."""
        return all(each.problem is None for each in self.registered)


@frozen
class StoreAway:
    """Reported during a run: the store does not answer.

    Contains why, since when by the monotonic clock, and for how many seconds the computed results wait for it.
    """

    why: str
    since: float
    patience: float
    at: float = 0.0
    """The time of `since`, in POSIX seconds."""


@frozen
class StepAwaited:
    """Reported during a run: a step waits for another run, which has been computing the same since `since`, in POSIX seconds.

    `pid` is the process that computes it, on this computer if `host` is empty.
    """

    step: str
    run_id: str
    since: float
    pid: int | None = None
    host: str = ""
    is_stopped: bool = False
    """True if that process is stopped, by SIGSTOP or Ctrl-Z."""


@frozen
class StepStarted:
    """Reported during a run: a step has started, in this MLflow run, with its log in this local file."""

    step: str
    run_id: str
    log: str
    attempt: int = 1
    """2 and more for a retry."""
    activity: str = ""
    """The file in which its process reports large files that it reads or uploads."""


@frozen
class StepStatus:
    """The state of one step according to its records.

    `state` is `complete`, `stale` (it finished before, with another key), `missing`, `running`, `failed` or
    `interrupted` (its last attempt). `ended` is in POSIX seconds and belongs to the run `run_id`; None while it runs.
    """

    step: str
    state: str
    run_id: str | None = None
    started: float | None = None
    ended: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""
    """Belongs to that run. Both together identify its page in MLflow."""
    accepted: Accepted | None = None
    """Who said that the run counts, if the step is complete for that reason."""
    advice: str | None = None
    """What its run read although no input names it, if the step is complete."""

    @property
    def seconds(self) -> float | None:
        """The duration of the step in that run; None while it runs, and if its end was only detected later."""
        if self.started is None or self.ended is None:
            return None
        if self.state == "interrupted" and SECONDS not in self.metrics:
            return None
        return duration(self.metrics, self.started, self.ended)


class StepStates(Displayed, list[StepStatus]):
    """The states of some steps, in topological order."""

    __slots__ = ()

"""How the steps of a run ended, and what state steps are in: frozen values that the engine makes and views show."""

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

if TYPE_CHECKING:  # a run that has nothing to do tells no plan, and is not to wait for its import
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
    """How a step of a run ended; scripts read these words."""

    RAN = "ran"
    REUSED = "reused"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


@frozen
class Execution:
    """One time that a step was executed: by which worker, from 0 on, and when, in seconds since the run began."""

    run_id: str
    worker: int
    started: float
    ended: float


@frozen
class Remedy:
    """What helps where the same command must fail again: options to add to it, and a command to run before it."""

    options: tuple[tuple[str, ...], ...] = ()
    before: str | None = None


@frozen
class StepResult:
    """What became of one step in a run; `error` is one line, `traceback` the user's frames, where it failed.

    `record` is what counts for the step now, there also where it misses its bounds. `executions` are all of this run,
    those that failed and were tried again included.
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
        """What it read though no input names it, of a step that was executed."""
        if self.state is not StepState.RAN or self.record is None:
            return None
        return witness_advice(self.step, self.record.witness)


@frozen
class SweepPoint:
    """How one point of a sweep ended: its coordinates, the state of the worst of its steps, and its metrics.

    `metrics` are those of the steps that no other step reads; their names begin with the step's where there are
    several such steps.
    """

    at: tuple[tuple[str, JSON], ...]
    state: str
    metrics: Mapping[str, float] = field(default_factory=dict)


@frozen
class Registered:
    """What became of an output that is to be a version of a registered model."""

    step: str
    output: str
    name: str
    version: int | None = None
    """None where it could not be registered."""
    alias: str | None = None
    """The alias that means the version, where one was asked for."""
    is_new: bool = False
    """False where it was registered before."""
    problem: str | None = None
    """Why not, in one line."""


@frozen
class RunReport(Displayed):
    """What a run did; `invocation` is the MLflow run of the whole, None where nothing was executed.

    `interrupted_by` is the number of the signal that ended the run early. `plan` is the plan as it was carried out: what
    waited for content stands in it as it was decided at its turn.
    """

    invocation: str | None
    steps: tuple[StepResult, ...]
    seconds: float
    store: StoreName
    interrupted_by: int | None = None
    plan: Plan | None = field(default=None, repr=False)
    workers: int = 1
    points: tuple[SweepPoint, ...] = ()
    """Of a sweep, how each point ended."""
    registered: tuple[Registered, ...] = ()
    """Of the outputs that are to be registered: those that are by now, and those that could not be."""

    @property
    def succeeded(self) -> bool:
        """True when every selected step is complete now."""
        return self.interrupted_by is None and all(
            result.state in (StepState.RAN, StepState.REUSED) for result in self.steps
        )

    @property
    def is_registered(self) -> bool:
        """True when every output that is to be registered is; what is not is no loss: the next run registers it."""
        return all(each.problem is None for each in self.registered)


@frozen
class StoreAway:
    """Told while a run goes on: why the store does not answer, since when by the monotonic clock, and for how many
    seconds what is computed waits for it.
    """

    why: str
    since: float
    patience: float
    at: float = 0.0
    """The time of `since`, in POSIX seconds."""


@frozen
class StepAwaited:
    """Told while a run goes on: a step waits for another run, which computes the same since `since`, in POSIX seconds.

    `pid` is the process that does, on this computer where `host` is empty.
    """

    step: str
    run_id: str
    since: float
    pid: int | None = None
    host: str = ""
    is_stopped: bool = False
    """True where that process stands still: by SIGSTOP, or Ctrl-Z."""


@frozen
class StepStarted:
    """Told while a run goes on: a step began, in this MLflow run, with its log in this local file."""

    step: str
    run_id: str
    log: str
    attempt: int = 1
    """2 and more on a retry."""
    activity: str = ""
    """The file in which its process tells of large files that it reads or uploads."""


@frozen
class StepStatus:
    """The state of one step as its records tell it.

    `state` is `complete`, `stale` (it finished before, under another key), `missing`, `running`, `failed` or
    `interrupted` (its last attempt). `ended` is in POSIX seconds, of the run that `run_id` names; None while it runs.
    """

    step: str
    state: str
    run_id: str | None = None
    started: float | None = None
    ended: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""
    """Of that run; its page in MLflow is found by both."""
    accepted: Accepted | None = None
    """Who said that the run counts, where it is complete by that."""
    advice: str | None = None
    """What its run read though no input names it, where it is complete."""

    @property
    def seconds(self) -> float | None:
        """The duration of the step in that run; None while it runs, and where its end was only found later."""
        if self.started is None or self.ended is None:
            return None
        if self.state == "interrupted" and SECONDS not in self.metrics:
            return None
        return duration(self.metrics, self.started, self.ended)


class StepStates(Displayed, list[StepStatus]):
    """The states of some steps, in topological order."""

    __slots__ = ()

"""How a run ended, for notifications: what ran, what failed with the end of its log, metrics and how they changed.

Created by `operations.running.gather_outcome`, displayed by `views.outcome_message`. It contains no secrets.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from pipespec.frozen_values import frozen
from pipespec.plan.results import StepState

__all__ = ["MetricChange", "OutcomeKind", "RunOutcome", "SetValue", "ToldStep"]


class OutcomeKind(StrEnum):
    """The event that is reported. A failed run is reported as failed, whatever its metrics are."""

    FAILURE = "failure"
    REGRESSION = "regression"
    SUCCESS = "success"


@frozen
class ToldStep:
    """One step of the run. If it failed, `log` is the end of its log."""

    step: str
    state: StepState
    seconds: float | None = None
    error: str = ""
    log: str = ""


@frozen
class MetricChange:
    """A metric of the pipeline. `before` is that of the last run, if that run had it."""

    name: str
    value: float
    before: float | None = None

    @property
    def change(self) -> float | None:
        """The difference from the last run."""
        return None if self.before is None else self.value - self.before


@frozen
class SetValue:
    """A param that overrides the pipeline's file. `origin` is `--set`, `--sweep`, or the overlay."""

    name: str
    value: str
    origin: str


@frozen
class RunOutcome:
    """One run that has ended. `error` is why it stopped, if it stopped before its steps ended.

    `run_id` is its run in MLflow. `link` is the page of that run, if the store is a server.
    """

    pipeline: str
    seconds: float
    host: str
    store: str
    steps: tuple[ToldStep, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    set_values: tuple[SetValue, ...] = ()
    missed: tuple[str, ...] = ()
    """The bounds `min` and `max` that metrics miss; these steps failed."""
    regressions: tuple[str, ...] = ()
    """The bounds `min_delta` and `max_delta` that they miss."""
    notes: tuple[str, ...] = ()
    """What could not be determined."""
    error: str = ""
    interrupted_by: str = ""
    """The name of the signal."""
    run_id: str = ""
    link: str = ""
    succeeded: bool = field(default=False, kw_only=True)

    @property
    def kind(self) -> OutcomeKind:
        """The event as which it is reported."""
        if not self.succeeded:
            return OutcomeKind.FAILURE
        return OutcomeKind.REGRESSION if self.regressions else OutcomeKind.SUCCESS

    @property
    def kinds(self) -> frozenset[OutcomeKind]:
        """All events that apply: a run may have succeeded and have a regression."""
        has_regression = bool(self.regressions or self.missed)
        end = OutcomeKind.SUCCESS if self.succeeded else OutcomeKind.FAILURE
        return frozenset({end, OutcomeKind.REGRESSION} if has_regression else {end})

    @property
    def failed(self) -> tuple[ToldStep, ...]:
        """The steps that failed."""
        return tuple(one for one in self.steps if one.state is StepState.FAILED)

    @property
    def ran(self) -> tuple[str, ...]:
        """The steps that were executed and are complete."""
        return tuple(one.step for one in self.steps if one.state is StepState.RAN)

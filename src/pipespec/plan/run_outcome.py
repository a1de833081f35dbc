"""How a run ended, for those who were not there: what ran, what failed with the end of its log, metrics and their change.

Made by `operations.running.gather_outcome`, told by `views.outcome_message`. No text in it holds a secret.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from pipespec.frozen_values import frozen
from pipespec.plan.results import StepState

__all__ = ["MetricChange", "OutcomeKind", "RunOutcome", "SetValue", "ToldStep"]


class OutcomeKind(StrEnum):
    """What a run is told as: a run that failed is told as that, whatever its metrics."""

    FAILURE = "failure"
    REGRESSION = "regression"
    SUCCESS = "success"


@frozen
class ToldStep:
    """One step of the run; `log` is the end of its log, of a step that failed."""

    step: str
    state: StepState
    seconds: float | None = None
    error: str = ""
    log: str = ""


@frozen
class MetricChange:
    """A metric of the pipeline; `before` is that of the last run, where that had it."""

    name: str
    value: float
    before: float | None = None

    @property
    def change(self) -> float | None:
        """How far it is from the last run's."""
        return None if self.before is None else self.value - self.before


@frozen
class SetValue:
    """A param that was set over the pipeline's file; `origin` is `--set`, `--sweep`, or the overlay."""

    name: str
    value: str
    origin: str


@frozen
class RunOutcome:
    """One run that has ended. `error` is why it stopped, where it did before its steps ended.

    `run_id` is its run in MLflow, and `link` the page of that, where the store is a server.
    """

    pipeline: str
    seconds: float
    host: str
    store: str
    steps: tuple[ToldStep, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    set_values: tuple[SetValue, ...] = ()
    missed: tuple[str, ...] = ()
    """The bounds `min` and `max` that metrics miss; the steps failed by that."""
    regressions: tuple[str, ...] = ()
    """The bounds `min_delta` and `max_delta` that they miss."""
    notes: tuple[str, ...] = ()
    """What could not be found out."""
    error: str = ""
    interrupted_by: str = ""
    """The name of the signal."""
    run_id: str = ""
    link: str = ""
    succeeded: bool = field(default=False, kw_only=True)

    @property
    def kind(self) -> OutcomeKind:
        """What it is told as."""
        if not self.succeeded:
            return OutcomeKind.FAILURE
        return OutcomeKind.REGRESSION if self.regressions else OutcomeKind.SUCCESS

    @property
    def kinds(self) -> frozenset[OutcomeKind]:
        """All that it is: a run may have succeeded, and have a regression."""
        has_regression = bool(self.regressions or self.missed)
        end = OutcomeKind.SUCCESS if self.succeeded else OutcomeKind.FAILURE
        return frozenset({end, OutcomeKind.REGRESSION} if has_regression else {end})

    @property
    def failed(self) -> tuple[ToldStep, ...]:
        """The steps that failed."""
        return tuple(one for one in self.steps if one.state is StepState.FAILED)

    @property
    def ran(self) -> tuple[str, ...]:
        """The steps that were executed, and are complete."""
        return tuple(one.step for one in self.steps if one.state is StepState.RAN)

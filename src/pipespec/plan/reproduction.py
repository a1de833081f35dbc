"""The result of running a past run again: each output and metric beside the recorded one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipespec.display import Displayed
from pipespec.frozen_values import frozen
from pipespec.plan.store_name import StoreName

__all__ = ["MetricRepeat", "OutputRepeat", "Repeat", "Reproduction", "StepRepeat", "worst"]


class Repeat(StrEnum):
    """How a result compares with the recorded one, the best first."""

    SAME = "same"
    """The same bytes, or the same number."""
    CLOSE = "close"
    """Numbers differ by no more than the tolerance, and nothing else differs."""
    DIFFERENT = "different"
    MISSING = "missing"
    """The step was not reached."""


@frozen
class OutputRepeat:
    """One output. Digests are SHA-256, or None if the output does not exist any more."""

    name: str
    repeat: Repeat
    recorded: str
    now: str | None = None
    detail: str = ""
    """What differs, if it is known."""


@frozen
class MetricRepeat:
    """One metric of the user."""

    name: str
    repeat: Repeat
    recorded: float
    now: float | None = None


@frozen
class StepRepeat:
    """One step. `run_id` is the recorded run, `new_run_id` the one in the private store.

    `is_same_key` is False if its code, params or inputs are not the same as then. In that case, equal or different
    results alone prove nothing.
    """

    step: str
    run_id: str
    new_run_id: str | None = None
    is_same_key: bool = True
    error: str | None = None
    seconds: float | None = None
    outputs: tuple[OutputRepeat, ...] = ()
    metrics: tuple[MetricRepeat, ...] = ()

    @property
    def repeat(self) -> Repeat:
        """The worst comparison of it."""
        return worst((*(one.repeat for one in self.outputs), *(one.repeat for one in self.metrics)))


@dataclass(frozen=True, repr=False)
class Reproduction(Displayed):
    """The whole result. `folder` is where everything was left, or None if it was removed."""

    run_id: str
    pipeline: str
    invocation: str
    commit: str
    is_patched: bool
    steps: tuple[StepRepeat, ...]
    store: StoreName
    tolerance: float = 0.0
    surroundings: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    """What has changed of Python, the platform and the packages: name -> then, now."""
    notes: tuple[str, ...] = ()
    folder: str | None = None
    interrupted_by: int | None = None

    @property
    def is_same(self) -> bool:
        """True if everything was produced again, from the same code and inputs, and is the same or within the tolerance."""
        return self.interrupted_by is None and all(
            step.error is None and step.is_same_key and step.repeat in (Repeat.SAME, Repeat.CLOSE)
            for step in self.steps
        )

    def counts(self) -> Mapping[Repeat, int]:
        """Return how many outputs and metrics have each result of the comparison."""
        found = list(self._repeats())
        return {repeat: found.count(repeat) for repeat in Repeat}

    def _repeats(self) -> Iterator[Repeat]:
        for step in self.steps:
            yield from (one.repeat for one in step.outputs)
            yield from (one.repeat for one in step.metrics)


def worst(repeats: tuple[Repeat, ...]) -> Repeat:
    """Return the worst of some comparisons. If there is nothing to compare, it is the same."""
    return max(repeats, key=list(Repeat).index, default=Repeat.SAME)

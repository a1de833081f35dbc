"""Judge a step's metrics by its bounds: after it ran, and from the record on every reuse.

Takes a step and metrics, gives a reason for each bound that is missed. Checks are in no key, so a change of a
bound judges anew and runs nothing (docs/decisions/0004-checks-on-reuse.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pipespec.plan.model import Reason, ReasonKind
from pipespec.spec.model import Bounds, StepSpec

__all__ = ["check_failures"]


def check_failures(step: StepSpec, metrics: Mapping[str, float]) -> tuple[Reason, ...]:
    """Judge a step's metrics by its bounds: one reason for each that is missed, none when all is well.

    A metric that is not there, or is NaN, misses its bounds.
    """
    return tuple(
        Reason(ReasonKind.CHECK_FAILED, problem, bounds.span)
        for name, bounds in step.checks.items()
        if (problem := _missed(name, metrics.get(name), bounds))
    )


def _missed(name: str, value: float | None, bounds: Bounds) -> str | None:
    if value is None:
        return f"no metric '{name}' is on record"
    if math.isnan(value):
        return f"{name} is not a number"
    if bounds.minimum is not None and value < bounds.minimum:
        return f"{name} is {value}, below its minimum {bounds.minimum}"
    if bounds.maximum is not None and value > bounds.maximum:
        return f"{name} is {value}, above its maximum {bounds.maximum}"
    return None

"""Check a step's metrics against its bounds: after it ran, and from the record at every reuse.

Takes a step and metrics. Returns a reason for each bound that is missed. Checks are not part of a key, so if a bound
changes, recorded metrics are checked again and nothing runs (docs/decisions/0004-checks-on-reuse.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from pipespec.document.mlflow_names import fit_name
from pipespec.plan.plan import Reason, ReasonKind
from pipespec.plan.records import Records, StepRecord, own_metrics
from pipespec.spec.pipeline_spec import Bounds, StepSpec
from pipespec.spec.value_wording import nearest_or_all

__all__ = ["check_failures", "judged_metrics", "with_numbers"]


def with_numbers(step: StepSpec, record: StepRecord, records: Records) -> StepRecord:
    """Return a complete run with the numbers of the step's `metrics` output, if it ran before the step declared one.

    Neither `metrics` nor `checks` is part of a key. The metrics that the run itself recorded take precedence. The
    output is read only if they lack a metric that has bounds, or are empty.
    """
    metrics = step.metrics
    if metrics is None or metrics.output not in record.outputs:
        return record
    is_measured = bool(own_metrics(record.metrics))
    if is_measured and all(fit_name(name) in record.metrics for name in judged_metrics(step)):
        return record
    return replace(
        record, metrics={**records.numbers(record, metrics.output, metrics.part), **record.metrics}
    )


def check_failures(step: StepSpec, metrics: Mapping[str, float]) -> tuple[Reason, ...]:
    """Check a step's metrics against its bounds. Return one reason for each bound that is missed, and none if all are met.

    A metric that does not exist, or is NaN, misses its bounds.
    """
    return tuple(
        Reason(ReasonKind.CHECK_FAILED, problem, bounds.span)
        for name, bounds in step.checks.items()
        if bounds.is_absolute and (problem := _missed(name, metrics, bounds))
    )


def judged_metrics(step: StepSpec) -> tuple[str, ...]:
    """Return the metrics by which runs of the step are checked. `compare` checks differences from a baseline."""
    return tuple(name for name, bounds in step.checks.items() if bounds.is_absolute)


def _missed(name: str, metrics: Mapping[str, float], bounds: Bounds) -> str | None:
    value = metrics.get(fit_name(name))
    if value is None:
        others = list(own_metrics(metrics))
        hint = nearest_or_all(name, sorted(others), kind="metrics that were")
        return f"metric '{name}' was not recorded{f'; {hint}' if hint else ''}"
    if math.isnan(value):
        return f"{name} is not a number"
    if bounds.minimum is not None and value < bounds.minimum:
        return f"{name} is {value}, below its minimum {bounds.minimum}"
    if bounds.maximum is not None and value > bounds.maximum:
        return f"{name} is {value}, above its maximum {bounds.maximum}"
    return None

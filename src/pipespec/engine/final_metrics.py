"""The metrics of an invocation's run: those of its steps, under names that stay the same from run to run. Pure.

Takes metrics by step. Returns `{"accuracy": 0.9}`. If several steps have the same name, it is prefixed with the step's.
Metrics of pipespec and of MLflow's system monitor are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Final

from pipespec.document.mlflow_names import fit_name
from pipespec.plan.records import own_metrics
from pipespec.plan.results import RunReport, StepState

__all__ = ["MOST_METRICS", "final_metrics", "unmeasured"]

MOST_METRICS: Final = 100
"""Maximum number of metrics of an invocation's run. For a matrix of a thousand variants, the runs of the steps are enough."""


def final_metrics(by_step: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the metrics of steps, given by their ids in topological order, in one mapping."""
    steps = {step: own_metrics(metrics) for step, metrics in by_step.items()}
    count = Counter(name for metrics in steps.values() for name in metrics)
    named = (
        (fit_name(name if count[name] == 1 else f"{step}.{name}"), value)
        for step, metrics in steps.items()
        for name, value in metrics.items()
    )
    return dict(islice(named, MOST_METRICS))


def unmeasured(report: RunReport) -> tuple[str, ...]:
    """Return the runs of last steps that executed and returned no metrics: their functions may have logged some."""
    upstream = (
        {} if report.plan is None else report.plan.pipeline.upstream
    )  # Luigi runs rendered tasks, not a plan
    read = {above for waits in upstream.values() for above in waits}
    found = (
        result.record.run_id
        for result in report.steps
        if result.state is StepState.RAN
        and result.record is not None
        and result.step not in read
        and not own_metrics(result.record.metrics)
    )
    return tuple(islice(found, MOST_METRICS))

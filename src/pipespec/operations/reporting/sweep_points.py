"""How each point of a sweep ended in a run: the worst state of a point's steps, and the metrics of its last steps."""

from __future__ import annotations

from collections.abc import Mapping

from pipespec.operations.compiling.pipeline_source import PipelineSource, PointSteps
from pipespec.plan.records import own_metrics
from pipespec.plan.results import RunReport, SweepPoint
from pipespec.views.state_words import ENDED

__all__ = ["ended_points", "steps_told"]


def ended_points(source: PipelineSource, report: RunReport) -> tuple[SweepPoint, ...]:
    """Return how each point ended in a run; nothing for a single pipeline."""
    states = {result.step: str(result.state) for result in report.steps}
    metrics = {result.step: result.record.metrics for result in report.steps if result.record is not None}
    return tuple(SweepPoint(one.at, _worst(one, states), _metrics(one, metrics)) for one in source.points())


def steps_told(source: PipelineSource) -> frozenset[str]:
    """Return the steps whose metrics are shown with the points: the last ones of each."""
    return frozenset(whole for one in source.points() for whole in one.last.values())


def _worst(point: PointSteps, states: Mapping[str, str]) -> str:
    """Return the worst state among its steps. Steps without a state were not selected."""
    found = {states[step] for step in point.steps if step in states}
    return next((state for state in ENDED if state in found), "")


def _metrics(point: PointSteps, of_steps: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    """Return the metrics of its last steps, without those of pipespec, prefixed with the step if several steps have any."""
    by_step = {own: own_metrics(of_steps.get(whole, {})) for own, whole in point.last.items()}
    by_step = {own: metrics for own, metrics in by_step.items() if metrics}
    return {
        name if len(by_step) == 1 else f"{own}.{name}": value
        for own, metrics in by_step.items()
        for name, value in metrics.items()
    }

"""Compare past runs: params that differ, metrics, their differences from the metrics of a baseline, and bounds on those. Pure.

Takes runs of one kind, the newest first: of a step, of a pipeline's invocations, or the points of a sweep. The first of
them is checked against the bounds, which are inclusive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pipespec.display import Displayed
from pipespec.document.mlflow_names import fit_name
from pipespec.frozen_values import frozen
from pipespec.plan.store_name import StoreName

__all__ = ["ComparedRun", "DeltaBounds", "NewBaseline", "Regression", "RunComparison", "deltas_to_judge"]


@frozen
class DeltaBounds:
    """Limits for the difference of a metric from that of the baseline: `least` is the smallest difference, `most` the largest."""

    least: float | None = None
    most: float | None = None


@frozen
class ComparedRun:
    """One run. Times are POSIX seconds. `label` distinguishes it from the others: a variant, a point."""

    run_id: str
    name: str
    """As MLflow displays it."""
    label: str
    status: str
    started: float
    ended: float | None
    params: Mapping[str, str]
    """Its own params and those of upstream steps, as MLflow has them."""
    metrics: Mapping[str, float]
    experiment_id: str = ""
    commit: str = ""


@frozen
class NewBaseline:
    """The run that is now the baseline of `subject` with this name, and those that were it before."""

    run_id: str
    name: str
    subject: str
    replaced: tuple[str, ...] = ()


@frozen
class Regression:
    """A bound that the first run misses."""

    metric: str
    problem: str


@dataclass(frozen=True, repr=False)
class RunComparison(Displayed):
    """Runs to compare, the newest first. `subject` says in words what they are runs of."""

    subject: str
    runs: tuple[ComparedRun, ...]
    store: StoreName
    baseline: ComparedRun | None = None
    bounds: Mapping[str, DeltaBounds] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    baseline_name: str = "the baseline"
    """In words, what the runs are compared with."""

    @cached_property
    def all_runs(self) -> tuple[ComparedRun, ...]:
        """The runs, and the baseline if it is not one of them."""
        is_among = self.baseline is None or any(run.run_id == self.baseline.run_id for run in self.runs)
        return self.runs if is_among or self.baseline is None else (*self.runs, self.baseline)

    @cached_property
    def differing_params(self) -> tuple[str, ...]:
        """The params that differ between the runs, or that only some have. Params of the runs themselves come first."""
        names = dict.fromkeys(name for run in self.all_runs for name in run.params)
        differing = [name for name in names if len({run.params.get(name) for run in self.all_runs}) > 1]
        return tuple(_without_echoes(differing, self.all_runs))

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that any of the runs has. Those with bounds come first."""
        names = dict.fromkeys(name for run in self.all_runs for name in sorted(run.metrics))
        return tuple(sorted(names, key=lambda name: name not in self.bounds))

    @cached_property
    def compared_metrics(self) -> frozenset[str]:
        """The metrics for which any run has a difference from the baseline."""
        return frozenset(
            name for name in self.metrics if any(self.delta(run, name) is not None for run in self.all_runs)
        )

    @cached_property
    def has_labels(self) -> bool:
        """True if labels distinguish the runs."""
        return len({run.label for run in self.all_runs}) > 1

    def delta(self, run: ComparedRun, metric: str) -> float | None:
        """Return the difference of a metric from that of the baseline; None for the baseline itself, and if either lacks the metric."""
        if self.baseline is None or run.run_id == self.baseline.run_id:
            return None
        here, there = run.metrics.get(metric), self.baseline.metrics.get(metric)
        return None if here is None or there is None else here - there

    @cached_property
    def regressions(self) -> tuple[Regression, ...]:
        """The bounds that the newest run misses. A metric that it does not have, or that is NaN, misses its bounds."""
        if self.baseline is None or not self.runs:
            return ()
        run = self.runs[0]
        found = ((name, self._problem(run, name, bounds)) for name, bounds in self.bounds.items())
        return tuple(Regression(name, problem) for name, problem in found if problem is not None)

    def _problem(self, run: ComparedRun, name: str, bounds: DeltaBounds) -> str | None:
        assert self.baseline is not None
        if name not in self.baseline.metrics:
            return None
        if name not in run.metrics:
            return f"metric '{name}' was not recorded"
        value, delta = run.metrics[name], self.delta(run, name)
        if delta is None:
            return None
        if math.isnan(delta):
            return f"{name} is {value}, {self.baseline_name} has {self.baseline.metrics[name]}: they have no difference"
        told = f"{name} is {value}, {delta:+.6g} from {self.baseline_name}"
        if bounds.least is not None and _less(delta, bounds.least):
            return f"{told}, below its min_delta {bounds.least}"
        if bounds.most is not None and _less(bounds.most, delta):
            return f"{told}, above its max_delta {bounds.most}"
        return None


def deltas_to_judge(
    checks: Mapping[str, DeltaBounds], asked: Mapping[str, DeltaBounds]
) -> Mapping[str, DeltaBounds]:
    """Return the bounds of a spec, overridden by those that a user requests, by names as MLflow has them."""
    fitted = {fit_name(name): bounds for name, bounds in checks.items()}
    for name, bounds in asked.items():
        known = fitted.get(fit_name(name), DeltaBounds())
        fitted[fit_name(name)] = DeltaBounds(
            known.least if bounds.least is None else bounds.least,
            known.most if bounds.most is None else bounds.most,
        )
    return {name: bounds for name, bounds in fitted.items() if bounds != DeltaBounds()}


def _less(one: float, other: float) -> bool:
    """Compare differences whose last digits are rounding errors: 0.89 - 0.9 is not less than -0.01."""
    return one < other and not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _without_echoes(names: list[str], runs: tuple[ComparedRun, ...]) -> list[str]:
    """Leave out `train.seed` if `seed` has the same values in all runs, and `split.seed` beside an equal `train.seed`."""
    kept: list[str] = []
    seen: set[tuple[str, tuple[str | None, ...]]] = set()
    for name in sorted(names, key=lambda one: one.count(".")):
        column = (name.rpartition(".")[2], tuple(run.params.get(name) for run in runs))
        if column not in seen:
            seen.add(column)
            kept.append(name)
    return [name for name in names if name in kept]

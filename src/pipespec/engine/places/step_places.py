"""How many steps of a run execute at a time, on this machine and on a cluster, and what each gets there.

Takes a plan and the steps that execute. Says whether one more step can start, and on what terms. Places have a limit for each kind,
if the plan has steps of both kinds; resources have a total.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping

from pipespec.engine.places.devices import VARIABLE, Devices
from pipespec.engine.processes.executors import ClusterTerms, Executor
from pipespec.engine.run_settings import RunSettings
from pipespec.plan.plan import Plan
from pipespec.spec.pipeline_spec import StepSpec

__all__ = ["StepPlaces"]


class StepPlaces:
    """The places of one invocation. Used from one thread."""

    def __init__(self, settings: RunSettings, executor: Executor) -> None:
        self._settings = settings
        self._executor = executor
        self._plan: Plan
        self._kinds = {False}
        """Whether steps of the plan execute on a cluster, on this machine, or both."""
        self._devices = Devices(settings.resources, os.environ.get(VARIABLE))

    def take(self, plan: Plan) -> None:
        """Take the steps of a plan."""
        self._plan = plan
        steps = (decision.step for decision in plan.decisions.values())
        self._kinds = {self._settings.is_on_cluster(step) for step in steps} or {False}

    @property
    def count(self) -> int:
        """How many steps may execute at a time."""
        return sum(map(self._limit, self._kinds))

    def has_room(self, step: str, executing: Collection[str]) -> bool:
        """Return whether a step may execute next to these."""
        kind = self._kind(step)
        beside = executing if len(self._kinds) == 1 else [one for one in executing if self._kind(one) == kind]
        return len(beside) < self._limit(kind) and self._fits(step, executing)

    def may_begin(self, step: str, executing: Collection[str]) -> bool:
        """Return whether a step that Luigi hands out can start. Luigi counts, but knows neither kinds nor waiting steps."""
        return self._fits(step, executing) if len(self._kinds) == 1 else self.has_room(step, executing)

    def used(self, executing: Collection[str]) -> Counter[str]:
        """Return the amounts of the run's resources that these steps use."""
        used: Counter[str] = Counter()
        for step in executing:
            used.update(self._settings.counted_resources(self._plan.decisions[step].step))
        return used

    def _fits(self, step: str, executing: Collection[str]) -> bool:
        needs = self._settings.counted_resources(self._plan.decisions[step].step)
        if not needs or not self._settings.counts_resources:
            return True
        used, totals = self.used(executing), self._settings.totals
        return all(used[name] + amount <= totals.get(name, 1) for name, amount in needs.items())

    def cluster_terms(self, step: StepSpec) -> ClusterTerms | None:
        """Return the terms on which a step executes on the cluster; None for a step of this machine."""
        if not self._settings.is_on_cluster(step):
            return None
        return ClusterTerms(step.priority, self._settings.cluster_resources(step))

    def hand_out(self, step: StepSpec) -> Mapping[str, str]:
        """Return the environment that a step gets with its place."""
        return {} if self._settings.is_elsewhere(step) else self._devices.hand_out(step.id, step.resources)

    def take_back(self, step: str) -> None:
        """Make the place of a step available to others."""
        self._devices.take_back(step)

    def _kind(self, step: str) -> bool:
        return self._settings.is_on_cluster(self._plan.decisions[step].step)

    def _limit(self, is_on_cluster: bool) -> int:  # noqa: FBT001 - of which kind
        return max(1, self._executor.cluster_places) if is_on_cluster else self._settings.workers

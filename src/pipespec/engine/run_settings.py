"""What a caller of the engine decides and knows: values, and the few functions that only it can provide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import field
from pathlib import Path

from pipespec.document.nodes import JSON
from pipespec.engine.processes.executors import OpenExecutor
from pipespec.engine.step_jobs import ExternalInputs
from pipespec.frozen_values import frozen
from pipespec.plan.results import RunReport
from pipespec.spec.engine_spec import DASK, LOCAL, ClusterSpec
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.spec.resource_amounts import MEMORY
from pipespec.state_folder import StateFolder
from pipespec.step.secrets import Redactor
from pipespec.tracking.started_run import NewInvocation, StartedRun

__all__ = ["RunSettings"]


def _nothing(_report: RunReport) -> Mapping[str, str]:
    return {}


@frozen
class RunSettings:
    """The settings of a run."""

    state: StateFolder
    """The folder for logs, staging and downloads."""
    invocation: Callable[[], NewInvocation]
    """Returns what is recorded about the invocation. Called once, and only if a step executes."""
    external: ExternalInputs
    workers: int = 1
    """How many steps execute at a time on this machine, at least 1."""
    executor: str = LOCAL
    """Where steps execute that do not set it themselves."""
    open_cluster: Callable[..., AbstractContextManager[OpenExecutor]] | None = None
    """`opened_dask`, or None if steps cannot execute on a cluster. Rendered modules have none."""
    travelling_files: Callable[[Path], Collection[str]] = lambda _root: ()
    """Returns the files of a project that are sent to workers that do not see its folder."""
    cluster: ClusterSpec = ClusterSpec()
    """The cluster for steps with the executor `dask`."""
    cluster_places: int | None = None
    """How many steps are given to the cluster at a time. None means as many as keep it busy."""
    keep_going: bool = False
    """After a failure, continue with all steps that do not depend on it."""
    resources: Mapping[str, int] = field(default_factory=dict)
    """How many there are of each, as the pipeline says."""
    machine: Mapping[str, int] = field(default_factory=dict)
    """How much this machine has of what the pipeline does not name."""
    counts_resources: bool = True
    """False where Luigi does, in another process."""
    scheduler: str | None = None
    """The address of a luigid that shows the run. None schedules in this process."""
    page_of: Callable[[StartedRun], str | None] = lambda _run: None
    """Returns the page of an MLflow run, if there is one. A luigid links to it."""
    inline: Collection[str] = ()
    """Steps that execute in this process itself, without isolation and time limits, for a debugger."""
    on_error: Callable[[BaseException], None] | None = None
    """Called with the live exception of an inline step that failed."""
    preload: bool = True
    """Load modules that several steps import once, before the steps are forked."""
    patience: float = 600.0
    """Seconds that results wait for a store that is not reachable. After that, they are kept for the next run."""
    grace: float = 5.0
    """Seconds between SIGTERM and SIGKILL."""
    seeds: Mapping[str, int] = field(default_factory=dict)
    """Seeds of the random numbers of some steps, by id, instead of those from their keys."""
    redact: Redactor = field(default_factory=lambda: Redactor({}))
    """Removes the values of the pipeline's secrets from logs."""
    about: Mapping[str, JSON] = field(default_factory=dict)
    """Entries of each step's manifest in addition to those of the engine: mainly versions."""
    report_files: Callable[[RunReport], Mapping[str, str]] = _nothing
    """Files that the invocation's run gets at its end: name -> text."""

    def is_on_cluster(self, step: StepSpec) -> bool:
        """Return whether a step executes on the cluster."""
        return self.open_cluster is not None and (step.engine.executor or self.executor) == DASK

    def is_elsewhere(self, step: StepSpec) -> bool:
        """Return whether a step executes on workers that have resources of their own, and not on this machine."""
        return self.is_on_cluster(step) and not self.cluster.is_default

    @property
    def totals(self) -> Mapping[str, int]:
        """How many there are of each resource; of one that is not named there is one."""
        return {**self.machine, **self.resources}

    def counted_resources(self, step: StepSpec) -> Mapping[str, int]:
        """Return what a step takes of the totals; a step elsewhere takes memory, and what has no total, of its worker."""
        if not self.is_elsewhere(step):
            return step.resources
        return {name: amount for name, amount in step.resources.items() if self._is_of_run(name)}

    def scheduled_resources(self, step: StepSpec) -> Mapping[str, int]:
        """Return what Luigi counts of them: a luigid knows nothing of the memory of this machine."""
        counted = self.counted_resources(step)
        return counted if self.scheduler is None else {k: v for k, v in counted.items() if k != MEMORY}

    def cluster_resources(self, step: StepSpec) -> Mapping[str, int]:
        """Return what a step on the cluster needs of its worker."""
        if not self.is_elsewhere(step):
            return {}
        return {name: amount for name, amount in step.resources.items() if not self._is_of_run(name)}

    def _is_of_run(self, resource: str) -> bool:
        return resource in self.resources and resource != MEMORY

    def log_of(self, run_id: str) -> Path:
        """Return the place of the log of a step's run."""
        return self.state.log_of(run_id)

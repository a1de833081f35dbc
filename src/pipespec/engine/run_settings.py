"""What a caller of the engine decides and knows: values, and the few edges that only it can reach."""

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
from pipespec.state_folder import StateFolder
from pipespec.step.secrets import Redactor
from pipespec.tracking.started_run import NewInvocation, StartedRun

__all__ = ["RunSettings"]


def _nothing(_report: RunReport) -> Mapping[str, str]:
    return {}


@frozen
class RunSettings:
    """How a run goes about it."""

    state: StateFolder
    """Logs, staging and downloads go below it."""
    invocation: Callable[[], NewInvocation]
    """Says what is recorded of the invocation; asked once, and only when a step executes."""
    external: ExternalInputs
    workers: int = 1
    """How many steps execute at a time on this machine, at least 1."""
    executor: str = LOCAL
    """Where steps execute that do not say it themselves."""
    open_cluster: Callable[..., AbstractContextManager[OpenExecutor]] | None = None
    """`opened_dask`, or None where steps cannot execute on a cluster; rendered modules have none."""
    travelling_files: Callable[[Path], Collection[str]] = lambda _root: ()
    """Names the files of a project that workers get who do not see its folder."""
    cluster: ClusterSpec = ClusterSpec()
    """Where steps of the executor `dask` do."""
    cluster_places: int | None = None
    """How many are given to the cluster at a time; None is as many as keep it busy."""
    keep_going: bool = False
    """After a failure, go on with all that does not depend on it."""
    resources: Mapping[str, int] = field(default_factory=dict)
    """How many there are of each; of one that is not named there is one."""
    scheduler: str | None = None
    """The address of a luigid that shows the run; None schedules in this process."""
    page_of: Callable[[StartedRun], str | None] = lambda _run: None
    """Says where a run of MLflow can be looked at, if anywhere; a luigid links there."""
    inline: Collection[str] = ()
    """Steps that execute in this very process, without isolation and time limits, for a debugger."""
    on_error: Callable[[BaseException], None] | None = None
    """Told the live exception of an inline step that failed."""
    preload: bool = True
    """Load what several steps import once, before they are forked."""
    patience: float = 600.0
    """Seconds that what is computed waits for a store that is away; after that it is kept for the next run."""
    grace: float = 5.0
    """Seconds between SIGTERM and SIGKILL."""
    seeds: Mapping[str, int] = field(default_factory=dict)
    """What random numbers of some steps start from, by id, in place of what their keys say."""
    redact: Redactor = field(default_factory=lambda: Redactor({}))
    """Takes the values of the pipeline's secrets out of logs."""
    about: Mapping[str, JSON] = field(default_factory=dict)
    """What stands in each step's manifest beside what the engine knows: versions above all."""
    report_files: Callable[[RunReport], Mapping[str, str]] = _nothing
    """Files that the invocation's run gets at its end: name -> text."""

    def is_on_cluster(self, step: StepSpec) -> bool:
        """Tell whether a step executes on the cluster."""
        return self.open_cluster is not None and (step.engine.executor or self.executor) == DASK

    def counted_resources(self, step: StepSpec) -> Mapping[str, int]:
        """Return what a step takes of the totals of the run; of a step on the cluster, workers offer what has no total."""
        if not self.is_on_cluster(step):
            return step.resources
        return {name: amount for name, amount in step.resources.items() if name in self.resources}

    def cluster_resources(self, step: StepSpec) -> Mapping[str, int]:
        """Return what a step on the cluster needs of its worker."""
        return {name: amount for name, amount in step.resources.items() if name not in self.resources}

    def log_of(self, run_id: str) -> Path:
        """Return where the log of a step's run is."""
        return self.state.log_of(run_id)

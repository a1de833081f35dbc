"""How the steps of a pipeline are executed: settings for the whole run and for single steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen

__all__ = ["DASK", "EXECUTORS", "LOCAL", "PATIENCE", "ClusterSpec", "EngineSpec", "StepEngine"]

LOCAL: Final = "local"
DASK: Final = "dask"
EXECUTORS: Final = (LOCAL, DASK)
"""Where steps run: in processes on this machine, or on a Dask cluster."""

PATIENCE: Final = 600.0
"""Default number of seconds that results wait for a store that cannot be reached."""

_LOCAL_CLUSTER: Final = "dask.distributed:LocalCluster"


@frozen
class ClusterSpec:
    """The Dask cluster of a run: the address of an existing one, or a class that starts one for the run."""

    address: str | None = None
    """Of its scheduler, or a file with the address, as `dask scheduler --scheduler-file` writes it."""
    call: str = _LOCAL_CLUSTER
    """`module:Class`, called with `arguments`."""
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    adapt: Mapping[str, JSON] | None = None
    """Arguments of the cluster's `adapt`: its number of workers follows the work."""

    @property
    def is_default(self) -> bool:
        """True if nothing is configured: workers on this machine."""
        return self.address is None and self.call == _LOCAL_CLUSTER and not self.arguments

    @property
    def scheduler_file(self) -> str | None:
        """The file with the address, if that is what stands in its place."""
        return self.address if self.address is not None and self.address.endswith(".json") else None

    def below(self, folder: Path) -> ClusterSpec:
        """Return it with the path of its scheduler file taken from a folder."""
        return (
            self if self.scheduler_file is None else replace(self, address=str(folder / self.scheduler_file))
        )


@frozen
class StepEngine:
    """How one step is executed, in addition to what applies to the whole run."""

    executor: str | None = None
    """One of `EXECUTORS`, or None if the step does not set it."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the step's process. They override those of the run."""
    limits_memory: bool | None = None
    """As for the run; None if the step does not set it."""


@frozen
class EngineSpec:
    """How a run is executed. Command-line options take precedence.

    `resources` says how much of each resource there is (`gpu: 2`; `memory` in bytes). `scheduler` is the address of a luigid.
    """

    workers: int | None = None
    executor: str = LOCAL
    scheduler: str | None = None
    keep_going: bool = False
    resources: Mapping[str, int] = field(default_factory=dict)
    patience: float = PATIENCE
    """Seconds that results wait for a store that cannot be reached."""
    cluster: ClusterSpec = ClusterSpec()
    """Where steps with the executor `dask` run."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the processes of steps."""
    limits_memory: bool = False
    """Whether a step fails that uses more than its resource `memory`."""

    def workers_for(self, asked: int | None) -> int:
        """Return how many steps run in parallel if this number was requested, or None if it was not."""
        return asked or self.workers or 1

"""How a run goes about it, as a pipeline says: for the whole run, and for single steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen

__all__ = ["DASK", "EXECUTORS", "LOCAL", "PATIENCE", "ClusterSpec", "EngineSpec", "StepEngine"]

LOCAL: Final = "local"
DASK: Final = "dask"
EXECUTORS: Final = (LOCAL, DASK)
"""Where steps run: in processes on this machine, or on a Dask cluster."""

PATIENCE: Final = 600.0
"""Seconds that results wait for a store that is away, where a pipeline does not say."""

_LOCAL_CLUSTER: Final = "dask.distributed:LocalCluster"


@frozen
class ClusterSpec:
    """The Dask cluster of a run: the address of one that is there, or else a class that starts one for the run."""

    address: str | None = None
    call: str = _LOCAL_CLUSTER
    """`module:Class`, called with `arguments`."""
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    adapt: Mapping[str, JSON] | None = None
    """Arguments of the cluster's `adapt`: its number of workers follows the work."""

    @property
    def is_default(self) -> bool:
        """True where nothing is said of it: workers on this machine."""
        return self.address is None and self.call == _LOCAL_CLUSTER and not self.arguments


@frozen
class StepEngine:
    """How one step is executed, beside what holds for the run."""

    executor: str | None = None
    """One of `EXECUTORS`; None where the step does not say."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the step's process, over those of the run."""
    limits_memory: bool | None = None
    """As of the run; None where the step does not say."""


@frozen
class EngineSpec:
    """How a run goes about it; the command line's options go before these.

    `resources` says how many of each there are (`gpu: 2`), of `memory` bytes. `scheduler` is the address of a luigid.
    """

    workers: int | None = None
    executor: str = LOCAL
    scheduler: str | None = None
    keep_going: bool = False
    resources: Mapping[str, int] = field(default_factory=dict)
    patience: float = PATIENCE
    """Seconds that results wait for a store that is away."""
    cluster: ClusterSpec = ClusterSpec()
    """Where steps of the executor `dask` run."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the processes of steps."""
    limits_memory: bool = False
    """Whether a step fails that uses more than its resource `memory`."""

    def workers_for(self, asked: int | None) -> int:
        """Return how many steps run in parallel where so many were asked for, or None."""
        return asked or self.workers or 1

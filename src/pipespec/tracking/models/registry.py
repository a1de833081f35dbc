"""What MLflow's model registry says, for reading: versions of models, their aliases and tags.

The registry is part of the tracking store, unless MLFLOW_REGISTRY_URI names another. It is read as runs are: a database file by
statements of our own, a server by its REST API, and all else through MLflow's client. Deleted versions do not exist here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from types import TracebackType
from typing import Protocol, Self

from pipespec.frozen_values import frozen

__all__ = ["ModelVersion", "Registry", "WantedVersions"]


@frozen
class ModelVersion:
    """One version of a registered model. `source` is where its files are, `run_id` may be empty."""

    name: str
    version: int
    source: str
    run_id: str = ""
    created: float = 0.0
    """In POSIX seconds."""
    tags: Mapping[str, str] = field(default_factory=dict)


@frozen
class WantedVersions:
    """Which versions are looked for: all that are as each part says, where it says something."""

    name: str | None = None
    version: int | None = None
    tag: tuple[str, str] | None = None
    run_id: str | None = None
    only_last: bool = False
    """The one with the highest number."""


class Registry(Protocol):
    """Every method may raise StoreUnavailableError. Close it, or use it in a `with` statement."""

    uri: str

    def versions(self, wanted: WantedVersions) -> Sequence[ModelVersion]:
        """Return versions of models, those of one model by their numbers, the highest first."""

    def aliases(self, name: str) -> Mapping[str, int] | None:
        """Return a model's aliases with the version that each means; None where there is no such model."""

    def names(self) -> Sequence[str]:
        """Return the names of registered models, as many as a near one is looked for among."""

    def location(self, version: ModelVersion) -> str:
        """Return the URI of a version's files; that of a model which is logged on its own is asked for."""

    def close(self) -> None:
        """Let go of the registry."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

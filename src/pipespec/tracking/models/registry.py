"""MLflow's model registry, for reading: versions of models, their aliases and tags.

The registry is part of the tracking store, unless MLFLOW_REGISTRY_URI names another. It is read like runs: a database
file by our own statements, a server by its REST API, and everything else through MLflow's client. Deleted versions are
never returned.
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
    """One version of a registered model. `source` is the place of its files. `run_id` may be empty."""

    name: str
    version: int
    source: str
    run_id: str = ""
    created: float = 0.0
    """In POSIX seconds."""
    tags: Mapping[str, str] = field(default_factory=dict)


@frozen
class WantedVersions:
    """A search for versions. Each part restricts the result, if it is set."""

    name: str | None = None
    version: int | None = None
    tag: tuple[str, str] | None = None
    run_id: str | None = None
    only_last: bool = False
    """Only the version with the highest number."""


class Registry(Protocol):
    """Every method may raise StoreUnavailableError. Close it, or use it in a `with` statement."""

    uri: str

    def versions(self, wanted: WantedVersions) -> Sequence[ModelVersion]:
        """Return versions of models; those of one model by number, the highest first."""

    def aliases(self, name: str) -> Mapping[str, int] | None:
        """Return a model's aliases with the version of each; None if the model does not exist."""

    def names(self) -> Sequence[str]:
        """Return the names of registered models, as many as are used to suggest a similar name."""

    def location(self, version: ModelVersion) -> str:
        """Return the URI of a version's files. For a model that is logged separately, this asks the store."""

    def close(self) -> None:
        """Close the registry."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

"""The tracking store on which a verb works: that of a pipeline, or that of the project if there is no pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pipespec.frozen_values import frozen
from pipespec.operations.planning.open_store import (
    read_registry_at,
    read_store_at,
    store_name,
    store_uri,
    write_store_at,
)
from pipespec.plan.store_name import StoreName
from pipespec.project.project_root import find_root
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.state_folder import StateFolder
from pipespec.tracking.models.registry import Registry
from pipespec.tracking.reading.ledger import Ledger

if TYPE_CHECKING:
    from pipespec.tracking.writing.recorder import Recorder

__all__ = ["StorePlace"]


@frozen
class StorePlace:
    """A store, and the project in which it is used."""

    root: Path
    tracking_uri: str | None = None
    """The tracking URI in the pipeline file, or None."""
    artifact_location: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """The tags that the pipeline sets on every run."""

    @classmethod
    def of(cls, spec: PipelineSpec) -> Self:
        """Return the store of a pipeline."""
        mlflow = spec.mlflow
        return cls(spec.root, mlflow.tracking_uri, mlflow.artifact_location, mlflow.tags)

    @classmethod
    def here(cls) -> Self:
        """Return the store of the working directory's project, as for pipelines that name none."""
        return cls(find_root(Path("pipeline.yaml").absolute()))

    @property
    def uri(self) -> str:
        """The tracking URI in its normal form.

        Raises:
            UsageError: for a URI that cannot be a store.
        """
        return store_uri(self.tracking_uri, self.root)

    @property
    def name(self) -> StoreName:
        """The same as it may be printed. Raises the same errors as `uri`."""
        return store_name(self.tracking_uri, self.root)

    @property
    def state(self) -> StateFolder:
        """The project's folder `.pipespec`."""
        return StateFolder.of(self.root)

    def read(self) -> Ledger:
        """Open the store for reading. Nothing is created.

        Raises:
            StoreUnavailableError: if it cannot be read.
            UsageError: for a URI that cannot be a store.
        """
        return read_store_at(self.tracking_uri, self.artifact_location, self.root)

    def read_registry(self) -> Registry:
        """Open the model registry that belongs to the store. Raises the same errors as `read`."""
        return read_registry_at(self.tracking_uri, self.root)

    def write(self) -> Recorder:
        """Open the store for writing, which imports MLflow. Raises the same errors as `read`."""
        return write_store_at(self.tracking_uri, self.artifact_location, self.root)

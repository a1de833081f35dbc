"""The tracking store that a verb looks after: that of a pipeline, or of the project where no pipeline says."""

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
    """A store, and the project that it is looked at from."""

    root: Path
    tracking_uri: str | None = None
    """As the pipeline says, or None."""
    artifact_location: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """That the pipeline puts on every run."""

    @classmethod
    def of(cls, spec: PipelineSpec) -> Self:
        """Return the store of a pipeline."""
        mlflow = spec.mlflow
        return cls(spec.root, mlflow.tracking_uri, mlflow.artifact_location, mlflow.tags)

    @classmethod
    def here(cls) -> Self:
        """Return the store of the working directory's project, for pipelines that name none."""
        return cls(find_root(Path("pipeline.yaml").absolute()))

    @property
    def uri(self) -> str:
        """The tracking URI in the one spelling.

        Raises:
            UsageError: for a URI that can be no store.
        """
        return store_uri(self.tracking_uri, self.root)

    @property
    def name(self) -> StoreName:
        """The same as it may be printed; raises as `uri`."""
        return store_name(self.tracking_uri, self.root)

    @property
    def state(self) -> StateFolder:
        """The project's own folder of ours."""
        return StateFolder.of(self.root)

    def read(self) -> Ledger:
        """Open the store for reading; nothing is made.

        Raises:
            StoreUnavailableError: where it cannot be asked.
            UsageError: for a URI that can be no store.
        """
        return read_store_at(self.tracking_uri, self.artifact_location, self.root)

    def read_registry(self) -> Registry:
        """Open the registry of models that belongs to the store; raises as `read`."""
        return read_registry_at(self.tracking_uri, self.root)

    def write(self) -> Recorder:
        """Open the store for writing, which imports MLflow; raises as `read`."""
        return write_store_at(self.tracking_uri, self.artifact_location, self.root)

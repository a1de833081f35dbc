"""Open the tracking store of a pipeline for reading or for writing.

Takes a pipeline. Returns a `Ledger` or a `Recorder`, which the caller must close. MLflow's own messages are written to
a log in the project's state folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipespec.activity import busy
from pipespec.plan.store_name import StoreName
from pipespec.project.environment_variables import variable
from pipespec.project.witness_files import WitnessFiles
from pipespec.state_folder import StateFolder
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.reading.open_ledger import open_ledger
from pipespec.tracking.tracking_uri import is_private, resolve_uri, shown, store_places

if TYPE_CHECKING:
    from pipespec.spec.pipeline_spec import PipelineSpec
    from pipespec.tracking.models.client_registry import ClientRegistry
    from pipespec.tracking.models.registry import Registry
    from pipespec.tracking.writing.recorder import Recorder

__all__ = [
    "read_registry",
    "read_registry_at",
    "read_store",
    "read_store_at",
    "registry_uri",
    "store_name",
    "store_uri",
    "write_registry",
    "write_store",
    "write_store_at",
]

_DEFAULT: Final = "MLFLOW_TRACKING_URI"
_REGISTRY: Final = "MLFLOW_REGISTRY_URI"


def store_uri(tracking_uri: str | None, root: Path) -> str:
    """Return the URI of the store: set by a pipeline, otherwise by the environment, otherwise a file of the project.

    Raises:
        UsageError: for a URI that cannot be a store.
    """
    return resolve_uri(tracking_uri or variable(_DEFAULT), root)


def store_name(tracking_uri: str | None, root: Path) -> StoreName:
    """Return the same as it may be printed. Raises the same errors as `store_uri`."""
    return StoreName(shown(store_uri(tracking_uri, root)), root)


def read_store(spec: PipelineSpec) -> Ledger:
    """Open a pipeline's store for reading. Nothing is created, neither a store nor a folder.

    Raises:
        StoreUnavailableError: if it cannot be read.
        UsageError: for a URI that cannot be a store.
    """
    return read_store_at(spec.mlflow.tracking_uri, spec.mlflow.artifact_location, spec.root)


def read_store_at(tracking_uri: str | None, artifact_location: str | None, root: Path) -> Ledger:
    """Open the store of a pipeline with these settings. Raises the same errors as `read_store`."""
    uri = store_uri(tracking_uri, root)
    places = store_places(uri, root, artifact_location or "")
    log = StateFolder.of(root).mlflow_log
    with busy(f"opening the store {shown(uri)}"):
        return open_ledger(uri, root=root, log=log, check=WitnessFiles(root, places))


def registry_uri(tracking_uri: str | None, root: Path) -> str:
    """Return the URI of the registry: set by the environment, otherwise the URI of the store.

    Raises the same errors as `store_uri`.

    The private store of a pipeline with tracking off has its own registry.
    """
    uri = store_uri(tracking_uri, root)
    return uri if is_private(uri) else resolve_uri(variable(_REGISTRY) or uri, root)


def read_registry(spec: PipelineSpec) -> Registry:
    """Open the registry of a pipeline's models for reading. Raises the same errors as `read_store`."""
    return read_registry_at(spec.mlflow.tracking_uri, spec.root)


def read_registry_at(tracking_uri: str | None, root: Path) -> Registry:
    """Open the registry of a store for reading. Raises the same errors as `read_store`."""
    from pipespec.tracking.models.open_registry import open_registry  # noqa: PLC0415 - few pipelines have models

    uri, log = registry_uri(tracking_uri, root), StateFolder.of(root).mlflow_log
    with busy(f"opening the model registry {shown(uri)}"):
        return open_registry(store_uri(tracking_uri, root), uri, log)


def write_registry(spec: PipelineSpec) -> ClientRegistry:
    """Open the registry of a pipeline's models for writing, with MLflow's client, which is imported with the first request.

    Raises:
        UsageError: for a URI that cannot be a store.
    """
    from pipespec.tracking.models.client_registry import ClientRegistry  # noqa: PLC0415 - as in `write_store_at`

    log = StateFolder.of(spec.root).made().mlflow_log
    log.parent.mkdir(exist_ok=True)
    tracking_uri = spec.mlflow.tracking_uri
    return ClientRegistry(registry_uri(tracking_uri, spec.root), store_uri(tracking_uri, spec.root), log)


def write_store(spec: PipelineSpec) -> Recorder:
    """Open a pipeline's store for writing, which imports MLflow. A file that does not exist yet is created.

    Raises:
        StoreUnavailableError: if it cannot be read.
        UsageError: for a URI that cannot be a store.
    """
    return write_store_at(spec.mlflow.tracking_uri, spec.mlflow.artifact_location, spec.root)


def write_store_at(tracking_uri: str | None, artifact_location: str | None, root: Path) -> Recorder:
    """Open the store of a pipeline with these settings. Raises the same errors as `write_store`."""
    from pipespec.tracking.writing.recorder import Recorder  # noqa: PLC0415 - code that only reads does not need it

    log = StateFolder.of(root).made().mlflow_log
    log.parent.mkdir(exist_ok=True)
    uri = store_uri(tracking_uri, root)
    with busy(f"opening the store {shown(uri)}"):
        return Recorder.open(uri, root=root, log=log, artifact_location=artifact_location)

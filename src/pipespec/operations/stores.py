"""The tracking store of a pipeline, opened: for reading, or for writing.

Takes a pipeline; gives a `Ledger` or a `Recorder`, to be closed. What MLflow says of itself goes to a log in the
project's state folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipespec.project.root import STATE_FOLDER, make_state_folder
from pipespec.spec.model import PipelineSpec
from pipespec.tracking.ledger import Ledger, open_ledger

if TYPE_CHECKING:
    from pipespec.tracking.recorder import Recorder

__all__ = ["read_default_store", "read_store", "write_store"]


def read_store(spec: PipelineSpec) -> Ledger:
    """Open a pipeline's store for reading; nothing is made, neither a store nor a folder.

    Raises:
        StoreUnavailableError: where it cannot be asked.
        UsageError: for a URI that can be no store.
    """
    return open_ledger(spec.mlflow.tracking_uri, root=spec.root, log=_log(spec.root))


def read_default_store(root: Path) -> Ledger:
    """Open the store of a project whose pipelines name none; raises as `read_store`."""
    return open_ledger(None, root=root, log=_log(root))


def write_store(spec: PipelineSpec) -> Recorder:
    """Open a pipeline's store for writing, which imports MLflow; a file that is not there yet is made.

    Raises:
        StoreUnavailableError: where it cannot be asked.
        UsageError: for a URI that can be no store.
    """
    from pipespec.tracking.recorder import Recorder  # noqa: PLC0415 - what only reads has no use for it

    make_state_folder(spec.root)
    log = _log(spec.root)
    log.parent.mkdir(exist_ok=True)
    return Recorder.open(
        spec.mlflow.tracking_uri,
        root=spec.root,
        log=log,
        artifact_location=spec.mlflow.artifact_location,
    )


def _log(root: Path) -> Path:
    return root / STATE_FOLDER / "logs" / "mlflow.log"

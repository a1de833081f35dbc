"""Remove runs from a tracking store: MLflow's own deletion, which can be undone, and the permanent removal of `mlflow gc`.

`mlflow gc` itself is not called: even with `--run-ids` it also removes every experiment and logged model that anyone
deleted. Therefore its work for runs is done here, only for the named runs. Only files of this store are removed: a
database that was copied with its project still names the folders of the original project.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from pipespec.errors import PipespecError
from pipespec.tracking.artifact_uris import local_path
from pipespec.tracking.mlflow_client import Session, speaking
from pipespec.tracking.run_facts import RunFacts
from pipespec.tracking.tracking_uri import ARTIFACT_FOLDER, artifact_root, is_server

__all__ = ["RunRemoval", "is_own_folder"]

_GONE: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""MLflow's errors for a run that does not exist, or is deleted."""


def is_own_folder(folder: Path, tracking_uri: str, root: Path) -> bool:
    """Return whether this store may remove a run's local folder: it is not in the artifact folder of another project."""
    own = artifact_root(tracking_uri, root)
    if own is None or ARTIFACT_FOLDER not in folder.parts:
        return True
    return folder.resolve().is_relative_to(own.resolve())


class RunRemoval:
    """Removes runs of one store, through MLflow's client, which takes seconds to import. Use it in a `with` statement."""

    def __init__(self, tracking_uri: str, root: Path, log: Path | None) -> None:
        """Take a resolved URI, and the file that gets MLflow's log output."""
        self._uri = tracking_uri
        self._root = root
        self._session = Session(tracking_uri, log)

    @property
    def purges(self) -> bool:
        """Whether runs can be removed permanently from here. For a server, only its own host can do this."""
        return not is_server(self._uri)

    def delete(self, runs: Iterable[RunFacts]) -> Iterator[str]:
        """Delete runs as MLflow's page does, and yield each id, also if the run is already gone."""
        client = self._session.client
        for run in runs:
            with _unless_gone(), speaking(self._uri):
                client.delete_run(run.run_id)
            yield run.run_id

    def purge(self, runs: Iterable[RunFacts]) -> Iterator[str]:
        """Remove deleted runs permanently, their files first, and yield each id.

        Raises:
            PipespecError: if the store cannot do that.
        """
        store = self._store()
        for run in runs:
            self._remove_files(run)
            with _unless_gone(), speaking(self._uri):
                store(run.run_id)
            yield run.run_id

    def close(self) -> None:
        """Close the store."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _store(self) -> Callable[[str], Any]:
        _ = self._session.client
        from mlflow.tracking._tracking_service.utils import _get_store  # noqa: PLC0415 - imported already

        removal: Callable[[str], Any] | None = getattr(_get_store(self._uri), "_hard_delete_run", None)
        if removal is None or not self.purges:
            raise PipespecError("this tracking store cannot remove runs for good from here")
        return removal

    def _remove_files(self, run: RunFacts) -> None:
        folder = local_path(run.artifact_uri)
        if folder is None:
            from mlflow.store.artifact.artifact_repository_registry import (  # noqa: PLC0415 - as above
                get_artifact_repository,
            )

            with speaking(self._uri):
                get_artifact_repository(run.artifact_uri).delete_artifacts()
        elif is_own_folder(folder, self._uri, self._root):
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # MLflow's folder of the run, which contains only that
                folder.parent.rmdir()


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    """Ignore that a run no longer exists."""
    try:
        yield
    except PipespecError as error:
        if getattr(error.__cause__, "error_code", None) not in _GONE:
            raise

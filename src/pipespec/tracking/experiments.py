"""Experiments by name, made where there is none; each is asked for once.

A deleted experiment is never restored, and its name stays taken: `<name>~2` is made beside it, then `~3`. So it is
where the project was moved or copied, since MLflow keeps an experiment's folder as an absolute path: new runs
would put their files where the project stood.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.client import speaking
from pipespec.tracking.names import cut
from pipespec.tracking.places import local_path
from pipespec.tracking.store import ARTIFACT_FOLDER, artifact_root, experiment_slug, shown

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Experiments"]

_NAME_LENGTH: Final = 240


class Experiments:
    """The experiments of one store; new ones put artifacts below `artifact_location`, or beside the database."""

    def __init__(self, uri: str, root: Path, artifact_location: str | None) -> None:
        self._uri = uri
        self._own = artifact_root(uri, root) if artifact_location is None else None
        self._location = _base(uri, root, artifact_location)
        self._ids: dict[str, str] = {}

    def id_of(self, client: MlflowClient, name: str) -> str:
        """Return the id of the experiment of that name, or of its successor if it was deleted."""
        if name not in self._ids:
            with speaking(self._uri):
                self._ids[name] = self._find_or_make(client, cut(name, _NAME_LENGTH))
        return self._ids[name]

    def _find_or_make(self, client: MlflowClient, name: str) -> str:
        for number in count(1):
            candidate = name if number == 1 else f"{name}~{number}"
            found = client.get_experiment_by_name(candidate)
            if found is None:
                if made := self._make(client, candidate):
                    return made
                found = client.get_experiment_by_name(candidate)
            if found is None or not found.experiment_id:
                raise StoreUnavailableError(
                    f"tracking store {shown(self._uri)}: it neither has nor makes the experiment '{candidate}'; is it a "
                    "tracking server?"
                )
            if found.lifecycle_stage == "active" and not self._was_left_behind(found.artifact_location):
                return str(found.experiment_id)
        raise AssertionError

    def _was_left_behind(self, location: str) -> bool:
        path = local_path(location)
        return (
            self._own is not None
            and path is not None
            and ARTIFACT_FOLDER in path.parts
            and not path.resolve().is_relative_to(self._own.resolve())  # the root may be reached by a link
        )

    def _make(self, client: MlflowClient, name: str) -> str | None:
        """Make an experiment and return its id, or None where another process was first."""
        location = None if self._location is None else f"{self._location}/{experiment_slug(name)}"
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except Exception as error:
            if getattr(error, "error_code", None) != "RESOURCE_ALREADY_EXISTS":
                raise
            return None


def _base(uri: str, root: Path, artifact_location: str | None) -> str | None:
    if artifact_location is None:
        folder = artifact_root(uri, root)
        return None if folder is None else folder.as_uri()
    if "://" in artifact_location or artifact_location.startswith(("file:", "mlflow-artifacts:", "dbfs:")):
        return artifact_location.rstrip("/")
    return (root / artifact_location).absolute().as_uri()

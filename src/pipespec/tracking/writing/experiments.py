"""Find or create experiments by name. Each is requested only once, as soon as it is certain.

A deleted experiment is never restored, and its name remains in use: `<name>~2` is created instead, then `~3`. The same
happens after the project was moved or copied, because MLflow stores an experiment's folder as an absolute path: new
runs would put their files into the project's old place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.artifact_uris import local_path
from pipespec.tracking.record_names import cut
from pipespec.tracking.tracking_uri import ARTIFACT_FOLDER, artifact_root, experiment_slug, shown
from pipespec.tracking.writing.store_writer import StoreWriter

__all__ = ["Experiments"]

_NAME_LENGTH: Final = 240


class Experiments:
    """The experiments of one store. New ones put artifacts below `artifact_location`, or next to the database."""

    def __init__(self, writer: StoreWriter, root: Path, artifact_location: str | None) -> None:
        uri = writer.uri
        self._writer = writer
        self._own = artifact_root(uri, root) if artifact_location is None else None
        self._location = _base(uri, root, artifact_location)
        self._ids: dict[str, str] = {}
        self._had_none = False
        """Whether the last one had to be made: then the next is probably new, too, and is not asked for first."""

    @contextlib.contextmanager
    def named(self, name: str, note: str = "") -> Iterator[str]:
        """Provide the id of the experiment with that name, or of its successor if it was deleted.

        A new one gets the description `note`. It is written together with the writes in the block, or not at all.
        """
        with self._writer.at_once() as is_settled:
            found = self._ids.get(name) or self._find_or_make(cut(name, _NAME_LENGTH), note)
            yield found
        if is_settled:  # otherwise it may still be rolled back, with its id
            self._ids[name] = found

    def _find_or_make(self, name: str, note: str) -> str:
        for number in count(1):
            candidate = name if number == 1 else f"{name}~{number}"
            found = None if self._had_none else self._writer.find_experiment(candidate)
            if found is None:
                made = self._make(candidate, note)
                self._had_none = made is not None
                if made is not None:
                    return made
                found = self._writer.find_experiment(candidate)
            if found is None or not found.experiment_id:
                raise StoreUnavailableError(
                    f"tracking store {shown(self._writer.uri)}: it neither has nor creates the experiment '{candidate}'; is "
                    "it a tracking server?"
                )
            if found.is_active and not self._was_left_behind(found.artifact_location):
                return found.experiment_id
        raise AssertionError

    def _was_left_behind(self, location: str) -> bool:
        path = local_path(location)
        return (
            self._own is not None
            and path is not None
            and ARTIFACT_FOLDER in path.parts
            and not path.resolve().is_relative_to(self._own.resolve())  # the root may be reached by a link
        )

    def _make(self, name: str, note: str) -> str | None:
        location = None if self._location is None else f"{self._location}/{experiment_slug(name)}"
        return self._writer.make_experiment(name, location, note)


def _base(uri: str, root: Path, artifact_location: str | None) -> str | None:
    if artifact_location is None:
        folder = artifact_root(uri, root)
        return None if folder is None else folder.as_uri()
    if "://" in artifact_location or artifact_location.startswith(("file:/", "mlflow-artifacts:", "dbfs:")):
        return artifact_location.rstrip("/")
    return (root / artifact_location.removeprefix("file:")).absolute().as_uri()

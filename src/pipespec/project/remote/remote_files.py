"""The interface to a store of external inputs: which files there are, and their content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from pipespec.frozen_values import frozen
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput

__all__ = ["RemoteFile", "RemoteFiles"]


@frozen
class RemoteFile:
    """A file in a store: its path there, its size (0 if it is not known), and what identifies its content.

    `mark` is the kind of identification, for example a version, and its value; None if the store has none.
    """

    path: str
    size: int
    mark: tuple[str, str] | None


class RemoteFiles(Protocol):
    """The files of one store. Each method raises UsageError if the store does not provide what is requested."""

    def look(self, source: FileInput | DirInput | FilesInput) -> Mapping[str, RemoteFile]:
        """Return the files of an input, by names below its folder; a single file by its own name. No content is read."""

    def get(self, file: RemoteFile, target: Path, got: Callable[[int], None]) -> None:
        """Download a file in the version that was listed. `got` is called with the number of bytes of each piece."""

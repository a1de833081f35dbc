"""What is asked of a store that external inputs are in: which files there are, and their content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from pipespec.frozen_values import frozen
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput

__all__ = ["RemoteFile", "RemoteFiles"]


@frozen
class RemoteFile:
    """A file in a store: its path there, its size (0 where that is not told), and what stands for its content.

    `mark` names what that is, a version for instance, and its value; None where the store has none.
    """

    path: str
    size: int
    mark: tuple[str, str] | None


class RemoteFiles(Protocol):
    """The files of one store. Each method raises UsageError where the store does not give what is asked for."""

    def look(self, source: FileInput | DirInput | FilesInput) -> Mapping[str, RemoteFile]:
        """Return what an input names, by names below its folder; a single file by its own name. Nothing is read."""

    def get(self, file: RemoteFile, target: Path, got: Callable[[int], None]) -> None:
        """Fetch a file as it was looked at; `got` is told of each piece in bytes."""

"""Read another tool's pipeline from the disk and convert it.

Takes a file or folder, and the place for the pipeline file. Returns a `Conversion`. Writes nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pipespec.converting.conversion import Conversion
from pipespec.converting.dvc.convert_dvc import convert_dvc
from pipespec.document.size_limits import MAX_BYTES
from pipespec.document.wording import quote
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.init_project import pipeline_name
from pipespec.project.project_root import find_root, without_dots
from pipespec.project.source_tree import DiskTree
from pipespec.spec.foreign_files import DVC, foreign_kind

__all__ = ["Beside", "convert_source"]

_DVC_FILE: Final = "dvc.yaml"


def convert_source(source: Path, target: Path | None) -> Conversion:
    """Convert a dvc.yaml, or the one in a folder.

    Raises:
        UsageError: if there is none, or it is outside of the project to which the pipeline file belongs.
        InvalidPipelineError: if it cannot be converted.
    """
    file = source / _DVC_FILE if source.is_dir() else source
    try:
        text = DiskTree().read(file, MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(
            f"there is no file {quote(str(file))}; give a dvc.yaml, or: pipespec convert kedro FOLDER"
        ) from None
    except OSError as error:
        raise UsageError(f"{quote(str(file))} cannot be read: {error.strerror or error}") from error
    _require_dvc(file, text)
    folder = without_dots(file).parent
    beside = folder if target is None else without_dots(target).parent
    root = find_root(beside / "pipeline.yaml")
    if not folder.is_relative_to(root) or not _is_within(file, root):
        raise UsageError(
            f"{quote(str(file))} is outside of the project {quote(str(root))}, where the pipeline file is to be"
        )
    return convert_dvc(
        text,
        file=str(file),
        name=pipeline_name(folder),
        files=Beside(folder, root),
        root=os.path.relpath(folder, root),
        target=os.path.relpath(folder, beside),
    )


def _require_dvc(file: Path, text: bytes) -> None:
    kind = foreign_kind(file.name, text)
    if kind is not None and kind[0] != DVC:
        title, hint = kind
        raise UsageError(f"{quote(str(file))} is {title}, which cannot be converted; {hint}")
    if file.suffix not in (".yaml", ".yml"):
        raise UsageError(
            f"{quote(str(file))} is no dvc.yaml; what can be converted: a dvc.yaml, or 'kedro FOLDER'"
        )


def _is_within(path: Path, root: Path) -> bool:
    """Return whether a path is below a folder, also if links are followed: messages quote what is read."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


@frozen
class Beside:
    """The files of a folder, and others of its project."""

    folder: Path
    root: Path

    def content(self, path: str) -> bytes | None:
        """Return the content of a file; None if it does not exist, is too large, or is outside of the project."""
        place = self.folder / path
        try:
            if not _is_within(place, self.root) or not place.is_file() or place.stat().st_size > MAX_BYTES:
                return None
            return place.read_bytes()
        except (OSError, ValueError):
            return None

    def is_folder(self, path: str) -> bool | None:
        """Return whether a path is a folder or a file; None if it is neither."""
        place = self.folder / path
        try:
            return place.is_dir() if place.exists() else None
        except (OSError, ValueError):
            return None

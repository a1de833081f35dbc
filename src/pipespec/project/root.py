"""Where a project begins, and where pipespec keeps its own files in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["STATE_FOLDER", "find_root", "make_state_folder"]

STATE_FOLDER: Final = ".pipespec"
"""The folder below the root with index, logs, staging and downloads; it may be deleted at any time."""

_MARKS: Final = ("pyproject.toml", ".git")


def find_root(file: Path) -> Path:
    """Return the project root of a pipeline file: the nearest folder upward with `pyproject.toml` or `.git`.

    Without one it is the file's own folder. Absolute, links in it kept as they are; the file need not exist.
    """
    folder = file.absolute().parent
    for place in (folder, *folder.parents):
        if any((place / mark).exists() for mark in _MARKS):
            return place
    return folder


def make_state_folder(root: Path) -> Path:
    """Return the state folder of a project, made where it is missing, and ignored by git.

    Raises:
        OSError: where it cannot be made.
    """
    folder = root / STATE_FOLDER
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder

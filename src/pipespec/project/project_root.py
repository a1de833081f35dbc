"""Find the project root."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["find_root", "without_dots"]

_MARKS: Final = ("pyproject.toml", ".git")


def find_root(file: Path) -> Path:
    """Return the project root of a pipeline file: the nearest folder above it with `pyproject.toml` or `.git`.

    If there is none, it is the file's own folder. The result is absolute, and links in it are kept. The file need not
    exist.
    """
    folder = without_dots(file).parent
    for place in (folder, *folder.parents):
        if any((place / mark).exists() for mark in _MARKS):
            return place
    return folder


def without_dots(path: Path) -> Path:
    """Return a path as absolute and without '..', so that paths below it can be compared.

    A link is kept unless a '..' leaves it.
    """
    found, *parts = path.absolute().parts
    place = Path(found)
    for part in parts:
        if part != "..":
            place /= part
        else:
            place = (place.resolve() if place.is_symlink() else place).parent
    return place

"""Derive names of the language from names and paths of other tools, each unique."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import Final

__all__ = ["argument_name", "file_name", "step_name", "unused", "without_references"]

_REFERENCE: Final = re.compile(r"[-_.]?\$\{[^${}]*\}")


def without_references(path: str) -> str:
    """Return a path without its `${…}`, and without the characters that join them to the rest."""
    before = ""
    while before != path:
        before, path = path, _REFERENCE.sub("", path)
    return path


def step_name(text: str) -> str:
    """Derive a name of a step."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "step"
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def argument_name(path: str) -> str:
    """Derive a name of an argument or an output from the last part of a path, or from its folder if nothing usable is left."""
    folder, base = posixpath.split(path.rstrip("/"))
    stem = posixpath.splitext(base)[0].strip(".")
    if not re.search(r"[A-Za-z0-9]", stem) or base.startswith("."):
        stem = posixpath.basename(folder)
    name = re.sub(r"[^A-Za-z0-9_]+", "_", stem).strip("_").lower() or "data"
    return name if re.match(r"[a-z_]", name) else f"_{name}"


def file_name(path: str, name: str) -> str:
    """Derive the name of an output's file, with the suffix of the path; use `name` if nothing of the path is usable."""
    base = re.sub(r"[^A-Za-z0-9_.,+=@()-]+", "_", posixpath.basename(path.rstrip("/"))).lstrip("-_")
    stem, suffix = posixpath.splitext(base)
    if base.startswith("."):
        stem, suffix = name, base
    suffix = ".yaml" if suffix == ".yml" else suffix.rstrip(".")
    return f"{stem.strip('.') or name}{suffix}"


def unused(name: str, taken: Collection[str]) -> str:
    """Return a name, with a number if it is already used."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found

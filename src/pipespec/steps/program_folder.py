"""The folder in which a program finds files at the paths that it expects: the project, seen through links.

Takes the paths that a command names, relative to the folder in which it runs, and what belongs there. Inputs are placed
there, params are written as a file, and outputs are fetched when the program has ended. The folder also shows the other
files of the project. Therefore, no file of the user is replaced, and two runs do not disturb each other. Refuses paths
outside of the project, and one path for two things.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.spec.library_steps import PATH_NAME, path_in_project
from pipespec.step.failure import StepError
from pipespec.steps.params_file import write_params
from pipespec.steps.step_arguments import Values

__all__ = ["program_folder"]

_NOT_SHOWN: Final = frozenset({".pipespec"})


@dataclass(slots=True)
class _LaidPath:
    """One path of the folder: where its content comes from, and what is placed below it."""

    source: Path | None
    below: dict[str, _LaidPath] = field(default_factory=dict)
    is_output: bool = False
    params: Mapping[str, Any] | None = None
    owner: str = ""


@contextmanager
def program_folder(folder: str, paths: Mapping[str, str], values: Values) -> Iterator[Path]:
    """Make the folder, yield the place in it where the program runs, and fetch the outputs from it.

    Raises:
        StepError: for an invalid path, and for an output that the program did not write.
    """
    root, began = Path.cwd(), time.time()
    top = _LaidPath(root)
    outputs: dict[str, str] = {}
    for name, path in _in_project(paths, folder):
        _lay(top, path, name, values)
        kind, _, key = name.partition(".")
        if kind == "outputs":
            outputs[key] = path
    beside = [path.parent for path in values.outputs.values()][:1]
    with tempfile.TemporaryDirectory(prefix=".program-", dir=next(iter(beside), None)) as made:
        _build(top, Path(made))
        Path(made, folder).mkdir(parents=True, exist_ok=True)
        yield Path(made, folder)
        for key, path in sorted(outputs.items(), key=lambda item: -item[1].count("/")):
            is_shared = any(path.startswith(f"{other}/") for other in outputs.values())
            if not os.path.lexists(Path(made, path)):
                raise StepError("outputs", _not_written(key, root / path, path, began))
            _fetch(Path(made, path), values.outputs[key], is_shared=is_shared)


def _in_project(paths: Mapping[str, str], folder: str) -> list[tuple[str, str]]:
    """Return the paths relative to the project root, with folders before their content."""
    found = []
    for name, written in paths.items():
        path = path_in_project(written, folder)
        if path is None:
            raise StepError(
                "binding", f"{quote(written)}, the path of {quote(name)}, is not inside the project"
            )
        found.append((name, path))
    return sorted(found, key=lambda item: item[1].count("/"))


def _lay(top: _LaidPath, path: str, name: str, values: Values) -> None:
    """Add to the tree what a name means."""
    place = top
    for segment in path.split("/"):
        inner = None if place.source is None else place.source / segment
        place = place.below.setdefault(segment, _LaidPath(inner))
    if place.owner:
        raise StepError(
            "binding", f"{quote(place.owner)} and {quote(name)} are at the same path {quote(path)}"
        )
    place.owner = name
    kind, _, key = name.partition(".")
    if name == "params":
        place.params = dict(values.params)
        return
    if not PATH_NAME.fullmatch(name):
        raise StepError(
            "binding", f"{quote(name)} in 'paths' is not of the form inputs.NAME, params.NAME or outputs.NAME"
        )
    value = values.value(kind, key, name)
    if kind == "params":
        place.params = value
        return
    place.is_output = kind == "outputs"
    if isinstance(value, Mapping):
        raise StepError("binding", f"{quote(name)} has several files; give each an input of its own")
    place.source = None if place.is_output else Path(value)


def _build(place: _LaidPath, target: Path) -> None:
    if place.params is not None:
        write_params(place.params, place.source, target)
    elif place.is_output:
        return
    elif not place.below:
        if place.source is not None and place.source.exists():
            target.symlink_to(place.source)
    else:
        target.mkdir(exist_ok=True)
        if place.source is not None and place.source.is_dir():
            for entry in os.scandir(place.source):
                if entry.name not in place.below and entry.name not in _NOT_SHOWN:
                    (target / entry.name).symlink_to(entry.path)
        for name, below in place.below.items():
            _build(below, target / name)


def _fetch(made: Path, place: Path, *, is_shared: bool) -> None:
    """Move an output to its destination. If it contains links, or is part of another output, it is copied."""
    if made.is_dir() and place.is_dir():
        place.rmdir()
    if is_shared or _has_links(made):
        if made.is_dir():
            shutil.copytree(made, place)
        else:
            shutil.copyfile(made, place)
    else:
        shutil.move(made, place)


def _has_links(path: Path) -> bool:
    if path.is_symlink():
        return True
    return any(Path(folder, name).is_symlink() for folder, *names in os.walk(path) for name in chain(*names))


def _not_written(name: str, real: Path, path: str, began: float) -> str:
    said = f"output {quote(name)}: the program wrote nothing to {quote(path)}"
    try:
        is_beside = real.stat().st_mtime >= began - 1
    except OSError:
        return said
    if not is_beside:
        return said
    return f"{said}, but to '{real}'; write its path as a template in the command: {{outputs.{name}}}"

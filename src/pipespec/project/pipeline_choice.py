"""Which pipeline is used if no file, or a folder, is given.

Takes a folder, or nothing. Returns the file, relative to the working directory. `file` in `[tool.pipespec]` of the
project's pyproject.toml decides; otherwise the only pipeline of the folder, or of its `pipelines/`. If no folder is
given, the nearest folder up to the project root that has one is used. Refuses to choose between several.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pipespec.errors import UsageError
from pipespec.project.pipeline_search import pipelines_in
from pipespec.project.project_root import find_root
from pipespec.project.project_settings import SETTINGS_FILE, default_file

__all__ = ["choose_pipeline", "environments_of", "overlay_of_environment"]

_FOLDER: Final = "pipelines"
_MOST: Final = 20


def choose_pipeline(place: str | None = None) -> str:
    """Return the pipeline of a folder or, without one, of the working directory and the folders above it.

    Raises:
        UsageError: if there is none, or there are several.
    """
    folders = [Path(place)] if place is not None else list(_upward())
    for folder in folders if place is not None else folders[-1:]:
        chosen = default_file(folder)
        if chosen is not None:
            return _spelt(chosen)
    for folder in folders:
        found = pipelines_in(folder) or pipelines_in(folder / _FOLDER)
        if len(found) == 1:
            return _spelt(found[0])
        if found:
            raise UsageError(_several(found))
    where = f"in '{place}'" if place is not None else "here, in a folder above up to the project root"
    way = (
        "name the file of a pipeline"
        if place is not None
        else "name its file, or make an example with 'pipespec init'"
    )
    raise UsageError(
        f"there is no pipeline {where} or in '{_FOLDER}' there: no .yaml or .yml file has a top-level key 'pipespec'; {way}"
    )


def overlay_of_environment(file: str, name: str) -> str:
    """Return the overlay of a pipeline for an environment, `FILE.prod.yaml` for `prod`, beside it.

    Raises:
        UsageError: if there is none.
    """
    path = Path(file)
    overlay = path.with_name(f"{path.stem}.{name}{path.suffix}") if _is_name(name) else None
    if overlay is not None and overlay.is_file():
        return str(overlay)
    known = environments_of(file)
    way = f"there are: {', '.join(known)}" if known else "no overlay of this kind is beside the pipeline"
    own = path.with_name(f"{name}{path.suffix}") if _is_name(name) else None
    if own is not None and own.is_file() and own != path:
        way = f"to use {own.name} as an overlay, write '-f {own}'"
    wanted = f"{path.stem}.{name}{path.suffix}"
    raise UsageError(f"there is no file '{wanted}' beside '{file}' for '--env {name}'; {way}")


def environments_of(file: str) -> tuple[str, ...]:
    """Return the environments that have an overlay beside a pipeline, sorted."""
    path = Path(file)
    head, end = f"{path.stem}.", path.suffix
    try:
        names = sorted(one.name for one in path.parent.iterdir())
    except OSError:
        return ()
    fits = (name for name in names if name.startswith(head) and name.endswith(end))
    return tuple(name[len(head) : -len(end) or None] for name in fits if len(name) > len(head) + len(end))


def _is_name(name: str) -> bool:
    return bool(name) and os.sep not in name and "\0" not in name


def _upward() -> Iterator[Path]:
    """Yield the working directory and the folders above it, up to the project root."""
    here = Path.cwd()
    root = find_root(here / "pipeline.yaml")
    for folder in (here, *here.parents):
        yield folder
        if folder == root:
            return


def _spelt(path: Path) -> str:
    return os.path.relpath(path)


def _several(found: Sequence[Path]) -> str:
    names = [_spelt(path) for path in found]
    shown = ", ".join(names[:_MOST])
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return (
        f"there are {len(names)} pipelines to choose from: {shown}{more}; name one, or set 'file' in [tool.pipespec] of"
        f" {SETTINGS_FILE}"
    )

"""Convert `deps` of a stage to inputs of a step: outputs of other steps, files, folders.

Takes an entry with the outputs and names of all entries. Returns the inputs, and the paths at which the program expects
them. If the points of a matrix read from steps that no reference can name, nothing is returned: the entry is then
written as separate steps.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from pipespec.converting.conversion import SourceFiles, SourceFindings
from pipespec.converting.dvc.points import Made, Point, Producers, StageEntry, is_uri
from pipespec.converting.dvc.stages import Path
from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.frozen_values import frozen
from pipespec.spec.variant_names import point_text

__all__ = ["Dep", "Wiring", "deps_of", "files_named"]

_CODE: Final = frozenset(
    [
        ".bash",
        ".c",
        ".cpp",
        ".do",
        ".go",
        ".ipynb",
        ".java",
        ".jl",
        ".js",
        ".lua",
        ".m",
        ".pl",
        ".py",
        ".r",
        ".rb",
        ".rmd",
        ".rs",
        ".scala",
        ".sh",
        ".sql",
        ".ts",
    ]
)


@frozen
class Dep:
    """One input: its value in the pipeline file, the path that the program uses, and whether it must be placed at that path."""

    value: JSON
    path: str
    is_laid: bool


@frozen
class Wiring:
    """What is known about all entries: names of steps and outputs, and which entries are written as a matrix."""

    producers: Producers
    step_name: Callable[[StageEntry, int], str]
    output_name: Callable[[StageEntry, int], str]
    is_matrix: Mapping[str, bool]
    files: SourceFiles
    folder: str
    """The path from the pipeline file to the dvc.yaml."""


def deps_of(
    entry: StageEntry,
    points: Sequence[Point],
    written: Callable[[str], str],
    wiring: Wiring,
    found: SourceFindings | None,
) -> list[Dep] | None:
    """Return the inputs of an entry at some of its points, or None if no references are valid for all of them.

    If `found` is None, nothing is recorded.
    """
    result: list[Dep] = []
    for number, dep in enumerate(entry.stage.deps):
        paths = [point.deps[number] for point in points]
        made = [wiring.producers.of(path) for path in paths]
        if any(made):
            value = _reference(entry, points, [one for one in made if one is not None], wiring)
            if value is None or not all(made):
                return None
            result.append(Dep(value, written(dep.text), is_laid=True))
            continue
        inner = [[*wiring.producers.below(path)] for path in paths]
        if any(inner):
            if len(points) > 1:
                return None
            result += _contained(entry, points[0], inner[0], wiring)
        elif not _is_code(paths, points):
            result += _outside(dep, entry, points, paths, written, wiring, found)
    return result


def _is_code(paths: Sequence[str], points: Sequence[Point]) -> bool:
    """Return whether a path counts as code of the command: a source file that the command names."""
    if posixpath.splitext(paths[0])[1].lower() not in _CODE:
        return False
    return all(path in files_named(point) for path, point in zip(paths, points, strict=True))


def files_named(point: Point) -> set[str]:
    """Return the words of the commands at a point, as paths."""
    found: set[str] = set()
    for line in point.commands:
        try:
            words = shlex.split(line)
        except ValueError:
            words = line.split()
        found.update(posixpath.normpath(posixpath.join(point.wdir, word)) for word in words)
    return found


def _outside(
    dep: Path,
    entry: StageEntry,
    points: Sequence[Point],
    paths: Sequence[str],
    written: Callable[[str], str],
    wiring: Wiring,
    found: SourceFindings | None,
) -> Iterator[Dep]:
    """Yield what no stage produces."""
    text = written(dep.text)
    if is_uri(paths[0]):
        if paths[0].startswith(("remote://", "ds://")):
            if found is not None:
                message = f"{quote(dep.text)} of stage {quote(entry.stage.name)} is known to DVC only"
                found.leave(message, dep.span, "write its full address as an input: {file: s3://bucket/path}")
            return
        yield Dep({"file": text}, text, is_laid=False)
        return
    is_folder = wiring.files.is_folder(paths[0])
    if is_folder is None:
        is_folder = not posixpath.splitext(paths[0].rstrip("/"))[1]
        if found is not None and wiring.files.content(f"{paths[0]}.dvc") is not None:
            message = f"{quote(dep.text)} is kept by DVC and is not here"
            found.leave(message, dep.span, "get it once with 'dvc pull', or make it an input at its address")
    before = [part for part in (wiring.folder, written(entry.stage.wdir)) if part != "."]
    place = posixpath.join(*before, text) if before else text
    place = place if "${" in place else posixpath.normpath(place)
    is_word = any(path in files_named(point) for path, point in zip(paths, points, strict=True))
    yield Dep({"dir" if is_folder else "file": place}, text, is_laid=is_word and not text.startswith("/"))


def _contained(entry: StageEntry, point: Point, made: Sequence[Made], wiring: Wiring) -> Iterator[Dep]:
    """Yield each output that is produced inside a folder on which a stage depends."""
    for one in made:
        value = _reference(entry, [point], [one], wiring)
        assert value is not None
        path = one.entry.points[one.point].outs[one.output]
        yield Dep(value, posixpath.relpath(path, point.wdir or "."), is_laid=True)


def _reference(
    entry: StageEntry, points: Sequence[Point], made: Sequence[Made], wiring: Wiring
) -> str | None:
    """Return a reference to an output, the same for all points; None if there is none."""
    first = made[0]
    if any(one.entry is not first.entry or one[2:] != first[2:] for one in made):
        return None
    part = f"/{first.part}" if first.part else ""
    output = wiring.output_name(first.entry, first.output)
    numbers = {one.point for one in made}
    if not wiring.is_matrix[first.entry.stage.name]:
        if len(numbers) > 1:
            return None
        return f"{wiring.step_name(first.entry, first.point)}.{output}{part}"
    if first.entry is entry and len(points) > 1:
        return None
    selected = [
        _selected(
            axis, [one.entry.points[one.point].variant.point[axis] for one in made], points, wiring, entry
        )
        for axis in first.entry.points[first.point].variant.point
    ]
    if None in selected:
        return None
    point = f"[{','.join(filter(None, selected))}]" if selected else ""
    return f"{wiring.step_name(first.entry, first.point)}{point}.{output}{part}"


def _selected(
    axis: str, values: Sequence[JSON], points: Sequence[Point], wiring: Wiring, entry: StageEntry
) -> str | None:
    """Return which value of an axis is read: always the same, or that of an axis of the reading step."""
    if wiring.is_matrix[entry.stage.name]:
        for own in points[0].variant.point:
            if [point.variant.point[own] for point in points] == [*values]:
                return f"{axis}=${{matrix.{own}}}"
    if all(value == values[0] for value in values):
        return point_text(((axis, values[0]),))
    return None

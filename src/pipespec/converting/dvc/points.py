"""The stages that DVC creates: each entry at each of its points, with its commands and paths there.

Takes `Stage`s and their `Group`s. Returns `StageEntry`s, and which stage produces which path. Refuses templates without
a value, two stages that produce the same path, and circles.
"""

from __future__ import annotations

import graphlib
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipespec.converting.conversion import SourceFindings
from pipespec.converting.dvc.parameters import Parameters, merged
from pipespec.converting.dvc.stages import Stage
from pipespec.converting.dvc.templates import Expression, UnresolvedError, is_scalar, pieces, resolve, select
from pipespec.converting.dvc.variants import Group, Variant, group_of
from pipespec.document.nodes import JSON
from pipespec.document.wording import listing, quote
from pipespec.frozen_values import frozen

__all__ = ["Made", "Point", "Producers", "StageEntry", "entries", "is_uri", "producers"]


@frozen
class Point:
    """One stage that DVC runs. Paths are relative to the folder of the dvc.yaml, in the order in which they are written."""

    variant: Variant
    values: Mapping[str, JSON]
    commands: Sequence[str]
    wdir: str
    deps: Sequence[str]
    outs: Sequence[str]


@frozen
class StageEntry:
    """One entry of `stages`, and the stages that it creates. `local` are the names that only it knows."""

    stage: Stage
    group: Group
    points: Sequence[Point]
    local: frozenset[str]

    def is_written_by_references(self) -> bool:
        """Return whether a reference can represent everything that differs between the points."""
        stage = self.stage
        if any(
            isinstance(piece, Expression) and piece.path[:1] in (("item",), ("key",))
            for text in stage.params_texts()
            for piece in pieces(text)
        ):
            return False  # names of params are keys, and references are allowed only in values
        texts = [*stage.commands, stage.wdir, *(path.text for path in (*stage.deps, *stage.outs))]
        own = [
            piece
            for text in texts
            for piece in pieces(text)
            if isinstance(piece, Expression) and piece.path[:1] and piece.path[0] in ("item", "key")
        ]
        return all(
            is_scalar(select(point.values, piece))
            for piece in own
            for point in self.points
            if piece.path[0] in point.variant.scope
        )


class Made(NamedTuple):
    """An output of a stage: the entry, the number of its point, the number of the output, and a path in it."""

    entry: StageEntry
    point: int
    output: int
    part: str = ""


@frozen
class Producers:
    """Which stage produces which path."""

    by_path: Mapping[str, Made]

    def of(self, path: str) -> Made | None:
        """Return what produces a path, or the folder that contains it."""
        folder, part = path, ""
        while folder and folder != "/":
            made = self.by_path.get(folder)
            if made is not None:
                return made._replace(part=part)
            folder, name = posixpath.split(folder)
            part = posixpath.join(name, part) if part else name
        return None

    def below(self, path: str) -> Iterator[Made]:
        """Return what is produced inside a folder."""
        return (made for each, made in self.by_path.items() if each.startswith(f"{path}/"))


def is_uri(path: str) -> bool:
    """Return whether a path is not in the file system."""
    return "://" in path


def entries(stages: Sequence[Stage], parameters: Parameters, found: SourceFindings) -> tuple[StageEntry, ...]:
    """Create the stages of all entries."""
    return tuple(_entry(stage, parameters, found) for stage in stages)


def _entry(stage: Stage, parameters: Parameters, found: SourceFindings) -> StageEntry:
    local = parameters.local(stage.vars, stage.wdir)
    group = group_of(stage, parameters, found)
    points = []
    for variant in group.variants:
        values = {**merged(parameters.values, local), **variant.scope}
        try:
            points.append(_point(stage, variant, values))
        except UnresolvedError as error:
            known = listing([*values][:8]) if values else "nothing"
            hint = f"it is looked for in params.yaml and in 'vars', where there is {known}"
            found.refuse(f"{quote(str(error))} in stage {quote(stage.name)} has no value", stage.span, hint)
            break
    return StageEntry(stage, group, points, frozenset(local))


def _point(stage: Stage, variant: Variant, values: Mapping[str, JSON]) -> Point:
    wdir = resolve(stage.wdir, values)
    for text in stage.params_texts():
        resolve(text, values)

    def path(text: str) -> str:
        resolved = resolve(text, values)
        return resolved if is_uri(resolved) else posixpath.normpath(posixpath.join(wdir, resolved))

    return Point(
        variant,
        values,
        [resolve(line, values) for line in stage.commands],
        wdir,
        [path(each.text) for each in stage.deps],
        [path(each.text) for each in stage.outs],
    )


def producers(made: Sequence[StageEntry], found: SourceFindings) -> Producers:
    """Return which stage produces which path."""
    by_path: dict[str, Made] = {}
    for entry in made:
        for number, point in enumerate(entry.points):
            for output, path in enumerate(point.outs):
                other = by_path.setdefault(path, Made(entry, number, output))
                if other != Made(entry, number, output):
                    message = f"{quote(path)} is an output of stage {quote(entry.stage.name)} and of stage {quote(other.entry.stage.name)}"
                    found.refuse(message, entry.stage.outs[output].span)
    result = Producers(by_path)
    _refuse_circles(made, result, found)
    return result


def _refuse_circles(made: Sequence[StageEntry], by_path: Producers, found: SourceFindings) -> None:
    graph: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for entry in made:
        for number, point in enumerate(entry.points):
            graph[entry.stage.name, number] = {
                (source.entry.stage.name, source.point)
                for path in point.deps
                for source in (by_path.of(path), *by_path.below(path))
                if source is not None
            }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        names = [name for name, _ in error.args[1]]
        place = next(entry.stage.span for entry in made if entry.stage.name == names[0])
        found.refuse(f"stages depend on each other in a circle: {' > '.join(names)}", place)

"""Matrices: from axes, includes and excludes to the points that a step runs at.

Takes the node below `matrix`, gives grids (`read_matrix`) and then points (`expand`); `fill_axis` puts values that a
run has found out in place of a reference to them. Refuses axes without values, points that name what is no
axis, the same point twice, and more variants than a pipeline may have, counted before any is made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON, Entry, MappingNode, Node, ScalarNode, SequenceNode, plain
from pipespec.document.wording import quote
from pipespec.errors import Span
from pipespec.spec.findings import Findings
from pipespec.spec.placeholders import is_open
from pipespec.spec.reading import entries, items, text
from pipespec.spec.references import NotAReferenceError, Reference, parse_reference
from pipespec.spec.spelling import nearest_or_all, shown

__all__ = ["MOST_VARIANTS", "Axis", "Grid", "Point", "axes_of", "count", "expand", "fill_axis", "read_matrix"]

MOST_VARIANTS: Final = 20_000
"""In one pipeline, all steps together; points that are excluded count."""

_RESERVED: Final = frozenset({"include", "exclude"})

Point: TypeAlias = Mapping[str, Node]
"""The value of each axis, axes sorted."""
_Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its values, or the output that will hold them. `span` is where its name stands."""

    name: str
    span: Span
    values: tuple[Node, ...] = ()
    source: Reference | None = None
    source_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """One mapping of axes; points of `include` and `exclude` with the place of each."""

    axes: Mapping[str, Axis]
    include: tuple[MappingNode, ...] = ()
    exclude: tuple[MappingNode, ...] = ()


def read_matrix(node: Node | None, step: str, found: Findings) -> tuple[Grid, ...] | None:
    """Return the grids of a matrix, or None where it has mistakes; they are told, but for those of shape."""
    told = found.told
    if is_open(node):
        _needs_list(found, f"the matrix of step {quote(step)}", node)
    grids = [node] if isinstance(node, MappingNode) else items(node)
    read = tuple(_read_grid(grid, step, found) for grid in grids)
    return read if found.told == told and read else None


def _read_grid(node: Node, step: str, found: Findings) -> Grid:
    axes = {
        name: _read_axis(name, entry, step, found)
        for name, entry in entries(node).items()
        if name not in _RESERVED
    }
    include = _read_points(node, "include", step, found)
    exclude = _read_points(node, "exclude", step, found)
    # A matrix of included points alone takes its axes from the first.
    known = axes.keys() or (include[0].entries.keys() if include else ())
    for point in (*include, *exclude):
        _check_names(point, known, step, found, needs_all=point in include)
    return Grid(axes, include, exclude)


def _read_axis(name: str, entry: Entry, step: str, found: Findings) -> Axis:
    node = entry.value
    written = text(node)
    if written is not None and is_open(node):
        _needs_list(found, f"axis {quote(name)} of step {quote(step)}", node)
    elif written is not None:
        try:
            return Axis(name, entry.key_span, source=parse_reference(written), source_span=node.span)
        except NotAReferenceError as problem:
            message = f"axis {quote(name)} of step {quote(step)}: {quote(written)} {problem}"
            found.error("bad-reference", message, node.span, f"for one value write a list: [{written}]")
    elif isinstance(node, SequenceNode) and not node.items:
        message = f"axis {quote(name)} of step {quote(step)} has no values"
        found.error("empty-axis", message, entry.key_span, "give it a value, or take the axis out")
    else:
        _check_values(name, items(node), step, found)
    return Axis(name, entry.key_span, items(node))


def _needs_list(found: Findings, subject: str, node: Node | None) -> None:
    assert node is not None
    message = f"{subject} is {shown(text(node))}, which is text and no list"
    found.error("wrong-kind", message, node.span)


def _check_values(name: str, values: Sequence[Node], step: str, found: Findings) -> None:
    seen: set[str] = set()
    for value in values:
        key = _key(value)
        if key in seen:
            message = f"axis {quote(name)} of step {quote(step)} has the value {shown(plain(value))} twice"
            found.error("duplicate-variant", message, value.span)
        seen.add(key)


def _read_points(grid: Node, which: str, step: str, found: Findings) -> tuple[MappingNode, ...]:
    below = entries(grid).get(which)
    if below is not None and is_open(below.value):
        _needs_list(found, f"{quote(which)} in the matrix of step {quote(step)}", below.value)
    return tuple(point for point in items(below.value if below else None) if isinstance(point, MappingNode))


def _check_names(
    point: MappingNode, axes: Iterable[str], step: str, found: Findings, *, needs_all: bool
) -> None:
    known = list(axes)
    for name, entry in point.entries.items():
        if name not in known:
            message = f"a point in the matrix of step {quote(step)} names {quote(name)}, which is no axis"
            hint = nearest_or_all(
                name, [axis for axis in known if axis not in point.entries] or known, kind="axes"
            )
            found.error("unknown-axis", message, entry.key_span, hint)
    missing = [axis for axis in known if axis not in point.entries]
    if needs_all and missing and point.entries.keys() <= set(known):
        message = (
            f"an included point in the matrix of step {quote(step)} has no value of axis {quote(missing[0])}"
        )
        found.error(
            "incomplete-point", message, point.span, "an included point names every axis of its matrix"
        )


def axes_of(grids: Iterable[Grid]) -> Mapping[str, Span]:
    """Return all axes with the place of their names, in order; those of included points where there are no others."""
    axes: dict[str, Span] = {}
    for grid in grids:
        for axis in grid.axes.values():
            axes.setdefault(axis.name, axis.span)
        for name, entry in (pair for point in grid.include for pair in point.entries.items()):
            axes.setdefault(name, entry.key_span)
    return axes


def count(grids: Iterable[Grid]) -> int:
    """Return how many points there are before any is excluded; a deferred axis counts as one."""
    return sum(_product_size(grid) + len(grid.include) for grid in grids)


def _product_size(grid: Grid) -> int:
    return math.prod(max(len(axis.values), 1) for axis in grid.axes.values()) if grid.axes else 0


def expand(grids: Sequence[Grid], step: str, span: Span, found: Findings) -> tuple[Point, ...]:
    """Return the points of grids without deferred axes, the first axis turning slowest, each point once.

    `span` is where a matrix of which nothing is left is told.
    """
    points: dict[tuple[_Key, ...], Point] = {}
    for grid in grids:
        for key, point in _points(grid, step, found):
            points.setdefault(key, point)
    if not points:
        message = f"nothing is left of the matrix of step {quote(step)}: 'exclude' takes every point out"
        found.error("empty-matrix", message, span)
    return tuple(points.values())


def _points(grid: Grid, step: str, found: Findings) -> Iterator[tuple[tuple[_Key, ...], Point]]:
    names = sorted(grid.axes)
    order = [list(grid.axes).index(name) for name in names]
    keyed = [[(_key(value), value) for value in axis.values] for axis in grid.axes.values()]
    excluded = _Excluded(grid, names)
    made: set[tuple[_Key, ...]] = set()
    for combination in product(*keyed) if names else ():
        chosen = [combination[position] for position in order]
        key = tuple((name, spelt) for name, (spelt, _) in zip(names, chosen, strict=True))
        if not excluded.takes_out([spelt for spelt, _ in chosen]):
            made.add(key)
            yield key, {name: value for name, (_, value) in zip(names, chosen, strict=True)}
    for point in excluded.idle():
        message = f"a point that the matrix of step {quote(step)} excludes is not in it"
        found.advice(
            "idle-exclude", message, point.span, "its values are compared with their types: 1 is not 1.0"
        )
    for point in grid.include:
        included = {name: entry.value for name, entry in sorted(point.entries.items())}
        key = tuple((name, _key(value)) for name, value in included.items())
        if key in made:
            message = f"a point that the matrix of step {quote(step)} includes is in it already"
            found.error("duplicate-variant", message, point.span)
        made.add(key)
        yield key, included


class _Excluded:
    """The excluded points by the axes that they name, so that each point is looked up and not compared."""

    def __init__(self, grid: Grid, names: Sequence[str]) -> None:
        self._groups: dict[tuple[int, ...], dict[_Key, list[MappingNode]]] = {}
        self._used: set[int] = set()
        self._all = grid.exclude
        for point in grid.exclude:
            positions = tuple(number for number, name in enumerate(names) if name in point.entries)
            key = tuple(_key(point.entries[names[position]].value) for position in positions)
            self._groups.setdefault(positions, {}).setdefault(key, []).append(point)

    def takes_out(self, spelt: Sequence[str]) -> bool:
        """Tell whether any excluded point agrees with these values, in the order of `names`."""
        matched = False
        for positions, points in self._groups.items():
            agreeing = points.get(tuple(spelt[position] for position in positions), ())
            self._used.update(map(id, agreeing))
            matched = matched or bool(agreeing)
        return matched

    def idle(self) -> tuple[MappingNode, ...]:
        """Return those that took nothing out."""
        return tuple(point for point in self._all if id(point) not in self._used)


def _key(value: Node) -> str:
    """Return a spelling that two values share just when they are the same, types included."""
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True)


def fill_axis(
    document: MappingNode, step: str, axis: str, values: Sequence[JSON], matrix: Node
) -> MappingNode:
    """Return the document with these values (each counts once) as that axis of the step's matrix.

    `matrix` is `StepSpec.matrix`, the one in force for the step. The values' place is that of the reference
    which they stand for. `build_spec` of the new document is the second wave's pipeline.
    """
    steps = document.entries["steps"]
    body = entries(steps.value)[step]
    assert isinstance(steps.value, MappingNode)
    assert isinstance(body.value, MappingNode)
    new_matrix = Entry(matrix.span, _with_values(matrix, axis, values))
    new_body = replace(body.value, entries={**body.value.entries, "matrix": new_matrix})
    new_steps = replace(steps.value, entries={**steps.value.entries, step: replace(body, value=new_body)})
    return replace(document, entries={**document.entries, "steps": replace(steps, value=new_steps)})


def _with_values(matrix: Node, axis: str, values: Sequence[JSON]) -> Node:
    if isinstance(matrix, SequenceNode):
        return replace(matrix, items=tuple(_with_values(grid, axis, values) for grid in matrix.items))
    entry = entries(matrix).get(axis)
    if not isinstance(matrix, MappingNode) or entry is None or text(entry.value) is None:
        return matrix
    distinct = {json.dumps(value, ensure_ascii=False, sort_keys=True): value for value in values}
    place = entry.value.span
    listed = SequenceNode(tuple(_node(value, place) for value in distinct.values()), place)
    return replace(matrix, entries={**matrix.entries, axis: replace(entry, value=listed)})


def _node(value: JSON, span: Span) -> Node:
    match value:
        case dict():
            return MappingNode({key: Entry(span, _node(below, span)) for key, below in value.items()}, span)
        case list():
            return SequenceNode(tuple(_node(item, span) for item in value), span)
        case _:
            return ScalarNode(value, span)

"""Matrices: from axes, includes and excludes to the points at which a step runs.

Takes the node below `matrix`. `read_matrix` returns grids, and `expand` returns their points. `fill_axis` replaces a
reference by values that a run has produced. Refuses points that name something that is not an axis, the same point
twice, and more variants than a pipeline may have. Variants are counted before any is created.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON, Entry, MappingNode, Node, ScalarNode, SequenceNode, plain, set_at
from pipespec.document.wording import quote
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.spec.node_reading import entries, items, text
from pipespec.spec.placeholders import axes_used, is_open
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.steps.output_references import NotAReferenceError, OutputReference, parse_reference
from pipespec.spec.value_wording import nearest_or_all, shown

__all__ = [
    "MOST_VARIANTS",
    "Axis",
    "Grid",
    "Point",
    "axes_of",
    "count",
    "empty_grids",
    "expand",
    "fill_axis",
    "read_matrix",
    "spelling",
    "tell_idle",
]

MOST_VARIANTS: Final = 20_000
"""The maximum in one pipeline, for all steps together. Excluded points count too."""

_EMPTY: Final = "what reads all of its variants gets an empty collection"
_RESERVED: Final = frozenset({"include", "exclude"})

_RANGE: Final = re.compile(r"(\d+)\s*(?:\.\.+|-|:)\s*(\d+)|range\((?:(\d+),\s*)?(\d+)\)")
_MOST_LISTED: Final = 12

Point: TypeAlias = Mapping[str, Node]
"""The value of each axis, with axes sorted."""
_Key: TypeAlias = tuple[str, ...]


@frozen
class Axis:
    """One axis: its values, or the output that will hold them, as a reference and as written.

    `span` is the place of its name.
    """

    name: str
    span: Span
    values: tuple[Node, ...] = ()
    source: OutputReference | None = None
    written: str = ""
    source_span: Span | None = None


@frozen
class Grid:
    """One mapping of axes. Points of `include` and `exclude` have their places."""

    axes: Mapping[str, Axis]
    include: tuple[MappingNode, ...] = ()
    exclude: tuple[MappingNode, ...] = ()


def read_matrix(node: Node | None, step: str, found: SpecFindings) -> tuple[Grid, ...] | None:
    """Return the grids of a matrix, or None if it has mistakes. Mistakes are reported, except those in its structure."""
    told = found.told
    if is_open(node):
        _needs_list(found, f"the matrix of step {quote(step)}", node)
    grids = [node] if isinstance(node, MappingNode) else items(node)
    read = tuple(_read_grid(grid, step, found) for grid in grids)
    is_whole = found.told == told and all(isinstance(grid, MappingNode) for grid in grids)
    return read if is_whole and read else None


def _read_grid(node: Node, step: str, found: SpecFindings) -> Grid:
    axes = {
        name: _read_axis(name, entry, step, found)
        for name, entry in entries(node).items()
        if name not in _RESERVED
    }
    include = _read_points(node, "include", step, found)
    exclude = _read_points(node, "exclude", step, found)
    # A matrix that has only included points takes its axes from the first one.
    known = axes.keys() or (include[0].entries.keys() if include else ())
    for point in (*include, *exclude):
        _check_names(point, known, step, found, needs_all=point in include)
    return Grid(axes, include, exclude)


def _read_axis(name: str, entry: Entry, step: str, found: SpecFindings) -> Axis:
    node = entry.value
    written = text(node)
    chosen = written is not None and any(axes_used(node))
    if is_open(node) and not chosen:
        _needs_list(found, f"axis {quote(name)} of step {quote(step)}", node)
    elif written is not None:
        try:
            source = parse_reference(written)
            return Axis(name, entry.key_span, source=source, written=written, source_span=node.span)
        except NotAReferenceError as problem:
            message = f"axis {quote(name)} of step {quote(step)}: {quote(written)} {problem}"
            found.error("bad-reference", message, node.span, _as_list(written))
    elif isinstance(node, SequenceNode) and not node.items:
        message = f"axis {quote(name)} of step {quote(step)} has no values, so the step has no variants there"
        found.advice("empty-axis", message, entry.key_span, _EMPTY)
    else:
        _check_values(name, items(node), step, found)
    return Axis(name, entry.key_span, items(node))


def _as_list(written: str) -> str:
    """Say how the values are listed that a text stands for: `2, 4`, `1..3`, `range(1, 5)`."""
    if spanned := _RANGE.fullmatch(written):
        first, last = int(spanned[1] or spanned[3] or 0), int(spanned[2] or spanned[4])
        values = range(first, last + (spanned[2] is not None))
        if 0 < len(values) <= _MOST_LISTED:
            return f"write out the values: [{', '.join(map(str, values))}]"
    if "(" in written:
        return "write out the values: [1, 2, 3]; or let a step compute them, and name its output: step.output"
    return f"{'write a list' if ',' in written else 'for a single value, write a list'}: [{written}]"


def _needs_list(found: SpecFindings, subject: str, node: Node | None) -> None:
    assert node is not None
    message = f"{subject} is {shown(text(node))}, which is text, not a list"
    found.error("wrong-kind", message, set_at(node))


def _check_values(name: str, values: Sequence[Node], step: str, found: SpecFindings) -> None:
    seen: dict[str, str] = {}
    for value in values:
        for other, place in axes_used(value):
            message = f"a value of axis {quote(name)} of step {quote(step)} holds '${{matrix.{other}}}'"
            hint = "an axis depends on another one as in 'split[region=${matrix.region}].parts'"
            found.error("misplaced-reference", message, place.span, hint)
        key = spelling(value)
        alike = unicodedata.normalize("NFC", key)
        if seen.get(alike) == key:
            message = f"axis {quote(name)} of step {quote(step)} has the value {shown(plain(value))} twice"
            found.error("duplicate-variant", message, set_at(value))
        elif alike in seen:
            message = (
                f"axis {quote(name)} of step {quote(step)} has the value {shown(plain(value))} twice,"
                " composed of other Unicode characters"
            )
            hint = "nobody could tell the variants apart; write the value one way"
            found.error("duplicate-variant", message, set_at(value), hint)
        seen.setdefault(alike, key)


def _read_points(grid: Node, which: str, step: str, found: SpecFindings) -> tuple[MappingNode, ...]:
    below = entries(grid).get(which)
    if below is not None and is_open(below.value):
        _needs_list(found, f"{quote(which)} in the matrix of step {quote(step)}", below.value)
    return tuple(point for point in items(below.value if below else None) if isinstance(point, MappingNode))


def _check_names(
    point: MappingNode, axes: Iterable[str], step: str, found: SpecFindings, *, needs_all: bool
) -> None:
    known = list(axes)
    for name, entry in point.entries.items():
        if name not in known:
            message = f"a point in the matrix of step {quote(step)} names {quote(name)}, which is not an axis"
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
            "incomplete-point",
            message,
            point.span,
            "an included point needs a value for every axis of its matrix",
        )


def axes_of(grids: Iterable[Grid]) -> Mapping[str, Span]:
    """Return all axes with the place of their names, in order; those of included points if there are no others."""
    axes: dict[str, Span] = {}
    for grid in grids:
        for axis in grid.axes.values():
            axes.setdefault(axis.name, axis.span)
        for name, entry in (pair for point in grid.include for pair in point.entries.items()):
            axes.setdefault(name, entry.key_span)
    return axes


def count(grids: Iterable[Grid]) -> int:
    """Return the number of points before any is excluded. A deferred axis counts as one."""
    return sum(_product_size(grid) + len(grid.include) for grid in grids)


def _product_size(grid: Grid) -> int:
    sizes = (len(axis.values) if axis.source is None else 1 for axis in grid.axes.values())
    return math.prod(sizes) if grid.axes else 0


def empty_grids(grids: Iterable[Grid]) -> tuple[Mapping[str, frozenset[str]], ...]:
    """Return the grids in which an axis has no values: for each, the values of its axes, by their spelling."""
    return tuple(
        {name: frozenset(map(spelling, axis.values)) for name, axis in grid.axes.items()}
        for grid in grids
        if any(axis.source is None and not axis.values for axis in grid.axes.values())
    )


def expand(grids: Sequence[Grid], step: str, span: Span, found: SpecFindings) -> tuple[Point, ...]:
    """Return the points of grids without deferred axes, each point once. The first axis changes slowest.

    `span` is the place at which a matrix without remaining points is reported.
    """
    points: dict[tuple[_Key, ...], Point] = {}
    for grid in grids:
        for key, point in _points(grid, step, found):
            points.setdefault(key, point)
    if not points and not empty_grids(grids):
        message = f"the matrix of step {quote(step)} is empty: 'exclude' removes every point"
        found.advice("empty-matrix", message, span, _EMPTY)
    return tuple(points.values())


def _points(grid: Grid, step: str, found: SpecFindings) -> Iterator[tuple[tuple[_Key, ...], Point]]:
    names = sorted(grid.axes)
    order = [list(grid.axes).index(name) for name in names]
    keyed = [[(spelling(value), value) for value in axis.values] for axis in grid.axes.values()]
    excluded = _Excluded(grid, names)
    made: set[tuple[_Key, ...]] = set()
    for combination in product(*keyed) if names else ():
        chosen = [combination[position] for position in order]
        key = tuple((name, spelt) for name, (spelt, _) in zip(names, chosen, strict=True))
        if not excluded.takes_out([spelt for spelt, _ in chosen]):
            made.add(key)
            yield key, {name: value for name, (_, value) in zip(names, chosen, strict=True)}
    for point in excluded.idle():
        tell_idle(point, step, found)
    for point in grid.include:
        included = {name: entry.value for name, entry in sorted(point.entries.items())}
        key = tuple((name, spelling(value)) for name, value in included.items())
        if key in made:
            message = f"a point that the matrix of step {quote(step)} includes is in it already"
            found.error("duplicate-variant", message, point.span)
        made.add(key)
        yield key, included


def tell_idle(point: MappingNode, step: str, found: SpecFindings) -> None:
    """Advise that an excluded point removes nothing."""
    message = f"a point that the matrix of step {quote(step)} excludes is not in it"
    hint = "types must be equal as well: 1 is not 1.0"
    found.advice("idle-exclude", message, point.span, hint)


class _Excluded:
    """The excluded points, grouped by the axes that they name, so that each point is looked up instead of compared."""

    def __init__(self, grid: Grid, names: Sequence[str]) -> None:
        self._groups: dict[tuple[int, ...], dict[_Key, list[MappingNode]]] = {}
        self._used: set[int] = set()
        self._all = grid.exclude
        for point in grid.exclude:
            positions = tuple(number for number, name in enumerate(names) if name in point.entries)
            key = tuple(spelling(point.entries[names[position]].value) for position in positions)
            self._groups.setdefault(positions, {}).setdefault(key, []).append(point)

    def takes_out(self, spelt: Sequence[str]) -> bool:
        """Return whether any excluded point matches these values, in the order of `names`."""
        matched = False
        for positions, points in self._groups.items():
            agreeing = points.get(tuple(spelt[position] for position in positions), ())
            self._used.update(map(id, agreeing))
            matched = matched or bool(agreeing)
        return matched

    def idle(self) -> tuple[MappingNode, ...]:
        """Return the excluded points that removed nothing."""
        return tuple(point for point in self._all if id(point) not in self._used)


def spelling(value: Node) -> str:
    """Return a spelling that is equal for two values exactly if they are the same, including their types."""
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True)


def fill_axis(
    document: MappingNode, step: str, reference: str, values: Sequence[JSON], matrix: Node
) -> MappingNode:
    """Return the document with these values, each once, wherever an axis of the step's matrix is `reference`.

    `matrix` is `StepSpec.matrix`, the one that applies to the step. The place of the values is that of the reference
    that they replace. `build_spec` of the new document makes the pipeline of the second wave.
    """
    steps = document.entries["steps"]
    body = entries(steps.value)[step]
    assert isinstance(steps.value, MappingNode)
    assert isinstance(body.value, MappingNode)
    distinct = {json.dumps(value, ensure_ascii=False, sort_keys=True): value for value in values}
    new_matrix = Entry(matrix.span, _with_values(matrix, reference, [*distinct.values()]))
    new_body = replace(body.value, entries={**body.value.entries, "matrix": new_matrix})
    new_steps = replace(steps.value, entries={**steps.value.entries, step: replace(body, value=new_body)})
    return replace(document, entries={**document.entries, "steps": replace(steps, value=new_steps)})


def _with_values(matrix: Node, reference: str, values: Sequence[JSON]) -> Node:
    if isinstance(matrix, SequenceNode):
        return replace(matrix, items=tuple(_with_values(grid, reference, values) for grid in matrix.items))
    assert isinstance(matrix, MappingNode)
    filled = {
        axis: replace(entry, value=_node([*values], entry.value.span))
        for axis, entry in matrix.entries.items()
        if text(entry.value) == reference
    }
    return replace(matrix, entries={**matrix.entries, **filled})


def _node(value: JSON, span: Span) -> Node:
    match value:
        case dict():
            return MappingNode({key: Entry(span, _node(below, span)) for key, below in value.items()}, span)
        case list():
            return SequenceNode(tuple(_node(item, span) for item in value), span)
        case _:
            return ScalarNode(value, span)

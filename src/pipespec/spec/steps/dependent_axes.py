"""Axes whose values depend on another axis: `part: "split[region=${matrix.region}].parts"`.

Takes a matrix whose values have been checked. Returns a matrix in which each mapping with such an axis is replaced by
one mapping for each value of the axes that it names, so that every reference means one variant. If an axis depends on
values that are not known yet, it remains as it is, and is handled again when they are known. Refuses names of axes that
the matrix does not have, and axes that depend on each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, plain
from pipespec.document.wording import quote
from pipespec.spec.node_reading import items
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.steps.matrix import MOST_VARIANTS, Axis, Grid, spelling, tell_idle
from pipespec.spec.value_wording import nearest_or_all

__all__ = ["check_dependencies", "has_dependent_axes", "unfold"]


def has_dependent_axes(grids: Sequence[Grid]) -> bool:
    """Return whether any axis takes its values from a variant that another axis chooses."""
    return any(_used(axis) for grid in grids for axis in grid.axes.values())


def check_dependencies(grids: Sequence[Grid], step: str, found: SpecFindings) -> bool:
    """Report axes that depend on something that is not an axis, or on each other. Return whether there are none."""
    told = found.told
    for grid in grids:
        needs = {name: _used(axis) for name, axis in grid.axes.items()}
        for axis in grid.axes.values():
            subject = f"axis {quote(axis.name)} of step {quote(step)} comes from a variant"
            span = axis.source_span or axis.span
            unknown = next((name for name in needs[axis.name] if name not in grid.axes), None)
            if unknown is not None:
                message = f"{subject} at '${{matrix.{unknown}}}', which is no axis beside it"
                others = [name for name in grid.axes if name != axis.name]
                found.error("unknown-axis", message, span, nearest_or_all(unknown, others, kind="axes"))
            elif circle := _circle(axis.name, needs):
                message = f"{subject} that depends on it: {' -> '.join(circle)}"
                hint = "give one of these axes a list of values"
                found.error("reference-cycle", message, span, hint)
                break
    return found.told == told


def _circle(axis: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the path from an axis through the axes on which it depends back to itself, or an empty list."""
    paths = [[axis]]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        for name in needs.get(path[-1], ()):
            if name == axis:
                return [*path, axis]
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return []


def unfold(matrix: Node, grids: Sequence[Grid], step: str, found: SpecFindings) -> Node:
    """Return the matrix with a separate mapping for each value of an axis on which another one depends.

    `grids` were read from it. If there are more variants than a pipeline may have, this is reported and the matrix is
    returned unchanged.
    """
    mappings = [matrix] if isinstance(matrix, MappingNode) else items(matrix)
    unfolded: list[Node] = []
    for node, grid in zip(mappings, grids, strict=True):
        fixed = _decided(grid)
        size = math.prod(len(grid.axes[name].values) for name in fixed)
        if size > MOST_VARIANTS:
            message = f"the matrix of step {quote(step)} has {size:,} variants, and a pipeline may have {MOST_VARIANTS:,}"
            found.error("too-many-variants", message, matrix.span)
            return matrix
        assert isinstance(node, MappingNode)
        unfolded.extend(_at_each_value(node, grid, fixed, step, found) if fixed else [node])
    return SequenceNode(tuple(unfolded), matrix.span)


def _decided(grid: Grid) -> list[str]:
    """Return the axes with known values on which another one depends, in order."""
    used = {name for axis in grid.axes.values() for name in _used(axis)}
    return [name for name, axis in grid.axes.items() if name in used and axis.source is None]


def _used(axis: Axis) -> tuple[str, ...]:
    return () if axis.source is None else axis.source.axes


def _at_each_value(
    node: MappingNode, grid: Grid, fixed: Sequence[str], step: str, found: SpecFindings
) -> Iterator[Node]:
    idle = list(grid.exclude)
    if not all(grid.axes[name].values for name in fixed):
        none = SequenceNode((), node.span)
        unknown = {
            name: replace(node.entries[name], value=none) for name, axis in grid.axes.items() if _used(axis)
        }
        yield replace(node, entries={**node.entries, **unknown})
        return
    for values in product(*(grid.axes[name].values for name in fixed)):
        at = dict(zip(fixed, values, strict=True))
        excluded = [point for point in grid.exclude if _agrees(point, at)]
        idle = [point for point in idle if point not in excluded]
        own = {name: _axis_at(axis, at, node) for name, axis in grid.axes.items()}
        yield replace(node, entries={**own, **_points("exclude", excluded, node)})
    if grid.include:
        yield replace(node, entries=_points("include", grid.include, node))
    for point in idle:
        tell_idle(point, step, found)


def _agrees(point: MappingNode, at: Mapping[str, Node]) -> bool:
    return all(
        name not in at or spelling(entry.value) == spelling(at[name]) for name, entry in point.entries.items()
    )


def _points(which: str, points: Sequence[MappingNode], node: MappingNode) -> dict[str, Entry]:
    """Return the entry of `include` or `exclude` with these points; no entry if there are no points."""
    if not points:
        return {}
    entry = node.entries[which]
    return {which: replace(entry, value=SequenceNode(tuple(points), entry.value.span))}


def _axis_at(axis: Axis, at: Mapping[str, Node], node: MappingNode) -> Entry:
    entry = node.entries[axis.name]
    if axis.name in at:
        return replace(entry, value=SequenceNode((at[axis.name],), entry.value.span))
    if axis.source is None:
        return entry
    source = axis.source.at({name: plain(value) for name, value in at.items()})
    return replace(entry, value=ScalarNode(str(source), entry.value.span))

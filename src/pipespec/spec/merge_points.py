"""Merge many points of one pipeline into one pipeline that contains shared steps only once.

Takes a pipeline for each point of a grid, all made from the same file with different values. Returns one pipeline, and
for each point the ids of its steps in it. Steps of two points are the same if they are equal in everything except
places, and everything that they wait for is the same. Other steps get the values that distinguish them in their names:
`train{model.depth=4}`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from pipespec.document.nodes import JSON, MappingNode, ScalarNode, SequenceNode, plain
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.spec.pipeline_spec import InputSpec, PipelineSpec, StepInput, StepSpec
from pipespec.spec.step_graph import topological_order
from pipespec.spec.variant_names import Variant
from pipespec.spec.variant_names import point_text as spell_point

__all__ = ["Merged", "merge"]

Coordinates: TypeAlias = Variant
"""(label of a path, value) for each sweep, in the order of the sweeps."""


@frozen
class Merged:
    """The pipeline of all points. `places` maps, for each point, its step ids to those in the merged pipeline."""

    spec: PipelineSpec
    places: tuple[Mapping[str, str], ...]


@dataclass(slots=True)
class _Class:
    """Steps that are the same: the first of them, and the first point that has it."""

    step: StepSpec
    point: int
    upstream: tuple[int, ...]
    readers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The classes that each StepInput reads, by argument or axis."""


def merge(points: Sequence[tuple[Coordinates, PipelineSpec]]) -> Merged:
    """Merge the points of a grid. The grid has each combination of its coordinates' values exactly once."""
    classes: list[_Class] = []
    known: dict[object, int] = {}
    placed: list[dict[str, int]] = []
    for number, (_, spec) in enumerate(points):
        at: dict[str, int] = {}
        for step_id in topological_order(spec.upstream):
            step = spec.steps[step_id]
            upstream = tuple(at[above] for above in spec.upstream[step_id])
            mark = (_content(step), upstream, tuple(_reads(step, at).items()))
            if mark not in known:
                known[mark] = len(classes)
                classes.append(_Class(step, number, upstream, _reads(step, at)))
            at[step_id] = known[mark]
        placed.append(at)
    names = _names(points, placed, classes)
    order = dict.fromkeys(number for steps in _in_order(points, placed).values() for number in steps)
    first = points[0][1]
    declared = {step.name for step in names}
    empty = {
        name: step for _, one in points for name, step in one.empty_steps.items() if name not in declared
    }
    spec = replace(
        first,
        empty_steps=empty,
        steps={names[number].id: _connected(names[number], classes[number], names) for number in order},
        upstream={
            names[number].id: tuple(names[above].id for above in classes[number].upstream) for number in order
        },
    )
    places = tuple({step_id: names[number].id for step_id, number in at.items()} for at in placed)
    return Merged(spec, places)


def _in_order(
    points: Sequence[tuple[Coordinates, PipelineSpec]], placed: Sequence[Mapping[str, int]]
) -> Mapping[str, list[int]]:
    """Map each id, in the order of the text, to its classes, in the order of the points."""
    found: dict[str, list[int]] = {}
    for (_, spec), at in zip(points, placed, strict=True):
        for step_id in spec.steps:
            found.setdefault(step_id, []).append(at[step_id])
    return found


def _names(
    points: Sequence[tuple[Coordinates, PipelineSpec]],
    placed: Sequence[Mapping[str, int]],
    classes: Sequence[_Class],
) -> list[StepSpec]:
    """Return the step of each class, with the part of its point that distinguishes it from others with the same id."""
    named = [one.step for one in classes]
    grid = [coordinates for coordinates, _ in points]
    for step_id, numbers in _in_order(points, placed).items():
        distinct = dict.fromkeys(numbers)
        if len(distinct) == 1:
            continue
        telling = _telling(grid, [at.get(step_id) for at in placed])
        for number in distinct:
            at = tuple(pair for pair in grid[classes[number].point] if pair[0] in telling)
            named[number] = replace(named[number], point=spell_point(at))
    return named


def _telling(grid: Sequence[Coordinates], found: Sequence[int | None]) -> frozenset[str]:
    """Return the coordinates on which a step depends. A change of one of them alone results in a different step."""
    telling = set()
    for position, (label, _) in enumerate(grid[0]):
        seen: dict[str, int | None] = {}
        for at, number in zip(grid, found, strict=True):
            rest = _spelt([list(pair) for pair in (*at[:position], *at[position + 1 :])])
            if seen.setdefault(rest, number) != number:
                telling.add(label)
                break
    return frozenset(telling)


def _reads(step: StepSpec, at: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    sources = {argument: spec.source for argument, spec in step.inputs.items()} | {
        f"={number}": axis.source for number, axis in enumerate((*step.deferred, *step.listed))
    }
    return {
        name: tuple(at[producer] for producer in source.producers)
        for name, source in sources.items()
        if isinstance(source, StepInput)
    }


def _connected(step: StepSpec, one: _Class, names: Sequence[StepSpec]) -> StepSpec:
    """Return the step with the producers of its inputs named as in the merged pipeline."""

    def source(name: str, old: StepInput) -> StepInput:
        return replace(old, producers=tuple(names[number].id for number in one.readers[name]))

    def linked(spec: InputSpec) -> InputSpec:
        if not isinstance(spec.source, StepInput):
            return spec
        return replace(spec, source=source(spec.argument, spec.source))

    axes = tuple(
        replace(axis, source=source(f"={number}", axis.source))
        for number, axis in enumerate((*step.deferred, *step.listed))
    )
    return replace(
        step,
        inputs={argument: linked(spec) for argument, spec in step.inputs.items()},
        deferred=axes[: len(step.deferred)],
        listed=axes[len(step.deferred) :],
    )


def _content(step: StepSpec) -> object:
    """Return the content of a step, without places and producers, as a value that can be compared and hashed."""
    # It does not matter which matrix a variant comes from.
    return _bare(step if step.deferred else replace(step, matrix=None))


def _bare(value: Any) -> object:
    match value:
        case Span():
            return None
        case ScalarNode() | SequenceNode() | MappingNode():
            return _spelt(plain(value))
        case StepInput():
            return (value.step, value.output, value.part, _bare(value.selection), value.fan_in)
        case tuple() | list():
            return tuple(map(_bare, value))
        case Mapping():
            return tuple((key, _bare(below)) for key, below in value.items())
        case _ if dataclasses.is_dataclass(value):
            below = (getattr(value, one.name) for one in dataclasses.fields(value))
            return (type(value).__name__, *map(_bare, below))
        case _:
            return type(value).__name__, value


def _spelt(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

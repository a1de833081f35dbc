"""Sweeps: one pipeline at many points, run as one.

Takes a file and sweeps (`params.model.depth=4,8,16`, `params.seed=range(1,5)`); compiles the pipeline at each point of
their product and gives the whole, in which what points share is shown once. Refuses, with one message, what is no
sweep, two of one path, values that come twice, and more than 10,000 points.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipespec.document.layers.override import SWEEP as SWEEP_OPTION
from pipespec.document.layers.override import Override
from pipespec.document.nodes import JSON, MappingNode, SequenceNode, plain
from pipespec.document.password_masking import without_passwords
from pipespec.document.yaml.yaml_reader import read_scalar
from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.compile_file import Compiled, compile_file, from_here
from pipespec.operations.compiling.pipeline_source import CompileOptions, PointSteps
from pipespec.project.disk_modules import DiskModules
from pipespec.spec.merge_points import Coordinates, Merged, merge
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.spec.variant_names import point_text
from pipespec.tracking.record_names import SWEEP

if TYPE_CHECKING:
    from pipespec.step.secrets import Redactor

__all__ = ["MOST_POINTS", "Sweep", "SweptPath", "compile_sweep", "read_sweeps"]

MOST_POINTS: Final = 10_000

_DOCUMENTS: Final = 4 << 20
"""Characters of the documents of all points that are kept with their run."""
_RANGE: Final = re.compile(r"range\(\s*(-?\d+)\s*,\s*(-?\d+)\s*(?:,\s*(-?\d+)\s*)?\)")


@frozen
class SweptPath:
    """One sweep: a path as `--set` takes it, and the values that it gets, as written and as read."""

    path: str
    texts: tuple[str, ...]
    values: tuple[JSON, ...]


@frozen
class Sweep:
    """A `PipelineSource` of all points; `grid` has where each point is and the pipeline there, `merged` the whole."""

    paths: tuple[SweptPath, ...]
    grid: tuple[tuple[Coordinates, Compiled], ...]
    merged: Merged
    again: Callable[[], Sweep]
    """Compiles the file anew at each point, as it is by then."""

    @property
    def pipeline(self) -> PipelineSpec:
        """The pipeline of all points."""
        return self.merged.spec

    @property
    def first(self) -> Compiled:
        """The first point, which stands for what is the same at all."""
        return self.grid[0][1]

    @property
    def document(self) -> MappingNode:
        """The document of the first point."""
        return self.first.document

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of the first point, with all values of the sweeps in place of those that it has."""
        swept = {f"{SWEEP_OPTION} {one.path}" for one in self.paths}
        below = (layer for layer in self.first.layers if layer.partition("=")[0] not in swept)
        return (*below, *(f"{SWEEP_OPTION} {one.path}={','.join(one.texts)}" for one in self.paths))

    @property
    def name(self) -> str:
        """The file as the user wrote it."""
        return self.first.name

    @property
    def modules(self) -> DiskModules:
        """The project's code."""
        return self.first.modules

    @property
    def tags(self) -> Mapping[str, str]:
        """What the run of the whole is marked with."""
        return {
            f"{SWEEP}{swept.path.removeprefix('+')}": without_passwords(",".join(swept.texts))
            for swept in self.paths
        }

    @property
    def options(self) -> CompileOptions:
        """The options of the first point."""
        return self.first.options

    def sources_read(self) -> None:
        """Return nothing: it is not kept that a sweep was complete."""

    def contents_read(self) -> Mapping[str, bytes | None]:
        """Return what was read for all points so far, by path."""
        return {path: content for _, point in self.grid for path, content in point.contents_read().items()}

    def files(self) -> Mapping[str, str]:
        """Return what is kept with the run of the whole: the first document, and which document and steps each point has.

        Documents that are too large in all are left out.
        """
        from pipespec.tracking.record_names import PIPELINE_FILE, SWEEP_FILE  # noqa: PLC0415 - as `Compiled.files`

        documents = [compiled.files()[PIPELINE_FILE] for _, compiled in self.grid]
        is_small = sum(map(len, documents)) <= _DOCUMENTS
        points: JSON = [
            {"point": dict(at), "steps": dict(place), **({"document": document} if is_small else {})}
            for (at, _), place, document in zip(self.grid, self.merged.places, documents, strict=True)
        ]
        sweep = json.dumps({"version": 1, "points": points}, ensure_ascii=False) + "\n"
        return {PIPELINE_FILE: documents[0], SWEEP_FILE: sweep}

    def points(self) -> Iterator[PointSteps]:
        """Yield the points with the steps of each, and those that nothing at the point reads or waits for."""
        for (at, compiled), place in zip(self.grid, self.merged.places, strict=True):
            spec = compiled.pipeline
            read = {above for waits in spec.upstream.values() for above in waits}
            last = {step: place[step] for step in spec.steps if step not in read}
            yield PointSteps(at, tuple(place.values()), last)

    def redactor(self) -> Redactor:
        """Return what takes the secrets of all points out of texts."""
        from pipespec.step.secrets import redactor  # noqa: PLC0415 - only a run needs it

        return redactor([plain(compiled.resolved.document) for _, compiled in self.grid], os.environ)

    def reread(self) -> Sweep:
        """Return the sweep as its file, the project's code, environment and git have it now; raises as `compile_sweep`."""
        documents = all(compiled.place.is_document_current for _, compiled in self.grid)
        return self if documents and self.modules.is_current() else self.again()

    def filled(self, step: str, values: Mapping[str, Sequence[JSON]]) -> Sweep:
        """Return the sweep with values of axes of one step, by its id in the whole, at each point that has it."""
        grid = []
        for (at, compiled), place in zip(self.grid, self.merged.places, strict=True):
            declared = next((own for own, whole in place.items() if whole == step), None)
            grid.append((at, compiled if declared is None else compiled.filled(declared, values)))
        return replace(self, grid=tuple(grid), merged=_merged(grid))


def read_sweeps(texts: Sequence[str]) -> tuple[SweptPath, ...]:
    """Read `path=value,value` and `path=range(start,stop[,step])`, whose stop is left out as in Python.

    Values are YAML scalars or flow collections.

    Raises:
        UsageError: for what is none of it, a path that comes twice or lies in another, a value that comes twice,
            more than `MOST_POINTS` points.
    """
    swept = tuple(_read(text) for text in texts)
    paths = [one.path.removeprefix("+") for one in swept]
    for number, path in enumerate(paths):
        for other in paths[:number]:
            if path == other:
                raise UsageError(f"'{path}' is swept twice; write all values in one --sweep")
            if f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}."):
                raise UsageError(f"'{path}' and '{other}' are both swept, but one is a part of the other")
    count = math.prod(len(one.texts) for one in swept)
    if count > MOST_POINTS:
        raise UsageError(f"the sweeps have {count:,} points; the maximum is {MOST_POINTS:,}")
    return swept


def compile_sweep(
    file: str | os.PathLike[str],
    paths: Sequence[SweptPath],
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> Sweep:
    """Compile a file at each point, its values laid over all other layers.

    Raises:
        InvalidPipelineError: with the mistakes of the first point that has any.
    """
    points: list[tuple[Coordinates, Compiled]] = []
    modules: DiskModules | None = None
    for at, extra in _grid(paths):
        compiled = compile_file(
            file, overlays=overlays, overrides=(*overrides, *extra), trusted=True, modules=modules
        )
        _require_one_pipeline(compiled.checked(), points, at)
        modules = compiled.modules
        points.append((at, compiled))
    folder = Path.cwd()

    def again() -> Sweep:
        layers = [from_here(overlay, folder) for overlay in overlays]
        return compile_sweep(from_here(os.fspath(file), folder), paths, overlays=layers, overrides=overrides)

    return Sweep(tuple(paths), tuple(points), _merged(points), again)


def _require_one_pipeline(
    spec: PipelineSpec, points: Sequence[tuple[Coordinates, Compiled]], at: Coordinates
) -> None:
    """Refuse to run as one what is recorded in different places, or run in different ways."""
    first = points[0][1].pipeline if points else spec
    for what in ("name", "mlflow", "engine"):
        if getattr(first, what) != getattr(spec, what):
            raise UsageError(f"at {point_text(at)} the pipeline's '{what}' differs from the first point")


def _merged(points: Sequence[tuple[Coordinates, Compiled]]) -> Merged:
    return merge([(at, compiled.pipeline) for at, compiled in points])


def _grid(paths: Sequence[SweptPath]) -> Iterator[tuple[Coordinates, tuple[str, ...]]]:
    """Yield each point with what sets it, the first path turning slowest."""
    labels = _labels([one.path.removeprefix("+") for one in paths])
    for choice in product(*(range(len(one.texts)) for one in paths)):
        at = tuple((label, one.values[i]) for label, one, i in zip(labels, paths, choice, strict=True))
        yield at, tuple(_set_to(one.path, one.texts[i]) for one, i in zip(paths, choice, strict=True))


def _set_to(path: str, text: str) -> Override:
    return Override(f"{path}={text}", f"{SWEEP_OPTION} {path}={text}")


def _labels(paths: Sequence[str]) -> list[str]:
    """Return paths as points show them: without `params.`, but where two would then be one."""
    short = [path.removeprefix("params.") for path in paths]
    return [label if short.count(label) == 1 else path for label, path in zip(short, paths, strict=True)]


def _read(text: str) -> SweptPath:
    path, equals, written = text.partition("=")
    if not equals or not path.strip("+"):
        raise UsageError(
            f"'{text}' is not a sweep; write path=value,value, for example params.model.depth=4,8"
        )
    if counted := _RANGE.fullmatch(written.strip()):
        start, stop, step = (int(part) if part is not None else 1 for part in counted.groups())
        if step == 0:
            raise UsageError(f"'{text}' has a step of 0")
        numbers = range(start, stop, step)
        if len(numbers) > MOST_POINTS:
            raise UsageError(f"'{text}' has {len(numbers):,} values; the maximum is {MOST_POINTS:,}")
        found: list[tuple[str, JSON]] = [(str(number), number) for number in numbers]
    else:
        found = _values(text, written)
    if not found:
        raise UsageError(f"'{text}' has no values")
    spellings = [json.dumps(value, sort_keys=True) for _, value in found]
    for number, spelling in enumerate(spellings):
        if spelling in spellings[:number]:
            raise UsageError(f"'{text}' has the value {found[number][0]} twice")
    return SweptPath(path, tuple(one for one, _ in found), tuple(value for _, value in found))


def _values(text: str, written: str) -> list[tuple[str, JSON]]:
    """Split at the commas that YAML's own list would be split at; each value as written, and as read."""
    if not written.strip():
        return []
    listed = f"[{written}]"
    try:
        node = read_scalar(listed, SWEEP_OPTION)
    except InvalidPipelineError as invalid:
        raise UsageError(f"'{text}' cannot be read as YAML: {invalid.diagnostics[0].message}") from None
    assert isinstance(node, SequenceNode)
    ends = [item.span for item in node.items]
    return [
        (listed[span.column - 1 : span.end_column - 1], plain(item))
        for item, span in zip(node.items, ends, strict=True)
    ]

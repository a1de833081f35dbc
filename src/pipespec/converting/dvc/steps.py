"""Convert one entry of `stages` to steps: a matrix if possible, otherwise a step for each of its points.

Takes an entry and what is known about the others. Returns `StepText`s. What a step cannot express is recorded.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from pipespec.converting.conversion import SourceFindings
from pipespec.converting.dvc.commands import command_words
from pipespec.converting.dvc.inputs import Dep, Wiring, deps_of, files_named
from pipespec.converting.dvc.parameters import DEFAULT_FILE, Parameters, ParamsFile, params_name, reference
from pipespec.converting.dvc.points import Point, StageEntry, is_uri
from pipespec.converting.dvc.stages import TrackedParams
from pipespec.converting.dvc.templates import Expression, is_scalar, pieces, resolve, select, spell_as_dvc
from pipespec.converting.names import argument_name, file_name, unused, without_references
from pipespec.converting.pipeline_text import StepText
from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.spec.library_steps import path_in_project

__all__ = ["OUR_ARGUMENTS", "StepWriter"]

OUR_ARGUMENTS: Final = ("command", "env", "folder", "paths", "inputs", "params", "outputs")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DVCLIVE: Final = re.compile(rb"^\s*(?:from|import)\s+dvclive\b", re.MULTILINE)
_METRICS: Final = (".json", ".yaml", ".yml")


@frozen
class StepWriter:
    """Writes the steps of entries.

    `folder` leads from the project root to the dvc.yaml. `is_kept_folder` is what dvc.lock says about folders.
    """

    wiring: Wiring
    parameters: Parameters
    found: SourceFindings
    folder: str
    locked_folders: frozenset[str]
    metrics: Mapping[str, str]
    """The paths of metrics that are named at the top level, each mapped to itself."""

    def steps(self, entry: StageEntry) -> Iterator[StepText]:
        """Write an entry."""
        if self.wiring.is_matrix[entry.stage.name]:
            yield self._step(entry, entry.points, 0)
        else:
            for number, point in enumerate(entry.points):
                yield self._step(entry, [point], number)

    def _step(self, entry: StageEntry, points: Sequence[Point], number: int) -> StepText:
        stage, group = entry.stage, entry.group
        is_matrix = group.is_matrix and self.wiring.is_matrix[stage.name] and bool(group.axes)

        def written(piece: Expression) -> str:
            return self._written(entry, points[0], piece, is_matrix=is_matrix)

        def text(template: str) -> str:
            return "".join(
                p.replace("${", "$${") if isinstance(p, str) else written(p) for p in pieces(template)
            )

        folder = posixpath.normpath(posixpath.join(self.folder, text(stage.wdir)))
        folder = "" if folder == "." else folder
        deps = deps_of(entry, points, text, self.wiring, self.found if number == 0 else None) or []
        tracked, params_paths, files = self._params(entry, points[0])
        outputs = self._outputs(entry, points[0], text, folder)
        names = {*OUR_ARGUMENTS, *tracked, *(group.axes if is_matrix else ()), *outputs}
        inputs: dict[str, JSON] = {}
        paths: dict[str, JSON] = {}
        for dep in [*deps, *files]:
            name = unused(argument_name(without_references(dep.path)), names)
            names.add(name)
            inputs[name] = dep.value
            if dep.is_laid:
                paths[f"inputs.{name}"] = dep.path
        paths.update({f"outputs.{name}": path for name, (_, path) in outputs.items()})
        words = command_words(stage.commands, [point.commands for point in points], written)
        params: dict[str, JSON] = {"command": words, **({"folder": folder} if folder else {})}
        if any(map(self._logs_to_dvc, files_named(points[0]))):
            params["env"] = {"DVC_ROOT": "."}  # as DVC does: DVCLive then does not change DVC's experiments
        paths |= params_paths
        if paths:
            params["paths"] = paths
        params |= tracked
        keys: dict[str, JSON] = {"call": "pipespec.steps:command"}
        if stage.description:
            keys["description"] = stage.description
        if is_matrix:
            keys["matrix"] = dict(group.axes)
        if inputs:
            keys["inputs"] = inputs
        keys["params"] = params
        if outputs:
            keys["outputs"] = {name: file for name, (file, _) in outputs.items()}
        keys.update(self._metrics(entry, points[0], outputs))
        if stage.is_always_changed or not (stage.deps or stage.outs or stage.params):
            keys["identity"] = "none"
        name = self.wiring.step_name(entry, number)
        return StepText(name, keys, (group.comment,) if is_matrix and group.comment else ())

    def _logs_to_dvc(self, path: str) -> bool:
        content = self.wiring.files.content(path) if path.endswith(".py") else None
        return content is not None and _DVCLIVE.search(content) is not None

    def _written(self, entry: StageEntry, point: Point, piece: Expression, *, is_matrix: bool) -> str:
        """Return the replacement of a template: a reference, or the value if there is none."""
        value = select(point.values, piece)
        head = piece.path[0]
        is_own = head in point.variant.scope
        if (
            is_scalar(value)
            and is_matrix
            and is_own
            and (found := entry.group.written(piece.path)) is not None
        ):
            return found
        is_listed = any(part.lstrip("-").isdecimal() for part in piece.path)
        if is_scalar(value) and not is_own and head not in entry.local and not is_listed:
            return reference(piece.path)
        return spell_as_dvc(value).replace("${", "$${")

    def _params(self, entry: StageEntry, point: Point) -> tuple[dict[str, JSON], dict[str, str], list[Dep]]:
        """Return params by name, the paths of the files into which they are written, and files that are inputs as a whole."""
        own: dict[str, JSON] = {}
        paths: dict[str, str] = {}
        files: list[Dep] = []
        read = [
            (tracked, resolve(tracked.file, point.values) or DEFAULT_FILE) for tracked in entry.stage.params
        ]
        for tracked, file in read:
            path = posixpath.normpath(posixpath.join(point.wdir, file))
            found = self.parameters.file(path)
            if found is None:
                message = (
                    f"the params of stage {quote(entry.stage.name)} in {quote(file)}, which cannot be read"
                )
                hint = "write them below 'params', and refer to them in the step"
                self.found.leave(message, tracked.span, hint)
            elif posixpath.splitext(path)[1].lower() not in _METRICS:
                place = posixpath.normpath(posixpath.join(self.wiring.folder, path))
                files.append(Dep({"file": place}, file, is_laid=False))
            elif len(read) == 1 and not self._is_taken(
                values := self._tracked(entry, tracked, found, point.values), entry
            ):
                own.update(values)
                paths["params"] = file
            else:
                name = unused(params_name(file), {*OUR_ARGUMENTS, *entry.group.axes, *own})
                own[name] = self._tracked(entry, tracked, found, point.values)
                paths[f"params.{name}"] = file
        return own, paths, files

    def _is_taken(self, values: Mapping[str, JSON], entry: StageEntry) -> bool:
        taken = {*OUR_ARGUMENTS, *entry.group.axes}
        return any(name in taken or not _NAME.fullmatch(name) for name in values)

    def _tracked(
        self, entry: StageEntry, tracked: TrackedParams, file: ParamsFile, values: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        base = self.parameters.base(file)
        result: dict[str, JSON] = {}
        for key in [resolve(key, values) for key in tracked.keys] or [*file.values]:
            path = (key,) if key in file.values else tuple(key.split("."))
            value: JSON = dict(file.values)
            for part in path:
                value = value[part] if isinstance(value, dict) and part in value else _MISSING
                if value is _MISSING:
                    break
            if value is _MISSING:
                message = f"stage {quote(entry.stage.name)} depends on the param {quote(key)}, which {quote(file.path)} does not have"
                self.found.leave(
                    message, tracked.span, "write it there, and refer to it in the step's params"
                )
                continue
            below = result
            for part in path[:-1]:
                inner = below.setdefault(part, {})
                if not isinstance(inner, dict):  # all of it is already named
                    break
                below = inner
            else:
                below[path[-1]] = reference((*base, *path))
        return result

    def _outputs(
        self, entry: StageEntry, point: Point, text: Callable[[str], str], folder: str
    ) -> dict[str, tuple[str, str]]:
        """Return outputs by name: the name of the file, and the path that the program uses."""
        result: dict[str, tuple[str, str]] = {}
        for number, (out, path) in enumerate(zip(entry.stage.outs, point.outs, strict=True)):
            written = text(out.text)
            if is_uri(path) or ("${" not in written and path_in_project(written, folder) is None):
                message = f"{quote(out.text)} of stage {quote(entry.stage.name)} is outside of the project"
                self.found.leave(
                    message,
                    out.span,
                    "let the program write a file of the project, or no output: it is then not known",
                )
                continue
            name = self.wiring.output_name(entry, number)
            file = file_name(without_references(written), name)
            taken = {other.rstrip("/").lower() for other, _ in result.values()}
            file = f"{name}_{file}" if file.lower() in taken else file
            result[name] = (f"{file}/" if self._is_folder(path, written) else file, written)
        return result

    def _is_folder(self, path: str, written: str) -> bool:
        known = self.wiring.files.is_folder(path)
        if known is not None:
            return known
        if path in self.locked_folders or written.endswith("/"):
            return True
        is_read_inside = any(
            self.wiring.producers.of(dep) and dep.startswith(f"{path}/") for dep in self._all_paths()
        )
        return is_read_inside or not posixpath.splitext(path)[1]

    def _all_paths(self) -> Iterator[str]:
        yield from self.metrics
        for made in self.wiring.producers.by_path.values():
            yield from made.entry.points[made.point].deps

    def _metrics(
        self, entry: StageEntry, point: Point, outputs: Mapping[str, tuple[str, str]]
    ) -> dict[str, JSON]:
        """Return the output whose numbers are metrics."""
        named: list[tuple[str, str, Span]] = []
        for number, (out, path) in enumerate(zip(entry.stage.outs, point.outs, strict=True)):
            name = self.wiring.output_name(entry, number)
            if name not in outputs:
                continue
            if out.kind == "metrics" or path in self.metrics:
                named.append((name, out.text, out.span))
            inside = [metric for metric in self.metrics if metric.startswith(f"{path}/")]
            named += [(f"{name}/{posixpath.relpath(metric, path)}", metric, out.span) for metric in inside]
        fitting = [name for name, path, _ in named if posixpath.splitext(path)[1].lower() in _METRICS]
        for name, path, span in named:
            if name != next(iter(fitting), None):
                hint = "a step has metrics from one .json or .yaml file; let the program write all numbers into it"
                self.found.leave(f"{quote(path)} is a metrics file, and is an ordinary output", span, hint)
        return {"metrics": fitting[0]} if fitting else {}


_MISSING: Final[dict[str, JSON]] = {}

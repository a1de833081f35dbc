"""Turn the inputs of a job into argument values: loaded objects, private copies, dicts of variants.

If a function gets a path, it is the path of a private copy, so the function may change it. If a format loads the input,
the original is read in place and checked by `verified_content.reading`. This module knows only one thing about formats:
which content to pass to them.
"""

from __future__ import annotations

import contextlib
import json
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.document.yaml.plain_scalars import spell
from pipespec.frozen_values import frozen
from pipespec.spec.contracts.data_schema import DataSchema
from pipespec.spec.variant_names import Variant, point_text
from pipespec.step import formats
from pipespec.step.arguments.object_building import is_described
from pipespec.step.arguments.param_conversion import MisfitError, ParamPlace, convert
from pipespec.step.arguments.verified_content import Localise, is_directory, private_copy, reading
from pipespec.step.failure import StepError
from pipespec.step.formats.type_names import bare, type_of_annotation
from pipespec.step.frame_contracts import fitted
from pipespec.step.model_files import ModelFiles, without_models
from pipespec.step.step_job import Artifact, InputJob

__all__ = ["annotation_of_variants", "fan_in_names", "load_input"]


def load_input(
    job: InputJob,
    annotation: Any,
    folder: Path,
    *,
    call: Callable[..., Any] | None = None,
    localise: Localise | None = None,
    models: ModelFiles | None = None,
) -> Any:
    """Return what the argument gets. `annotation` is None if there is none; `call` is the function of `load_call`.

    Private copies are made in `folder`, which is created for this purpose.

    Raises:
        StepError: of kind `inputs`, naming the argument. What `call` raises is not wrapped.
    """
    loader = _InputLoader(job, folder, call, localise, models)
    with _named(job.argument):
        match job.kind:
            case "files":
                return loader.files()
            case "fan_in":
                return loader.fan_in(annotation)
            case _:
                return loader.one(job.artifacts[0], annotation, folder)


def fan_in_names(points: Sequence[Variant]) -> tuple[str, ...]:
    """Name the variants of a fan-in by its open axes.

    With one open axis, the name is the text of the value (`4`, `adam`), or its JSON spelling if two values have the
    same text. With several open axes, it is for example `depth=4,learning_rate=0.1`.
    """
    if any(len(point) != 1 for point in points):
        return tuple(map(point_text, points))
    texts = [spell(point[0][1]) for point in points]
    count = Counter(texts)
    return tuple(
        text if count[text] == 1 else point_text(point).partition("=")[2]
        for text, point in zip(texts, points, strict=True)
    )


@frozen
class _InputLoader:
    job: InputJob
    folder: Path
    call: Callable[..., Any] | None
    localise: Localise | None
    models: ModelFiles | None

    def one(self, artifact: Artifact, annotation: Any, folder: Path) -> Any:
        if self.job.schema is not None:
            self._require_fit(artifact, self.job.schema)
        if self.call is not None:
            return fitted(self.call(self._copy(artifact, folder)), annotation, "inputs")
        if artifact.is_model and self.job.load != "path" and type_of_annotation(annotation) != "pathlib.Path":
            options = self.job.load if isinstance(self.job.load, Mapping) else {}
            return without_models(self.models).load(self._copy(artifact, folder), annotation, options)
        if self.job.load == "path" or is_directory(artifact):
            self._refuse_annotation(artifact, annotation)
            return self._copy(artifact, folder)
        if formats.gives_path(artifact.name, annotation):
            return self._copy(artifact, folder)
        value = _shaped(self._load(artifact, annotation, folder), annotation, artifact)
        return fitted(value, annotation, "inputs")

    def files(self) -> Any:
        names = [_file_name(artifact) for artifact in self.job.artifacts]
        alone = len(set(names)) == len(names)
        paths = [
            self._copy(artifact, self.folder if alone else self.folder / str(number))
            for number, artifact in enumerate(self.job.artifacts)
        ]
        return paths if self.call is None else self.call(paths)

    def fan_in(self, annotation: Any) -> Any:
        as_list = type_of_annotation(annotation) == "list"
        item = annotation_of_variants(annotation)
        values = [
            self.one(artifact, item, self.folder / str(number))
            for number, artifact in enumerate(self.job.artifacts)
        ]
        names = fan_in_names(self.job.points)
        found = sorted(zip(self.job.points, names, values, strict=True), key=lambda one: _rank(one[0]))
        if as_list:
            return [(dict(point), value) for point, _, value in found]
        return {name: value for _, name, value in found}

    def _load(self, artifact: Artifact, annotation: Any, folder: Path) -> Any:
        options: Mapping[str, JSON] = self.job.load if isinstance(self.job.load, Mapping) else {}
        if options:  # an object may keep the file open, or map it into memory to write to it
            path = self._copy(artifact, folder)
            return formats.load(path, artifact.name, annotation, options)
        with reading(artifact, self.localise) as path:
            return formats.load(path, artifact.name, annotation, options)

    def _require_fit(self, artifact: Artifact, schema: DataSchema) -> None:
        from pipespec.step.data_contracts import require_fit  # noqa: PLC0415 - few inputs have a schema

        with reading(artifact, self.localise) as path:
            require_fit(path, artifact.name, schema, "inputs")

    def _copy(self, artifact: Artifact, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _file_name(artifact)
        private_copy(artifact, path, self.localise)
        return path

    def _refuse_annotation(self, artifact: Artifact, annotation: Any) -> None:
        wanted = type_of_annotation(annotation)
        if is_directory(artifact) and self.job.load != "path" and wanted not in (None, "pathlib.Path"):
            raise StepError(
                "inputs",
                f"{quote(artifact.name)} is a directory, which can only be passed as a Path, not as {wanted}",
            )


def _rank(point: Variant) -> list[tuple[int, float, str]]:
    """Sort variants by their values, numbers before texts. The order in the file does not count, because it is not in the key."""
    return [
        (0, value, "")
        if isinstance(value, int | float)
        else (1, 0.0, value if isinstance(value, str) else json.dumps(value))
        for _, value in point
    ]


def _file_name(artifact: Artifact) -> str:
    return PurePosixPath(artifact.name).name or "content"


def annotation_of_variants(annotation: Any) -> Any:
    """Return the annotation of one value of a fan-in: `T` of `dict[str, T]` and of `list[tuple[dict, T]]`."""
    plain = bare(annotation)
    arguments = typing.get_args(plain)
    if type_of_annotation(annotation) == "list":
        return _of_pair(arguments)
    is_union = typing.get_origin(plain) in (typing.Union, types.UnionType)
    return arguments[1] if len(arguments) == 2 and not is_union else None


def _of_pair(arguments: tuple[Any, ...]) -> Any:
    """Return the second type of `list[tuple[dict, T]]`."""
    pair = typing.get_args(arguments[0]) if arguments else ()
    return pair[1] if len(pair) == 2 else None


def _shaped(value: Any, annotation: Any, artifact: Artifact) -> Any:
    """Convert a JSON object to the dataclass or model with which the argument is annotated."""
    if not (isinstance(value, dict) and is_described(bare(annotation))):
        return value
    try:
        return convert(value, annotation, ParamPlace("value", artifact.name))
    except MisfitError as error:
        raise StepError("inputs", str(error)) from error.__cause__


@contextlib.contextmanager
def _named(argument: str) -> Iterator[None]:
    try:
        yield
    except formats.FormatError as error:
        raise StepError("inputs", f"input {quote(argument)}: {error}") from error.__cause__
    except StepError as error:
        if error.kind != "inputs":
            raise
        message = f"input {quote(argument)}: {error}"
        raise StepError("inputs", message, refused=error.refused, details=error.details) from error.__cause__

"""The declarations of a rendered module: a pipeline and its steps, as the compiler produced them.

Takes the calls of the module, in any order. Returns, when it is asked, a `Declared`: the same `PipelineSpec` that the
compiler would create here and now, with the digests of the code at the time when the module was rendered.
"""

from __future__ import annotations

import os.path
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON, Entry, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.errors import Span, UsageError
from pipespec.frozen_values import frozen
from pipespec.project.project_root import find_root
from pipespec.python.callable_ref import CallableRef
from pipespec.runtime.declared import Declared
from pipespec.runtime.record_client import RecordClient
from pipespec.runtime.rendered_values import External, Output, Value, Way, read
from pipespec.spec.contracts.data_schema import SchemaFile
from pipespec.spec.pipeline_spec import (
    Bounds,
    CountedCode,
    DirInput,
    FileInput,
    FilesInput,
    Identity,
    InputSource,
    InputSpec,
    MetricsRef,
    MlflowSpec,
    OutputSpec,
    PipelineSpec,
    Retry,
    StepInput,
    StepSpec,
)
from pipespec.spec.variant_names import variant_id

__all__ = ["Pipeline", "Step"]

ROOT: Final = "PIPESPEC_ROOT"
"""The environment variable that names the project root, for a module that is not located in the project."""

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NOWHERE: Final = Span("", 1, 1, 1, 1)


@frozen
class Step:
    """One declared step. The classes of a rendered module contain it."""

    pipeline: Pipeline
    id: str
    stated: StepSpec
    """Without values that are known only where the step runs."""
    inputs: Mapping[str, Output | External]
    params: Mapping[str, Value]
    experiment: Value
    schemas: Mapping[str, str]
    """The files of JSON schemas, relative to the project root, by the names of outputs."""

    def spec(self, declared: Mapping[str, Step], folder: Path, root: Path) -> StepSpec:
        """Return the step as it is here and now."""
        return replace(
            self.stated,
            experiment=str(read(self.experiment, root)),
            inputs={
                argument: InputSpec(
                    argument,
                    _source(given, declared, folder, root),
                    _way(given.load),
                    _NOWHERE,
                    _schema(given.schema, root) if isinstance(given, External) else None,
                )
                for argument, given in self.inputs.items()
            },
            outputs={
                name: replace(output, schema=_schema(self.schemas.get(name), root))
                for name, output in self.stated.outputs.items()
            },
            params={name: _node(read(value, root)) for name, value in self.params.items()},
        )


class Pipeline:
    """A pipeline and its steps.

    `file` is the pipeline's file, relative to the project root; `module` is the rendered file. `code` and `sources` are
    what the compiler counted. `resources` are the available amounts of resources, if luigi.cfg does not set them.
    """

    def __init__(
        self,
        name: str,
        *,
        file: str,
        module: str,
        description: str | None = None,
        tracking_uri: Value = None,
        artifact_location: Value = None,
        tags: Mapping[str, Value] | None = None,
        resources: Mapping[str, int] | None = None,
        code: Mapping[str, str] | None = None,
        sources: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.token = secrets.token_hex(6)
        """Distinguishes this process's tasks from those of all other processes, on one luigid."""
        self.resources = dict(resources or {})
        self.steps: dict[str, Step] = {}
        self.needs: dict[str, tuple[str, ...]] = {}
        self._file = file
        self._module = Path(module).absolute()
        self._description = description
        self._mlflow = (tracking_uri, artifact_location, dict(tags or {}))
        self._code = dict(code or {})
        self._sources = dict(sources or {})
        self._client: RecordClient | None = None

    def step(
        self,
        name: str,
        *,
        call: str,
        variant: Mapping[str, JSON] | None = None,
        description: str | None = None,
        inputs: Mapping[str, Output | External] | None = None,
        params: Mapping[str, Value] | None = None,
        outputs: Mapping[str, str | tuple[str, Way]] | None = None,
        needs: Sequence[str] = (),
        metrics: str | None = None,
        checks: Mapping[str, Mapping[str, float]] | None = None,
        after: str | None = None,
        ignore: Sequence[str] = (),
        count_code: str = "function",
        version: JSON = None,
        packages: Sequence[str] = (),
        probe: str | None = None,
        untracked: Sequence[str] = (),
        has_identity: bool = True,
        retry: int = 0,
        retry_wait: float | tuple[float, ...] = 0.0,
        timeout: float | None = None,
        is_seeded: bool = True,
        priority: int = 0,
        resources: Mapping[str, int] | None = None,
        tags: Sequence[str] = (),
        experiment: Value = None,
        schemas: Mapping[str, str] | None = None,
    ) -> Step:
        """Declare a step, or one variant of it. `needs` are ids of steps, times are in seconds.

        An output is a file, or a file with the way in which it is saved. `schemas` contains the JSON schemas of
        outputs. `metrics` is an output, or `output/part`.
        """
        point = tuple(sorted((variant or {}).items()))
        assert isinstance(version, str | int | float | bool | None)
        stated = StepSpec(
            name=name,
            call=_callable(call),
            span=_NOWHERE,
            experiment="",
            variant=point,
            description=description,
            outputs={output: _output(output, stated) for output, stated in (outputs or {}).items()},
            metrics=None if metrics is None else _metrics(metrics),
            checks={
                metric: Bounds(bounds.get("min"), bounds.get("max"), _NOWHERE)
                for metric, bounds in (checks or {}).items()
            },
            after=None if after is None else _callable(after),
            identity=Identity(
                ignore=tuple(ignore),
                code=CountedCode(count_code),
                version=version,
                packages=tuple(packages),
                probe=None if probe is None else _callable(probe),
                never=not has_identity,
                untracked=tuple(untracked),
            ),
            retry=Retry(retry, retry_wait if isinstance(retry_wait, tuple) else (retry_wait,)),
            timeout=timeout,
            is_seeded=is_seeded,
            priority=priority,
            resources=dict(resources or {}),
            tags=tuple(tags),
        )
        step = Step(
            self,
            variant_id(name, point),
            stated,
            dict(inputs or {}),
            dict(params or {}),
            f"{self.name}/{name}" if experiment is None else experiment,
            dict(schemas or {}),
        )
        self.steps[step.id] = step
        self.needs[step.id] = tuple(needs)
        return step

    @property
    def client(self) -> RecordClient:
        """The process that knows what is complete and executes steps. It is started when it is first asked."""
        if self._client is None:
            self._client = RecordClient(self.declared, self.steps)
        return self._client

    @property
    def root(self) -> Path:
        """The project root: `$PIPESPEC_ROOT`, otherwise the nearest folder above the module with `pyproject.toml` or `.git`."""
        stated = os.environ.get(ROOT)
        return Path(stated).absolute() if stated else find_root(self._module)

    def declared(self) -> Declared:
        """Return the pipeline as it is here and now.

        Raises:
            UsageError: if a variable without a default is not set, or a path leads out of the project.
        """
        root = self.root
        file = root / self._file
        tracking_uri, artifact_location, tags = self._mlflow
        spec = PipelineSpec(
            name=self.name,
            file=file,
            root=root,
            steps={id_: step.spec(self.steps, file.parent, root) for id_, step in self.steps.items()},
            upstream={id_: self._upstream(step) for id_, step in self.steps.items()},
            document=MappingNode({}, _NOWHERE),
            description=self._description,
            mlflow=MlflowSpec(
                _text(tracking_uri, root),
                _text(artifact_location, root),
                {key: str(read(value, root)) for key, value in tags.items()},
            ),
        )
        sources = {str(root / file): digest for file, digest in self._sources.items()}
        return Declared(spec, self._code, sources, self._module)

    def _upstream(self, step: Step) -> tuple[str, ...]:
        read_ = [id_ for given in step.inputs.values() if isinstance(given, Output) for id_ in given.steps]
        return tuple(dict.fromkeys((*read_, *self.needs[step.id])))


def _text(value: Value, root: Path) -> str | None:
    return None if value is None else str(read(value, root))


def _source(given: Output | External, declared: Mapping[str, Step], folder: Path, root: Path) -> InputSource:
    if isinstance(given, Output):
        fixed = tuple(sorted((given.fixed or {}).items()))
        name = declared[given.steps[0]].stated.name
        return StepInput(name, given.output, given.part, fixed, fan_in=given.fan_in, producers=given.steps)
    written = str(read(given.written, root))
    path = _placed(written, folder if given.base is None else root / given.base, root)
    match given.kind:
        case "file":
            return FileInput(path, written)
        case "folder":
            return DirInput(path, written)
        case _:
            return FilesInput(path, written)


def _placed(written: str, folder: Path, root: Path) -> str:
    """Return the absolute path of a written path, as the compiler does: only an absolute path may lead out of the project."""
    if _URI.match(written):
        return written
    path = os.path.normpath(folder / written)
    if not Path(written).is_absolute() and not Path(path).is_relative_to(root):
        raise UsageError(f"the path '{written}' is outside of the project")
    return path


def _schema(written: str | None, root: Path) -> SchemaFile | None:
    return None if written is None else SchemaFile(str(root / written), written, _NOWHERE)


def _callable(written: str) -> CallableRef:
    module, _, qualname = written.partition(":")
    return CallableRef(module, qualname, _NOWHERE)


def _way(way: Way) -> Mapping[str, JSON] | str | CallableRef | None:
    return _callable(way) if isinstance(way, str) and ":" in way else way


def _output(name: str, stated: str | tuple[str, Way]) -> OutputSpec:
    file, save = (stated, None) if isinstance(stated, str) else stated
    way = _way(save)
    assert not isinstance(way, str)
    return OutputSpec(name, file, way, _NOWHERE)


def _metrics(written: str) -> MetricsRef:
    output, slash, part = written.partition("/")
    return MetricsRef(output, part if slash else None, _NOWHERE)


def _node(value: JSON) -> Node:
    match value:
        case list():
            return SequenceNode(tuple(map(_node, value)), _NOWHERE)
        case dict():
            return MappingNode({key: Entry(_NOWHERE, _node(item)) for key, item in value.items()}, _NOWHERE)
        case _:
            return ScalarNode(value, _NOWHERE)

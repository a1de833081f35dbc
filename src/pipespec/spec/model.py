"""What a pipeline is, once it is known to be well-formed: frozen values, checked where they are made.

`build` makes them from a resolved tree; `checks` adds the findings that need meaning; everything after
takes them as they are. Every part that a later finding may point at keeps its span.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from pipespec.document.nodes import JSON, MappingNode, Node, Scalar
from pipespec.errors import Span

__all__ = [
    "Bounds",
    "CallableRef",
    "DirInput",
    "EngineSpec",
    "FileInput",
    "FilesInput",
    "Identity",
    "InputSource",
    "InputSpec",
    "MetricsRef",
    "MlflowSpec",
    "Notice",
    "OutputSpec",
    "PipelineInput",
    "PipelineSpec",
    "Retry",
    "StepInput",
    "StepSpec",
    "Variant",
    "deferred_id",
    "point_text",
    "variant_id",
]

Variant: TypeAlias = tuple[tuple[str, JSON], ...]
"""A point of a matrix: (axis, value) pairs, axes sorted; empty for a step without a matrix."""

_EMPTY: Mapping[str, Node] = MappingProxyType({})


def variant_id(step: str, variant: Variant) -> str:
    """Name a variant from its values: `train[depth=4,learning_rate=0.1]`, never by its position.

    A value is spelt as in JSON; a text without `,=[]"`, spaces or control characters, and that reads as no
    other JSON value, stands without its quotes.
    """
    if not variant:
        return step
    return f"{step}[{point_text(variant)}]"


def deferred_id(step: str, axes: Iterable[str]) -> str:
    """Name the one entry that stands for all variants to come: `train[genre=*]`."""
    return f"{step}[{','.join(f'{axis}=*' for axis in sorted(axes))}]"


def point_text(point: Variant) -> str:
    """Spell a point as a variant's name does between its brackets: `depth=4,learning_rate=0.1`."""
    return ",".join(f"{axis}={_spell(value)}" for axis, value in point)


def _spell(value: JSON) -> str:
    spelling = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if (
        not isinstance(value, str)
        or not value
        or any(c in ',=[]{}"\\' or c.isspace() or not c.isprintable() for c in value)
    ):
        return spelling
    try:
        json.loads(value)
    except ValueError:
        return value
    return spelling


@dataclass(frozen=True, slots=True)
class CallableRef:
    """`module:function` or `module:Class.method`, as written at `span`."""

    module: str
    qualname: str
    span: Span

    def __str__(self) -> str:
        return f"{self.module}:{self.qualname}"


@dataclass(frozen=True, slots=True)
class StepInput:
    """Another step's output.

    `step` is a declared name. `output` is filled in where the reference names none and the step has just one;
    None is left only in a pipeline with mistakes. `part` is a file inside a directory output, POSIX spelling.
    `fan_in` is true for `[*]` and for a selection that leaves axes open: the argument then gets a dict of
    variants. `selection` holds the axes that the reference fixes, sorted. `producers` are the ids that are
    read, in the order of the steps: one, but for a fan-in. Inputs that read the same variants share the tuple.
    """

    step: str
    output: str | None
    part: str | None = None
    selection: Variant = ()
    fan_in: bool = False
    producers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileInput:
    """An external file; `path` is absolute (or a URI), `text` as the user wrote it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class DirInput:
    """An external directory with all regular files below it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class FilesInput:
    """The external files that a glob finds; `pattern` is absolute, `text` as the user wrote it."""

    pattern: str
    text: str


@dataclass(frozen=True, slots=True)
class PipelineInput:
    """An output of another pipeline, read from its records and never run from here."""

    path: str
    text: str
    step: str
    output: str | None


InputSource: TypeAlias = StepInput | FileInput | DirInput | FilesInput | PipelineInput


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What arrives as one keyword argument.

    `load` says how: None leaves it to annotation and suffix, a mapping holds options of the format, the
    text `path` hands over the path, a `CallableRef` is called with it.
    """

    argument: str
    source: InputSource
    load: Mapping[str, JSON] | str | CallableRef | None
    span: Span
    """Where the reference stands (not the argument's name)."""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One declared output; `file` is a relative POSIX name without `..`, a trailing slash means directory."""

    name: str
    file: str
    save: Mapping[str, JSON] | CallableRef | None
    span: Span

    @property
    def is_directory(self) -> bool:
        """True for `model/`: the function fills a folder."""
        return self.file.endswith("/")


@dataclass(frozen=True, slots=True)
class MetricsRef:
    """The output (or a file in a directory output) whose numeric leaves become metrics."""

    output: str
    part: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Bounds:
    """Inclusive bounds of a metric; at least one is set."""

    minimum: float | None
    maximum: float | None
    span: Span


@dataclass(frozen=True, slots=True)
class Identity:
    """What of a step counts.

    `never` is `identity: none`: no key, the step runs every time. `code` false leaves the code out.
    """

    ignore: tuple[str, ...] = ()
    ignore_spans: tuple[Span, ...] = ()
    """Where each of `ignore` stands."""
    code: bool = True
    version: Scalar = None
    packages: tuple[str, ...] = ()
    probe: CallableRef | None = None
    never: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failed step is tried again, and after how many seconds."""

    times: int = 0
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step, or one variant of it."""

    name: str
    """The declared name; `id` adds the variant."""
    call: CallableRef
    span: Span
    """Where the name stands."""
    experiment: str
    """The MLflow experiment, resolved for this step."""
    variant: Variant = ()
    point: str = ""
    """Which points of a sweep it belongs to, by the values that tell it from others; empty where all share it."""
    description: str | None = None
    inputs: Mapping[str, InputSpec] = field(default_factory=dict)
    params: Mapping[str, Node] = field(default_factory=lambda: _EMPTY)
    """Declared params and the axes that bind themselves, as resolved nodes (`plain` gives their values)."""
    param_key_spans: Mapping[str, Span] = field(default_factory=dict)
    outputs: Mapping[str, OutputSpec] = field(default_factory=dict)
    """In declared order, which counts."""
    needs: tuple[tuple[str, Span], ...] = ()
    """Declared step names that must be complete first, and where they stand."""
    metrics: MetricsRef | None = None
    checks: Mapping[str, Bounds] = field(default_factory=dict)
    identity: Identity = Identity()
    retry: Retry = Retry()
    timeout: float | None = None
    """Seconds."""
    priority: int = 0
    resources: Mapping[str, int] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    deferred: Mapping[str, StepInput] = field(default_factory=dict)
    """Axes whose values are an output, known only when that step is complete: this step is then one entry
    that stands for all variants to come, and `matrix.fill_axis` makes the document of the second wave."""
    axis_arguments: tuple[str, ...] = ()
    """Arguments that the axes of a deferred matrix will bind, those whose values are known already included."""
    matrix: Node | None = None
    """The matrix as it was declared; the axes of `variant` and of `deferred` come from it."""

    @property
    def id(self) -> str:
        """`train[depth=4]`: unique in a pipeline; `train[genre=*]` while the values of an axis are not known.

        In a sweep, what differs between its points adds its own: `train[depth=4]{seed=1}`.
        """
        suffix = f"{{{self.point}}}" if self.point else ""
        if self.deferred:
            return deferred_id(self.name, self.deferred) + suffix
        return variant_id(self.name, self.variant) + suffix


@dataclass(frozen=True, slots=True)
class MlflowSpec:
    """Where records go. None means the default; `tags` are put on every run."""

    tracking_uri: str | None = None
    artifact_location: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """How a run goes about it; the command line's options go before these.

    `resources` says how many of each there are (`gpu: 2`). `executor` is `local`, the only one so far;
    `scheduler` is the address of a luigid.
    """

    workers: int | None = None
    executor: str = "local"
    scheduler: str | None = None
    keep_going: bool = False
    resources: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """A URL that is told how a run ended; `on` holds `failure`, `success` or both."""

    url: Node
    """A node, since it may hold a secret that is read only when it is used."""
    on: tuple[str, ...] = ("failure",)


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """A whole pipeline. `steps` is keyed by id, in the order of the text (which means nothing).

    `upstream` maps each id to the ids that it waits for, through inputs and needs, without repetition.
    `document` is the resolved tree that all this was built from.
    """

    name: str
    file: Path
    root: Path
    """The project root, absolute."""
    steps: Mapping[str, StepSpec]
    upstream: Mapping[str, tuple[str, ...]]
    document: MappingNode
    description: str | None = None
    mlflow: MlflowSpec = MlflowSpec()
    engine: EngineSpec = EngineSpec()
    notify: tuple[Notice, ...] = ()
    damaged: frozenset[str] = frozenset()
    """Declared names of steps with mistakes, about which no finding is made that only follows from those."""

    @property
    def module_folders(self) -> tuple[Path, ...]:
        """Where a callable's module is looked for, first match wins: beside the file, the root, its `src/`."""
        folders = (self.file.parent, self.root, self.root / "src")
        return tuple(dict.fromkeys(folders))

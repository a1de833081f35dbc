"""What a pipeline is, once it is known to be well-formed: frozen values with their places.

`build_spec` makes and checks them from a resolved tree; the stage `checks` adds the findings that need meaning; everything after
takes them as they are. Every part that a later finding may point at keeps its span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON, MappingNode, Node, Scalar, plain
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.python.callable_ref import CallableRef, SourceFileRef
from pipespec.spec.contracts.data_schema import SchemaFile
from pipespec.spec.engine_spec import EngineSpec, StepEngine
from pipespec.spec.library_steps import files_of
from pipespec.spec.registered_models import ModelInput, ModelOutput
from pipespec.spec.variant_names import Variant, deferred_id, variant_id
from pipespec.state_folder import StateFolder

__all__ = [
    "Bounds",
    "CountedCode",
    "DeferredAxis",
    "DirInput",
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
    "TemplateFile",
]

_EMPTY: Mapping[str, Node] = MappingProxyType({})


@frozen
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


@frozen
class FileInput:
    """An external file; `path` is absolute (or a URI), `text` as the user wrote it."""

    path: str
    text: str


@frozen
class DirInput:
    """An external directory with all regular files below it."""

    path: str
    text: str


@frozen
class FilesInput:
    """The external files that a glob finds; `pattern` is absolute, `text` as the user wrote it."""

    pattern: str
    text: str


@frozen
class PipelineInput:
    """An output of another pipeline, read from its records and never run from here.

    It is of the run that the pipeline, with these overlays, would reuse now, or with `latest` of the last one that finished.
    """

    path: str
    text: str
    """As the user wrote it, overlays included: `train.yaml -f production.yaml`."""
    step: str
    output: str | None
    overlays: tuple[str, ...] = ()
    """Absolute paths."""
    latest: bool = False


InputSource: TypeAlias = StepInput | FileInput | DirInput | FilesInput | PipelineInput | ModelInput


@frozen
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
    schema: SchemaFile | None = None
    """What the content of an external file is checked by."""


@frozen
class OutputSpec:
    """One declared output; `file` is a relative POSIX name without `..`, a trailing slash means directory."""

    name: str
    file: str
    save: Mapping[str, JSON] | CallableRef | None
    span: Span
    schema: SchemaFile | None = None
    """What the saved file is checked by."""
    model: ModelOutput | None = None
    """Where it is saved as an MLflow model: how, and under which name it is registered."""

    @property
    def is_directory(self) -> bool:
        """True for `model/`: the function fills a folder."""
        return self.file.endswith("/")


@frozen
class MetricsRef:
    """The output (or a file in a directory output) whose numeric leaves become metrics."""

    output: str
    part: str | None
    span: Span


@frozen
class Bounds:
    """Inclusive bounds of a metric; at least one is set.

    `least_delta` and `most_delta` bound how far it may be from a baseline's, which `compare` judges, and no run.
    """

    minimum: float | None
    maximum: float | None
    span: Span
    least_delta: float | None = None
    most_delta: float | None = None

    @property
    def is_absolute(self) -> bool:
        """True where a run is judged by them."""
        return self.minimum is not None or self.maximum is not None

    @property
    def is_relative(self) -> bool:
        """True where a comparison is judged by them."""
        return self.least_delta is not None or self.most_delta is not None


class CountedCode(StrEnum):
    """How a step's code counts: what its function reaches, every module of the project that it loads, or not at all."""

    FUNCTION = "function"
    MODULES = "modules"
    NONE = "none"


@frozen
class Identity:
    """What of a step counts.

    `never` is `identity: none`: no key, the step runs every time. `untracked` are patterns of files that the step may read
    though no input names them, and that do not count.
    """

    ignore: tuple[str, ...] = ()
    ignore_spans: tuple[Span, ...] = ()
    """Where each of `ignore` stands."""
    code: CountedCode = CountedCode.FUNCTION
    version: Scalar = None
    packages: tuple[str, ...] = ()
    probe: CallableRef | None = None
    never: bool = False
    untracked: tuple[str, ...] = ()


@frozen
class Retry:
    """How often a failed step is tried again, and after how many seconds each time; the last holds for the rest."""

    times: int = 0
    waits: tuple[float, ...] = (0.0,)

    def wait_after(self, attempt: int) -> float:
        """Return how long a step waits after so many attempts."""
        return self.waits[min(attempt, len(self.waits)) - 1]


@frozen
class DeferredAxis:
    """An axis whose values are an output, known only when the step that makes it is complete.

    `written` is the reference as `StepSpec.matrix` has it; an axis may have several, in a matrix of several mappings.
    """

    name: str
    written: str
    source: StepInput

    @property
    def waits_for_axis(self) -> bool:
        """True where the reference chooses a variant by an axis that has no values itself so far."""
        return self.source.fan_in


@frozen
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
    after: CallableRef | None = None
    """A function that tests the outputs before the step is recorded."""
    identity: Identity = Identity()
    retry: Retry = Retry()
    timeout: float | None = None
    """Seconds."""
    is_seeded: bool = True
    """False where random numbers start anywhere, by the step's `seed` or else by that of `engine`."""
    priority: int = 0
    resources: Mapping[str, int] = field(default_factory=dict)
    engine: StepEngine = StepEngine()
    tags: tuple[str, ...] = ()
    deferred: tuple[DeferredAxis, ...] = ()
    """Axes without values so far: this step is then one entry that stands for all variants to come, and
    `matrix.fill_axis` makes the document of the second wave."""
    listed: tuple[DeferredAxis, ...] = ()
    """Axes of this variant whose values were an output of a step that is complete by now."""
    axis_arguments: tuple[str, ...] = ()
    """Arguments that the axes of a deferred matrix will bind, those whose values are known already included."""
    matrix: Node | None = None
    """The matrix from which the axes of `variant` and of `deferred` come: as it was declared, but for axes that
    depend on others, which have a mapping for each value of those."""

    @property
    def id(self) -> str:
        """`train[depth=4]`: unique in a pipeline; `train[genre=*]` while the values of an axis are not known.

        In a sweep, what differs between its points adds its own: `train[depth=4]{seed=1}`.
        """
        suffix = f"{{{self.point}}}" if self.point else ""
        if self.deferred:
            return deferred_id(self.name, (axis.name for axis in self.deferred)) + suffix
        return variant_id(self.name, self.variant) + suffix

    @property
    def param_values(self) -> dict[str, JSON]:
        """Its params as plain values; references to secrets stay as they are written."""
        return {name: plain(node) for name, node in self.params.items()}

    @property
    def step_inputs(self) -> tuple[StepInput, ...]:
        """What its inputs and axes read of other steps, inputs first."""
        sources = (*(spec.source for spec in self.inputs.values()), *(axis.source for axis in self.deferred))
        return tuple(source for source in sources if isinstance(source, StepInput))

    @property
    def producers(self) -> tuple[str, ...]:
        """The ids of the steps whose outputs it reads, each once."""
        return tuple(dict.fromkeys(chain.from_iterable(source.producers for source in self.step_inputs)))

    @property
    def callables(self) -> tuple[CallableRef, ...]:
        """All that the step calls: its function, its probe, what tests it, loaders of inputs, savers of outputs."""
        others: list[object] = [self.identity.probe, self.after]
        others += [spec.load for spec in self.inputs.values()]
        others += [output.save for output in self.outputs.values()]
        return (self.call, *[one for one in others if isinstance(one, CallableRef)])

    @property
    def source_files(self) -> tuple[SourceFileRef, ...]:
        """The files that it runs as code: of a step that calls a function of `pipespec.steps`."""
        return files_of(self.call, self.params)

    @property
    def counted(self) -> tuple[CallableRef | SourceFileRef, ...]:
        """All whose code counts."""
        return (*self.callables, *self.source_files)

    @property
    def registers(self) -> bool:
        """True where an output becomes a version of a registered model."""
        return any(output.model is not None and output.model.register for output in self.outputs.values())

    @property
    def schemas(self) -> tuple[SchemaFile, ...]:
        """The schemas of its inputs and outputs."""
        of_inputs = [spec.schema for spec in self.inputs.values()]
        of_outputs = [output.schema for output in self.outputs.values()]
        return tuple(schema for schema in (*of_inputs, *of_outputs) if schema is not None)


@frozen
class MlflowSpec:
    """Where records go. None means the default; `tags` are put on every run."""

    tracking_uri: str | None = None
    artifact_location: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


PRIVATE_STORE: Final = f"sqlite:///{StateFolder.of(Path()).private_store}"
"""The tracking URI of a pipeline whose tracking is off: below the project's root, like any relative path."""


@frozen
class TemplateFile:
    """The template of a message as a pipeline names it: `path` is absolute, `text` as the user wrote it, `span` where."""

    path: str
    text: str
    span: Span


@frozen
class Notice:
    """A URL that is told how a run ended; `on` holds some of `failure`, `regression` and `success`."""

    url: Node
    """A node, since it may hold a secret that is read only when it is used."""
    on: tuple[str, ...]
    on_span: Span
    """Where they stand, or the URL does."""
    template: TemplateFile | None = None
    """What makes the text of the message."""


@frozen
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
    params_schema: SchemaFile | None = None
    """What the pipeline's params are checked by."""
    empty_steps: Mapping[str, StepSpec] = field(default_factory=dict)
    """Steps whose matrix has no points, by their declared names; they are not in `steps`."""
    damaged: frozenset[str] = frozenset()
    """Declared names of steps with mistakes, about which no finding is made that only follows from those."""

    @property
    def module_folders(self) -> tuple[Path, ...]:
        """Where a callable's module is looked for, first match wins: beside the file, the root, its `src/`."""
        folders = (self.file.parent, self.root, self.root / "src")
        return tuple(dict.fromkeys(folders))

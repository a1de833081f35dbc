"""A valid pipeline: frozen values with their places.

`build_spec` makes and checks these values from a resolved tree. The stage `checks` adds the findings that require
meaning. All later stages use the values as they are. Every part that a later finding may refer to keeps its span.
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

    `step` is a declared name. If the reference names no output and the step has exactly one, `output` is filled in; it
    is None only in a pipeline with mistakes. `part` is a file inside a directory output, as a POSIX path. `fan_in` is
    true for `[*]` and for a selection that leaves axes open: the argument is then a dict of variants. `selection`
    contains the axes that the reference fixes, sorted. `producers` are the ids that are read, in the order of the
    steps: exactly one, unless it is a fan-in. Inputs that read the same variants share the tuple.
    """

    step: str
    output: str | None
    part: str | None = None
    selection: Variant = ()
    fan_in: bool = False
    producers: tuple[str, ...] = ()


@frozen
class FileInput:
    """An external file. `path` is absolute (or a URI), `text` is what the user wrote."""

    path: str
    text: str


@frozen
class DirInput:
    """An external directory with all regular files below it."""

    path: str
    text: str


@frozen
class FilesInput:
    """The external files that match a glob. `pattern` is absolute, `text` is what the user wrote."""

    pattern: str
    text: str


@frozen
class PipelineInput:
    """An output of another pipeline. It is read from that pipeline's records; the other pipeline is never run from here.

    It belongs to the run that the pipeline, with these overlays, would reuse now. With `latest`, it belongs to the last
    finished run.
    """

    path: str
    text: str
    """As the user wrote it, including overlays: `train.yaml -f production.yaml`."""
    step: str
    output: str | None
    overlays: tuple[str, ...] = ()
    """Absolute paths."""
    latest: bool = False


InputSource: TypeAlias = StepInput | FileInput | DirInput | FilesInput | PipelineInput | ModelInput


@frozen
class InputSpec:
    """The value of one keyword argument.

    `load` says how it is loaded. None: annotation and suffix decide. A mapping: options of the format. The text `path`:
    the argument is the path. A `CallableRef`: it is called with the path.
    """

    argument: str
    source: InputSource
    load: Mapping[str, JSON] | str | CallableRef | None
    span: Span
    """The place of the reference (not of the argument's name)."""
    schema: SchemaFile | None = None
    """The schema that the content of an external file must match."""


@frozen
class OutputSpec:
    """One declared output. `file` is a relative POSIX name without `..`; a trailing slash means a directory."""

    name: str
    file: str
    save: Mapping[str, JSON] | CallableRef | None
    span: Span
    schema: SchemaFile | None = None
    """The schema that the saved file must match."""
    model: ModelOutput | None = None
    """How it is saved as an MLflow model, and the name under which it is registered."""

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
    """Inclusive bounds of a metric. At least one is set.

    `least_delta` and `most_delta` limit the difference from the metric of a baseline. `compare` checks them; runs do
    not.
    """

    minimum: float | None
    maximum: float | None
    span: Span
    least_delta: float | None = None
    most_delta: float | None = None

    @property
    def is_absolute(self) -> bool:
        """True if runs check them."""
        return self.minimum is not None or self.maximum is not None

    @property
    def is_relative(self) -> bool:
        """True if comparisons check them."""
        return self.least_delta is not None or self.most_delta is not None


class CountedCode(StrEnum):
    """How a step's code is counted: what its function reaches, every module of the project that it loads, or none of it."""

    FUNCTION = "function"
    MODULES = "modules"
    NONE = "none"


@frozen
class Identity:
    """Which parts of a step are in its key.

    `never` is `identity: none`: the step has no key and runs every time. `untracked` are patterns of files that the
    step may read although no input names them, and that do not count.
    """

    ignore: tuple[str, ...] = ()
    ignore_spans: tuple[Span, ...] = ()
    """The place of each pattern in `ignore`."""
    code: CountedCode = CountedCode.FUNCTION
    version: Scalar = None
    packages: tuple[str, ...] = ()
    probe: CallableRef | None = None
    never: bool = False
    untracked: tuple[str, ...] = ()


@frozen
class Retry:
    """How often a failed step is tried again, and how many seconds before each attempt. The last number is also for the rest."""

    times: int = 0
    waits: tuple[float, ...] = (0.0,)

    def wait_after(self, attempt: int) -> float:
        """Return how long a step waits after so many attempts."""
        return self.waits[min(attempt, len(self.waits)) - 1]


@frozen
class DeferredAxis:
    """An axis whose values are an output, known only when the step that produces it is complete.

    `written` is the reference as in `StepSpec.matrix`. In a matrix with several mappings, an axis can have several
    references.
    """

    name: str
    written: str
    source: StepInput

    @property
    def waits_for_axis(self) -> bool:
        """True if the reference chooses a variant by an axis that has no values itself yet."""
        return self.source.fan_in


@frozen
class StepSpec:
    """One step, or one variant of it."""

    name: str
    """The declared name. `id` adds the variant."""
    call: CallableRef
    span: Span
    """The place of the name."""
    experiment: str
    """The MLflow experiment of this step, resolved."""
    variant: Variant = ()
    point: str = ""
    """The points of a sweep to which it belongs, as the values that distinguish it from other steps. Empty if all points share it."""
    description: str | None = None
    inputs: Mapping[str, InputSpec] = field(default_factory=dict)
    params: Mapping[str, Node] = field(default_factory=lambda: _EMPTY)
    """Declared params, and axes that are passed as arguments, as resolved nodes (`plain` returns their values)."""
    param_key_spans: Mapping[str, Span] = field(default_factory=dict)
    outputs: Mapping[str, OutputSpec] = field(default_factory=dict)
    """In declared order. The order matters."""
    needs: tuple[tuple[str, Span], ...] = ()
    """Declared names of steps that must be complete first, and their places."""
    metrics: MetricsRef | None = None
    checks: Mapping[str, Bounds] = field(default_factory=dict)
    after: CallableRef | None = None
    """A function that tests the outputs before the step is recorded."""
    identity: Identity = Identity()
    retry: Retry = Retry()
    timeout: float | None = None
    """Seconds."""
    is_seeded: bool = True
    """False if random numbers may start anywhere. Set by the step's `seed`, or otherwise by that of `engine`."""
    priority: int = 0
    resources: Mapping[str, int] = field(default_factory=dict)
    engine: StepEngine = StepEngine()
    tags: tuple[str, ...] = ()
    deferred: tuple[DeferredAxis, ...] = ()
    """Axes without values so far.

    This step is then one entry for all variants to come, and `matrix.fill_axis` makes the document of the second wave.
    """
    listed: tuple[DeferredAxis, ...] = ()
    """Axes of this variant whose values were an output of a step that is complete by now."""
    axis_arguments: tuple[str, ...] = ()
    """Arguments that the axes of a deferred matrix will set, including axes whose values are already known."""
    matrix: Node | None = None
    """The matrix from which the axes of `variant` and of `deferred` come.

    It is as declared, except that axes that depend on others have one mapping for each value of those.
    """

    @property
    def id(self) -> str:
        """`train[depth=4]`: unique in a pipeline. `train[genre=*]` if the values of an axis are not known.

        In a sweep, values that differ between its points are added: `train[depth=4]{seed=1}`.
        """
        suffix = f"{{{self.point}}}" if self.point else ""
        if self.deferred:
            return deferred_id(self.name, (axis.name for axis in self.deferred)) + suffix
        return variant_id(self.name, self.variant) + suffix

    @property
    def param_values(self) -> dict[str, JSON]:
        """Its params as plain values. References to secrets remain as they are written."""
        return {name: plain(node) for name, node in self.params.items()}

    @property
    def step_inputs(self) -> tuple[StepInput, ...]:
        """What its inputs and axes read from other steps, inputs first."""
        sources = (*(spec.source for spec in self.inputs.values()), *(axis.source for axis in self.deferred))
        return tuple(source for source in sources if isinstance(source, StepInput))

    @property
    def producers(self) -> tuple[str, ...]:
        """The ids of the steps whose outputs it reads, each once."""
        return tuple(dict.fromkeys(chain.from_iterable(source.producers for source in self.step_inputs)))

    @property
    def callables(self) -> tuple[CallableRef, ...]:
        """All callables of the step: its function, its probe, its test (`after`), loaders of inputs, savers of outputs."""
        others: list[object] = [self.identity.probe, self.after]
        others += [spec.load for spec in self.inputs.values()]
        others += [output.save for output in self.outputs.values()]
        return (self.call, *[one for one in others if isinstance(one, CallableRef)])

    @property
    def source_files(self) -> tuple[SourceFileRef, ...]:
        """The files that it executes as code, if it calls a function of `pipespec.steps`."""
        return files_of(self.call, self.params)

    @property
    def counted(self) -> tuple[CallableRef | SourceFileRef, ...]:
        """All callables whose code counts."""
        return (*self.callables, *self.source_files)

    @property
    def registers(self) -> bool:
        """True if an output becomes a version of a registered model."""
        return any(output.model is not None and output.model.register for output in self.outputs.values())

    @property
    def schemas(self) -> tuple[SchemaFile, ...]:
        """The schemas of its inputs and outputs."""
        of_inputs = [spec.schema for spec in self.inputs.values()]
        of_outputs = [output.schema for output in self.outputs.values()]
        return tuple(schema for schema in (*of_inputs, *of_outputs) if schema is not None)


@frozen
class MlflowSpec:
    """Where records are stored. None means the default. `tags` are set on every run."""

    tracking_uri: str | None = None
    artifact_location: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


PRIVATE_STORE: Final = f"sqlite:///{StateFolder.of(Path()).private_store}"
"""The tracking URI of a pipeline with tracking off. Like any relative path, it starts at the project root."""


@frozen
class TemplateFile:
    """The template of a message as a pipeline names it: `path` is absolute, `text` is what the user wrote, `span` is its place."""

    path: str
    text: str
    span: Span


@frozen
class Notice:
    """A URL that is notified about how a run ended. `on` contains some of `failure`, `regression` and `success`."""

    url: Node
    """A node, because it may contain a secret, which is read only when it is used."""
    on: tuple[str, ...]
    on_span: Span
    """The place of `on`, or of the URL if it is not set."""
    template: TemplateFile | None = None
    """The template that produces the text of the message."""


@frozen
class PipelineSpec:
    """A whole pipeline. `steps` maps ids to steps in the order of the text (which has no meaning).

    `upstream` maps each id to the ids that it waits for, through inputs and needs, without repetition. `document` is
    the resolved tree from which everything was built.
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
    """The schema that the pipeline's params must match."""
    empty_steps: Mapping[str, StepSpec] = field(default_factory=dict)
    """Steps whose matrix has no points, by their declared names. They are not in `steps`."""
    damaged: frozenset[str] = frozenset()
    """Declared names of steps with mistakes. Findings that only follow from those mistakes are not reported."""

    @property
    def module_folders(self) -> tuple[Path, ...]:
        """Where a callable's module is looked for: beside the file, in the root, in `src/` of the root. The first match counts."""
        folders = (self.file.parent, self.root, self.root / "src")
        return tuple(dict.fromkeys(folders))

"""What a worker is told, and what it answers: plain frozen values that pickle and need nothing else.

A `StepJob` carries everything: where the code is, what the arguments are, where to read and write. A worker
asks no questions; it answers with one `StepOutcome`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.witness import NO_WITNESS, Witness
from pipespec.spec.contracts.data_schema import DataSchema
from pipespec.spec.variant_names import Variant
from pipespec.step.witness.witness_job import WitnessJob

__all__ = [
    "Artifact",
    "Failure",
    "InputJob",
    "ModelJob",
    "OutputJob",
    "SavedOutput",
    "StepJob",
    "StepOutcome",
    "activity_path",
    "result_path",
    "taken_outputs",
    "written_outputs",
]


@frozen
class Artifact:
    """Content to read: one local file or directory (ends with `/`), or a URI, with its recorded digest.

    `digest` is checked against what is read; None for what has no record (nothing known beforehand).
    """

    location: str
    digest: str | None
    name: str
    """The file's own name, whose suffix tells the format."""
    executable: tuple[str, ...] = ()
    """Those of a directory's files that can be executed; of a file its own name."""
    is_model: bool = False
    """A directory that is an MLflow model: who reads it gets the object."""


@frozen
class ModelJob:
    """How an output is saved as an MLflow model; `example` is the input or output whose rows show what it takes."""

    flavor: str
    example: str | None = None


@frozen
class InputJob:
    """One argument made of artifacts.

    `kind` is `one` (a single artifact; `part` is already part of its location), `files` (a sorted list) or
    `fan_in` (variant -> artifact). `load` is None, format options, `path`, or `module:function` as text
    behind the key `call`.
    """

    argument: str
    kind: str
    artifacts: tuple[Artifact, ...]
    points: tuple[Variant, ...] = ()
    """For `fan_in`: the open axes' values of each artifact, in the same order."""
    load: Mapping[str, JSON] | str | None = None
    load_call: str | None = None
    schema: DataSchema | None = None
    """What the content is checked by, as it was planned."""


@frozen
class OutputJob:
    """One declared output; a `file` that ends with `/` is a directory. `save_call` is `module:function`."""

    name: str
    file: str
    save: Mapping[str, JSON] | None = None
    save_call: str | None = None
    schema: DataSchema | None = None
    model: ModelJob | None = None


@frozen
class StepJob:
    """Everything that one execution of one step needs."""

    step: str
    """The id with its variant."""
    call: str
    """`module:Class.method`."""
    module_folders: tuple[str, ...]
    """Put first on `sys.path`, in this order."""
    root: str
    """The project root: the working directory."""
    staging: str
    """An existing, empty, private folder; outputs go to `outputs/` in it, private copies of inputs to `inputs/`."""
    log: str
    """The file that stdout and stderr are appended to."""
    inputs: tuple[InputJob, ...] = ()
    params: Mapping[str, JSON] = field(default_factory=dict)
    outputs: tuple[OutputJob, ...] = ()
    metrics: tuple[str, str | None] | None = None
    """(output, part) whose numeric leaves are metrics."""
    after: str | None = None
    """`module:function` that tests the outputs."""
    seed: int | None = 0
    """Of `random`, numpy and torch, before the call; None where random numbers start anywhere."""
    is_new_seed: bool = False
    """True where no other execution has this seed, so that the log is to tell it."""
    code_digest: str | None = None
    """Of the planned code; a worker refuses to run other code under the planned key."""
    code_files: Mapping[str, str] = field(default_factory=dict)
    """The files of all code that the step calls, absolute, with sha256 of their bytes as they were planned."""
    code_folder: str = ""
    """Has those bytes, each in a file named by its digest: they are executed, whatever becomes of the files."""
    tracking_uri: str | None = None
    run_id: str | None = None
    experiment_id: str | None = None
    artifact_uri: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """Names of the pipeline's secrets, whose values are taken out of the log and of failures; one that prints its
    environment prints those of other steps, too."""
    downloads: str = ""
    """The folder that keeps what was fetched from elsewhere."""
    memory_limit: int | None = None
    """Bytes that each process of the step may use; None is no limit."""
    witness: WitnessJob | None = None
    """What noting the files that it touches needs to know; None for a step without identity, which is never reused."""


@frozen
class SavedOutput:
    """An output as it was checked in staging: sha256 (of a directory: of its sorted names and digests)."""

    name: str
    file: str
    digest: str
    bytes: int
    files: int
    manifest: Mapping[str, str] = field(default_factory=dict)
    """For a directory: relative name -> sha256 of each file."""
    values: str | None = None
    """Of a `.json` file with a short list: the list, compact; a matrix over it is then known without reading it."""
    executable: tuple[str, ...] = ()
    """Those of its files that can be executed, by their names; of a file its own name."""


@frozen
class Failure:
    """Why a step failed: strings only, since exceptions of users do not always survive pickling.

    `kind` is one of `raised`, `exited`, `signal`, `timeout`, `memory`, `outputs`, `inputs`, `import`, `changed`, `metrics`,
    `cancelled`, `store`, `binding` (the arguments do not fit the callable), `secret` (one is not set), `lost` (the worker
    of a cluster that executed it), `cluster` (that cannot be reached any more). `message` is one line; `traceback` shows the user's frames only.
    """

    kind: str
    message: str
    traceback: str = ""
    refused: str = ""
    """The place of recorded content that was not what was recorded, or gone."""


@frozen
class StepOutcome:
    """What came of one execution; `failure` is None exactly when the outputs are all there."""

    step: str
    seconds: float
    outputs: tuple[SavedOutput, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    failure: Failure | None = None
    witness: Witness = NO_WITNESS
    """What it touched beyond what its key covers."""
    is_uploaded: bool = True
    """False where the store was away: the outputs are in staging still, and whoever publishes sends them."""


def written_outputs(staging: str | Path) -> Path:
    """Return the folder below a step's staging that its outputs are written to."""
    return Path(staging) / "outputs"


def taken_outputs(staging: str | Path) -> Path:
    """Return the folder that they are published from, which the step's code does not know."""
    return Path(staging) / "taken"


def activity_path(staging: str | Path) -> Path:
    """Return where the process of a job with this staging folder tells what it is busy with, beyond its function."""
    return Path(staging) / "activity"


def result_path(staging: str | Path) -> Path:
    """Return where the result record of a job with this staging folder is."""
    return Path(staging) / "result"

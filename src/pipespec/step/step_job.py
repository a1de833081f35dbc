"""The job and the result of a worker: plain frozen values that can be pickled and need nothing else.

A `StepJob` contains everything: where the code is, what the arguments are, where to read and write. A worker asks no
questions. It answers with one `StepOutcome`.
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
    "tested_outputs",
    "written_outputs",
]


@frozen
class Artifact:
    """Content to read: one local file or directory (ends with `/`), or a URI, with its recorded digest.

    `digest` is compared with the digest of what is read. It is None if nothing is recorded.
    """

    location: str
    digest: str | None
    name: str
    """The file's own name. Its suffix determines the format."""
    executable: tuple[str, ...] = ()
    """The executable files of a directory; for a file, its own name."""
    is_model: bool = False
    """A directory that is an MLflow model. The function that reads it gets the object."""


@frozen
class ModelJob:
    """How to save an output as an MLflow model. `example` is the input or output whose rows show what the model takes."""

    flavor: str
    example: str | None = None


@frozen
class InputJob:
    """One argument that is made of artifacts.

    `kind` is `one` (a single artifact; `part` is already part of its location), `files` (a sorted list) or `fan_in`
    (variant -> artifact). `load` is None, format options, `path`, or `module:function` as text under the key `call`.
    """

    argument: str
    kind: str
    artifacts: tuple[Artifact, ...]
    points: tuple[Variant, ...] = ()
    """For `fan_in`: the values of the open axes of each artifact, in the same order."""
    load: Mapping[str, JSON] | str | None = None
    load_call: str | None = None
    schema: DataSchema | None = None
    """The schema with which the content is checked, as it was planned."""


@frozen
class OutputJob:
    """One declared output. A `file` that ends with `/` is a directory. `save_call` is `module:function`."""

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
    """The project root. It is the working directory."""
    staging: str
    """An existing, empty, private folder. Outputs are written to `outputs/` in it, private copies of inputs to `inputs/`."""
    log: str
    """The file to which stdout and stderr are appended."""
    inputs: tuple[InputJob, ...] = ()
    params: Mapping[str, JSON] = field(default_factory=dict)
    outputs: tuple[OutputJob, ...] = ()
    metrics: tuple[str, str | None] | None = None
    """(output, part) whose numeric leaves are metrics."""
    after: str | None = None
    """`module:function` that tests the outputs."""
    seed: int | None = 0
    """Seed of `random`, numpy and torch, set before the call; None if random numbers are not seeded."""
    is_new_seed: bool = False
    """True if no other execution has this seed, so that the log must contain it."""
    code_digest: str | None = None
    """The digest of the planned code. A worker refuses to run other code under the planned key."""
    code_files: Mapping[str, str] = field(default_factory=dict)
    """The files of all code that the step calls: absolute paths with the sha256 of their bytes as planned."""
    code_folder: str = ""
    """The folder with those bytes, each in a file named by its digest. They are executed, whatever happens to the files."""
    tracking_uri: str | None = None
    run_id: str | None = None
    experiment_id: str | None = None
    artifact_uri: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """Names of secrets to remove from the log and from failures: of the whole pipeline, as a step may print its environment."""
    downloads: str = ""
    """The folder that keeps what was fetched from elsewhere."""
    memory_limit: int | None = None
    """Bytes that each process of the step may use; None is no limit."""
    witness: WitnessJob | None = None
    """What noting the files that it touches needs to know; None for a step without identity, which is never reused."""


@frozen
class SavedOutput:
    """An output as it was checked in staging, with its sha256 (for a directory, of its sorted names and digests)."""

    name: str
    file: str
    digest: str
    bytes: int
    files: int
    manifest: Mapping[str, str] = field(default_factory=dict)
    """For a directory: relative name -> sha256 of each file."""
    values: str | None = None
    """For a `.json` file with a short list: the compact list, so that a matrix over it can be expanded without reading it."""
    executable: tuple[str, ...] = ()
    """The names of its executable files; for a file, its own name."""


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
    """The place of recorded content that is gone or is not as recorded."""


@frozen
class StepOutcome:
    """The result of one execution. `failure` is None exactly if all outputs exist."""

    step: str
    seconds: float
    outputs: tuple[SavedOutput, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    failure: Failure | None = None
    witness: Witness = NO_WITNESS
    """What the step used beyond what its key covers."""
    is_uploaded: bool = True
    """False if the store was not reachable: the outputs are still in staging, and the publisher sends them."""


def written_outputs(staging: str | Path) -> Path:
    """Return the folder in a step's staging to which its outputs are written."""
    return Path(staging) / "outputs"


def taken_outputs(staging: str | Path) -> Path:
    """Return the folder from which outputs are published. The step's code does not know it."""
    return Path(staging) / "taken"


def tested_outputs(staging: str | Path) -> Path:
    """Return the folder with the copies that `after` gets. It exists once the function has returned and all outputs are written."""
    return Path(staging) / "after"


def activity_path(staging: str | Path) -> Path:
    """Return the file in which the process of a job with this staging folder reports its activity outside its function."""
    return Path(staging) / "activity"


def result_path(staging: str | Path) -> Path:
    """Return the path of the result record of a job with this staging folder."""
    return Path(staging) / "result"

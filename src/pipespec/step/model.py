"""What a worker is told, and what it answers: plain frozen values that pickle and need nothing else.

A `StepJob` carries everything: where the code is, what the arguments are, where to read and write. A worker
asks no questions; it answers with one `StepOutcome`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipespec.document.nodes import JSON
from pipespec.spec.model import Variant

__all__ = ["Artifact", "Failure", "InputJob", "OutputJob", "SavedOutput", "StepJob", "StepOutcome"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """Content to read: one local file or directory (ends with `/`), or a URI, with its recorded digest.

    `digest` is checked against what is read; None for what has no record (nothing known beforehand).
    """

    location: str
    digest: str | None
    name: str
    """The file's own name, whose suffix tells the format."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class OutputJob:
    """One declared output; a `file` that ends with `/` is a directory. `save_call` is `module:function`."""

    name: str
    file: str
    save: Mapping[str, JSON] | None = None
    save_call: str | None = None


@dataclass(frozen=True, slots=True)
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
    seed: int = 0
    """For `random` and numpy, before the call; derived from the key, so that a re-run repeats it."""
    code_digest: str | None = None
    """Of the planned code; a worker refuses to run other code under the planned key."""
    code_files: Mapping[str, str] = field(default_factory=dict)
    """The planned code's files, absolute, with sha256 of their bytes: compared before and after the import."""
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed: strings only, since exceptions of users do not always survive pickling.

    `kind` is one of `raised`, `exited`, `signal`, `timeout`, `outputs`, `inputs`, `import`, `changed`, `metrics`,
    `cancelled`, `store`, `binding` (the arguments do not fit the callable), `secret` (one is not set). `message`
    is one line; `traceback` shows the user's frames only.
    """

    kind: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What came of one execution; `failure` is None exactly when the outputs are all there."""

    step: str
    seconds: float
    outputs: tuple[SavedOutput, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    failure: Failure | None = None

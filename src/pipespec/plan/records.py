"""What the tracking store knows about steps: keys, records of complete runs, attempts.

`Records` is the interface that planning uses to query the store. It is the only thing here that may take time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Final, Protocol

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.witness import NO_WITNESS, BrokenWitness, Witness

__all__ = [
    "SECONDS",
    "Accepted",
    "Attempt",
    "DeletedRun",
    "OtherResult",
    "OutputRecord",
    "Records",
    "StepKey",
    "StepRecord",
    "duration",
    "own_metrics",
]

SECONDS: Final = "pipespec.seconds"
"""The metric of a run that says how long its step took."""


def duration(metrics: Mapping[str, float], started: float, ended: float) -> float:
    """Return how long a step took: from the import of its function until its outputs were saved.

    This is the metric of its run. If the run has no such metric, it is the time during which the run was open, which
    includes the time of the tracking store.
    """
    return metrics.get(SECONDS, max(ended - started, 0.0))


def own_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that a step reported, without those that pipespec and MLflow's system monitor measure."""
    return {name: value for name, value in metrics.items() if not name.startswith(("pipespec.", "system/"))}


@frozen
class StepKey:
    """A step's identity: `hex` is 64 hex digits over `parts`, the canonical JSON that a manifest contains."""

    hex: str
    parts: Mapping[str, JSON]


@frozen
class OutputRecord:
    """What a finished run says about one output: SHA-256 of its content, total bytes, number of files.

    The digest of a directory is that of its sorted (relative name, file digest) pairs.
    """

    digest: str
    bytes: int
    files: int
    file: str
    """The artifact's name below the run's artifact folder. A directory ends with a slash."""
    manifest: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """For an external folder or pattern, each file's digest by its name, unless there are too many."""
    executable: tuple[str, ...] = ()
    """Its files that can be executed, by their names; for a file, its own name."""


@frozen
class Accepted:
    """The statement of a user that a run counts for another key than its own. `when` is in POSIX seconds."""

    who: str
    why: str
    when: float


@frozen
class StepRecord:
    """A complete run of a step, as recorded in the store. Times are POSIX seconds."""

    run_id: str
    step: str
    """The id with its variant, as it was at that time."""
    key: str
    outputs: Mapping[str, OutputRecord]
    generation: int
    started: float
    ended: float
    artifact_uri: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""
    accepted: Accepted | None = field(default=None, compare=False)
    """If it counts for a key that is not its own: who said so. It is the same record nevertheless."""
    witness: Witness = field(default=NO_WITNESS, compare=False)
    """What it used in addition to its key, as a ledger returns it: without the texts of code and without what was left out."""

    @property
    def seconds(self) -> float:
        """The duration of the step."""
        return duration(self.metrics, self.started, self.ended)


@frozen
class OtherResult:
    """External content that a run produced and a step reads: an output of another pipeline, or a version of a registered model.

    For a model that none of our steps produced, `step` and `name` are empty. `run_id` is also empty if the registry
    names no run.
    """

    output: OutputRecord
    step: str
    """The step's id in its own pipeline."""
    name: str
    """The output's."""
    run_id: str
    ended: float | None = None
    """When that run ended, in POSIX seconds."""
    model: str = ""
    """The registered model's name."""
    version: int = 0
    """The version of the model; 0 if it is not a model."""

    @property
    def used(self) -> str:
        """Say in a few words which one is used: `run 1a2b3c4d`, or `version 3, run 1a2b3c4d`."""
        version = f"version {self.version}" if self.version else ""
        run = f"run {self.run_id[:8]}" if self.run_id else ""
        return ", ".join(filter(None, (version, run)))


@frozen
class RecordedModel:
    """The version of a registered model that a past run read, and the folder that has its files now.

    `step` and `output` are empty if none of our steps produced it, `run_id` if the registry names no run.
    """

    name: str
    version: int
    digest: str
    folder: str
    step: str = ""
    output: str = ""
    run_id: str = ""


@frozen
class DeletedRun:
    """A run that somebody deleted in MLflow, with the time in POSIX seconds if MLflow has it."""

    run_id: str
    when: float | None = None

    @property
    def detail(self) -> str:
        """Say so in a phrase. Times are UTC, so that they are the same on all machines."""
        if self.when is None:
            return f"its run {self.run_id[:8]} was deleted in MLflow"
        when = datetime.fromtimestamp(self.when, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"its run {self.run_id[:8]} was deleted in MLflow, {when}"


@frozen
class Attempt:
    """A run of a step in any state, as `status`, `logs` and waiting need it. `status` is MLflow's word."""

    run_id: str
    step: str
    status: str
    key: str | None
    owner: str
    lease: str
    started: float
    ended: float | None
    artifact_uri: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""
    pipeline: str = ""
    steps: str = ""
    """Of an invocation: the steps of its pipeline, as `step_names` writes them."""


class Records(Protocol):
    """The queries of planning to the tracking store. All results are about runs that are not deleted."""

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return the complete run of each of these keys that has one, in one bulk read.

        FINISHED, tag `pipespec.key` equal, manifest present, not taken over, witness unchanged. Of several, the one with the
        highest generation counts. A generation has one result, except for copies and records of earlier versions, of which the
        first to end counts. A run whose local artifact is missing or has another size is not complete.

        Raises:
            StoreUnavailableError: if it cannot be decided; the result is never empty for that reason.
        """

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is missing or altered, for keys that `complete` left out because of their artifacts."""

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        """Return what has changed, for keys that `complete` left out because of what their runs used."""

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return those of these declared step names that have a complete run (of any variant)."""

    def numbers(self, record: StepRecord, output: str, part: str | None) -> Mapping[str, float]:
        """Return the numbers of a recorded output, or of one of its files, as metrics; none if it cannot be read."""

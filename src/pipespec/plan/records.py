"""What the tracking store knows of steps: keys, records of complete runs, attempts.

`Records` is how planning asks the store; it is the only thing here that may take time.
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

    That is what its run says. A run that says nothing took as long as it was open, which includes the time of its store.
    """
    return metrics.get(SECONDS, max(ended - started, 0.0))


def own_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that a step reported, without those that pipespec and MLflow's system monitor measure."""
    return {name: value for name, value in metrics.items() if not name.startswith(("pipespec.", "system/"))}


@frozen
class StepKey:
    """A step's identity: `hex` is 64 hex digits over `parts`, the canonical JSON that a manifest keeps."""

    hex: str
    parts: Mapping[str, JSON]


@frozen
class OutputRecord:
    """What a finished run says of one output: sha256 of its content, bytes in all, number of files.

    The digest of a directory is that of its sorted (relative name, file digest) pairs.
    """

    digest: str
    bytes: int
    files: int
    file: str
    """The artifact's name below the run's artifact folder; a directory ends with a slash."""
    manifest: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Of an external folder or pattern each file's digest by its name, where there are not too many."""
    executable: tuple[str, ...] = ()
    """Those of its files that can be executed, by their names; of a file its own name."""


@frozen
class Accepted:
    """That somebody lets a run count for another key than its own; `when` is in POSIX seconds."""

    who: str
    why: str
    when: float


@frozen
class StepRecord:
    """A complete run of a step, as the store tells it; times are POSIX seconds."""

    run_id: str
    step: str
    """The id with its variant, as it was called then."""
    key: str
    outputs: Mapping[str, OutputRecord]
    generation: int
    started: float
    ended: float
    artifact_uri: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""
    accepted: Accepted | None = field(default=None, compare=False)
    """Where it answers for a key that is not its own: who says so. It is the same record all the same."""
    witness: Witness = field(default=NO_WITNESS, compare=False)
    """What it touched beyond its key; as a ledger tells it, without the texts of code and without what was left out."""

    @property
    def seconds(self) -> float:
        """The duration of the step."""
        return duration(self.metrics, self.started, self.ended)


@frozen
class OtherResult:
    """What a step reads from outside that a run made: an output of another pipeline, or a version of a registered model.

    Of a model that no step of ours made, `step` and `name` are empty, and so is `run_id` where the registry names none.
    """

    output: OutputRecord
    step: str
    """The step's id in its own pipeline."""
    name: str
    """The output's."""
    run_id: str
    ended: float | None = None
    """When that run did, in POSIX seconds."""
    model: str = ""
    """The registered model's name."""
    version: int = 0
    """Of the model; 0 for what is none."""

    @property
    def used(self) -> str:
        """Say in a few words which one is used: `run 1a2b3c4d`, or `version 3, run 1a2b3c4d`."""
        version = f"version {self.version}" if self.version else ""
        run = f"run {self.run_id[:8]}" if self.run_id else ""
        return ", ".join(filter(None, (version, run)))


@frozen
class DeletedRun:
    """A run that somebody deleted in MLflow, in POSIX seconds where MLflow says when."""

    run_id: str
    when: float | None = None

    @property
    def detail(self) -> str:
        """Say so in a sentence part; times are UTC, as the same on all machines."""
        if self.when is None:
            return f"its run {self.run_id[:8]} was deleted in MLflow"
        when = datetime.fromtimestamp(self.when, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"its run {self.run_id[:8]} was deleted in MLflow, {when}"


@frozen
class Attempt:
    """A run of a step in any state: what `status`, `logs` and waiting need. `status` is MLflow's word."""

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


class Records(Protocol):
    """What planning asks of the tracking store. All answers hold for runs that are not deleted."""

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return for each of these keys that has a complete run that run: one bulk read.

        FINISHED, tag `pipespec.key` equal, manifest there, not taken over, witness as it was. Of several the highest
        generation counts; in it there is one, but for copies and earlier versions, of which the earliest to end counts. A local artifact that is gone or has another size makes a run
        incomplete.

        Raises:
            StoreUnavailableError: where it cannot be decided; never is that an empty answer.
        """

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return, of keys that `complete` left out because of their artifacts, what is gone or altered."""

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        """Return, of keys that `complete` left out because of what their runs touched, what is another now."""

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return those of these declared step names that any complete run bears (of any variant)."""

    def numbers(self, record: StepRecord, output: str, part: str | None) -> Mapping[str, float]:
        """Return the numbers of a recorded output, or of one file of it, as metrics; none where it cannot be read."""

"""What `Recorder` needs from a tracking store when it writes: the interface of every writer.

A writer takes names and values that already fit MLflow's limits (`names.fit_name`, `names.fit_tag`), and times in
milliseconds since 1970. It returns ids. It leaves the store as MLflow's own client would have left it, and decides
nothing: `Recorder` decides about the tags of a run and the order of writes. However, a writer passes the fault points
`run.after-create`, `publish.after-batch` and `publish.after-finish`, because only the writer knows which of its writes
are joined.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from typing import Final, Protocol

from pipespec.frozen_values import frozen
from pipespec.tracking.run_datasets import RunDataset

__all__ = ["NOTE", "CreatedRun", "FoundExperiment", "StoreWriter"]

NOTE: Final = "mlflow.note.content"
"""The tag that MLflow's page shows as the description of a run, or of an experiment."""


@frozen
class FoundExperiment:
    """An experiment as it is in the store, deleted or not."""

    experiment_id: str
    artifact_location: str
    is_active: bool


@frozen
class CreatedRun:
    """What the store returns about a run that it has just created."""

    run_id: str
    artifact_uri: str
    pending: Mapping[str, str] = field(default_factory=dict)
    """Params that the run does not have yet: they come with what is written of it next."""


class StoreWriter(Protocol):
    """Writes to one store. Threads may share it. Close it.

    Every method raises StoreUnavailableError if the store cannot be reached or does not execute a request, and
    PipespecError if it refuses, for example because someone deleted the run; each in one line.
    """

    uri: str
    """As returned by `store.resolve_uri`."""
    joins: bool
    """Whether the writes in a block of `at_once` are one write."""

    def at_once(self) -> AbstractContextManager[bool]:
        """Send the writes in this block to the store in one write, if it can do that.

        Yields whether the writes are final at the end of this block. They are not inside another such block, because
        its failure undoes them.
        """

    def find_experiment(self, name: str) -> FoundExperiment | None:
        """Return the experiment with exactly this name, also a deleted one, or None."""

    def make_experiment(self, name: str, artifact_location: str | None, note: str = "") -> str | None:
        """Create an experiment with a description and return its id; None if another process was first.

        Without a location, the store decides where artifacts are stored.
        """

    def create_run(
        self, experiment_id: str, *, tags: Mapping[str, str], params: Mapping[str, str], started: int
    ) -> CreatedRun:
        """Create a run, RUNNING, with its tags and params; those that would take a further write may be left pending."""

    def publish(
        self,
        run_id: str,
        *,
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        ended: int,
        params: Mapping[str, str] | None = None,
        pending: Mapping[str, str] | None = None,
        datasets: Sequence[RunDataset] = (),
    ) -> None:
        """Let a run count: its tags and metrics (of time `ended`, step 0), then FINISHED.

        At most 100 `params` come with the tags; one that the run has already stays as it is. So do those that were left
        `pending`; one that the run has with another value is refused. `datasets` come before: they
        are for people, so a store that refuses them is no reason that the result does not count.
        No reader ever sees FINISHED without the tags. When this returns, all is on the disk of the store.
        """

    def end(
        self,
        run_id: str,
        status: str,
        *,
        ended: int,
        metrics: Mapping[str, float] | None = None,
        pending: Mapping[str, str] | None = None,
        datasets: Sequence[RunDataset] = (),
    ) -> None:
        """Give a run its last metrics, its pending params and its datasets, if any, its status (FINISHED, FAILED or KILLED) and its end."""

    def set_tags(
        self, run_id: str, tags: Mapping[str, str], pending: Mapping[str, str] | None = None
    ) -> None:
        """Set tags of a run, all or none of up to 100; pending params come with them."""

    def decide(self, run_id: str, name: str, value: str, tags: Mapping[str, str]) -> bool:
        """Give a run a param, and these tags with it; False where it has another value, and then no tags.

        Of several processes that decide one param of one run differently, exactly one is told True.
        """

    def delete_tags(self, run_id: str, tags: Collection[str]) -> None:
        """Take tags off a run, in this order; refuses one that is not there."""

    def tags(self, run_id: str) -> Mapping[str, str]:
        """Return all tags of a run."""

    def put_files(self, files: Mapping[str, bytes], artifact_uri: str) -> None:
        """Put small files of ours below a run, name -> content.

        Raises:
            OSError: from a local disk.
        """

    def close(self) -> None:
        """Close the store."""

"""The questions to a tracking store: the interface of every ledger. It never writes to the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Protocol, Self

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.records import Attempt, DeletedRun, Records, StepRecord
from pipespec.tracking.run_facts import RunFacts

__all__ = ["Ledger", "Standing"]


@frozen
class Standing:
    """Who works on a key, the earliest first, and what counts for it: as the store had both at one moment."""

    claims: tuple[Attempt, ...]
    record: StepRecord | None


class Ledger(Records, Protocol):
    """The records in a store, for reading. Close it, or use it in a `with` statement.

    Every method may raise StoreUnavailableError. Deleted runs and experiments are never returned, unless a method says
    so. In all answers, `artifact_uri` is where the files are now, also after the project's folder was moved.
    """

    tracking_uri: str
    """As returned by `store.resolve_uri`."""

    def attempts(
        self, steps: Collection[str], pipeline: str | None = None, *, finished: bool = False
    ) -> Mapping[str, Attempt]:
        """Return the latest run, in any state or `finished`, of each of these step ids; of one pipeline, or of any."""

    def claims(self, key: str) -> tuple[Attempt, ...]:
        """Return the RUNNING runs that say they are working on this key, the earliest first."""

    def standing(self, key: str, experiment_id: str) -> Standing:
        """Return the claims on a key together with the record that counts for it.

        Experiments that others make are seen here some seconds later, except for `experiment_id`.
        """

    def running(self, pipeline: str | None = None) -> tuple[Attempt, ...]:
        """Return all RUNNING runs of ours, invocations included: what `Recorder.sweep` judges."""

    def published_lately(self) -> Collection[str] | None:
        """Return the keys that were published since the ledger was opened, and some before; None if they are not known."""

    def generations(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return, for keys that were ever published, the highest generation, whether or not its artifacts are lost.

        `--force` and repairs publish under the next generation.
        """

    def accepted(self, keys: Collection[str]) -> Mapping[str, tuple[StepRecord, ...]]:
        """Return, by key, the complete runs that were accepted for it. The one that counts is first.

        Runs with lost artifacts are included. The runs' outputs are not included.
        """

    def history(self, steps: Collection[str], latest: int = 20) -> Mapping[str, tuple[float, ...]]:
        """Return the seconds of the latest complete runs of these declared steps, the newest first."""

    def finished_runs(self, step: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a declared step with all tags, params and metrics, the newest first."""

    def finished_in(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a pipeline's steps, of any name, as `finished_runs` does.

        A store behind MLflow's client is searched from its newest run on, and only 1,000 runs are read.
        """

    def run(self, run_id: str) -> RunFacts | None:
        """Return one run with all tags, params and metrics, or None if it does not exist."""

    def runs(self, run_ids: Collection[str]) -> Mapping[str, RunFacts]:
        """Return those of these runs that exist, by id, in a few bulk reads."""

    def step_runs(self, step: str, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return finished runs of a declared step of one pipeline, also those without a key, the newest first."""

    def invocations(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return the invocations of a pipeline that have ended, in any state, the newest first."""

    def marked(self, tag: str, beginning: str = "", *, deleted: bool = False) -> tuple[RunFacts, ...]:
        """Return runs of ours with a tag whose value begins like this, the newest first, at most 1,000.

        With `deleted`, return deleted runs instead of existing ones.

        Raises:
            ValueError: for a tag that MLflow's filters cannot name, and for a beginning that is not hex digits.
        """

    def published(self, latest: int | None = None) -> tuple[RunFacts, ...]:
        """Return the complete runs of all pipelines, with their tags and metrics, the newest first."""

    def runs_beginning(self, prefix: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return the runs of ours, in any state, whose ids begin with these hex digits, the newest first."""

    def bearing(self, tag: str) -> tuple[RunFacts, ...]:
        """Return all runs, in any state, that have a tag of ours with any value, the earliest first."""

    def deleted(self, keys: Collection[str]) -> Mapping[str, DeletedRun]:
        """Return, for these keys, the last run to end that had the key and is deleted, alone or with its experiment."""

    def deleted_runs(self, run_ids: Collection[str]) -> Mapping[str, DeletedRun]:
        """Return those of these runs that are deleted, by id."""

    def manifest(self, record: StepRecord) -> dict[str, JSON]:
        """Return the manifest `pipespec/step.json` of a run.

        Raises:
            PipespecError: if it is gone, or does not match the run's tag.
        """

    def note(self, records: Collection[StepRecord]) -> None:
        """Remember records that were just published, so that the next plan finds them in one read."""

    def close(self) -> None:
        """Close the store."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

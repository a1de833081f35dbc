"""What may be asked of a tracking store: the interface that every ledger offers. It never writes to the store."""

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
    """What is recorded, for reading. Close it, or use it in a `with` statement.

    Every method may raise StoreUnavailableError. Runs and experiments that are deleted do not exist here.
    `artifact_uri` in all answers says where the files are now, also after the project's folder was moved.
    """

    tracking_uri: str
    """As `store.resolve_uri` gives it."""

    def attempts(
        self, steps: Collection[str], pipeline: str | None = None, *, finished: bool = False
    ) -> Mapping[str, Attempt]:
        """Return the latest run, in whatever state or `finished`, of each of these step ids; of one pipeline, or of any."""

    def claims(self, key: str) -> tuple[Attempt, ...]:
        """Return the RUNNING runs that say they are working on this key, the earliest first."""

    def standing(self, key: str, experiment_id: str) -> Standing:
        """Return the claims on a key together with the record that counts for it.

        Experiments that others make are seen here some seconds later, except for `experiment_id`.
        """

    def running(self, pipeline: str | None = None) -> tuple[Attempt, ...]:
        """Return all RUNNING runs of ours, invocations included: what `Recorder.sweep` judges."""

    def generations(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return, of keys that were ever published, the highest generation, lost artifacts or not.

        `--force` and repair publish under the next one.
        """

    def accepted(self, keys: Collection[str]) -> Mapping[str, tuple[StepRecord, ...]]:
        """Return, by key, the complete runs that were accepted for it, lost artifacts or not, the one that counts first.

        The runs' outputs are left out.
        """

    def history(self, steps: Collection[str], latest: int = 20) -> Mapping[str, tuple[float, ...]]:
        """Return the seconds of the latest complete runs of these declared steps, the newest first."""

    def finished_runs(self, step: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a declared step with all tags, params and metrics, the newest first."""

    def finished_in(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a pipeline's steps, whatever their names, as `finished_runs` does.

        A store behind MLflow's client is searched from its newest runs on, of which it looks at 1,000.
        """

    def run(self, run_id: str) -> RunFacts | None:
        """Return one run with all tags, params and metrics, or None where there is no such run."""

    def runs(self, run_ids: Collection[str]) -> Mapping[str, RunFacts]:
        """Return those of these runs that are there, by id, in a few bulk reads."""

    def step_runs(self, step: str, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return finished runs of a declared step of one pipeline, those without a key too, the newest first."""

    def invocations(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return the invocations of a pipeline that have ended, however, the newest first."""

    def marked(self, tag: str, beginning: str = "", *, deleted: bool = False) -> tuple[RunFacts, ...]:
        """Return runs of ours that bear a tag whose value begins so, the newest first, at most 1,000.

        `deleted` asks for deleted runs in place of those that are there.

        Raises:
            ValueError: for a tag that MLflow's filters cannot name, and a beginning that is no hex digits.
        """

    def published(self, latest: int | None = None) -> tuple[RunFacts, ...]:
        """Return the complete runs of all pipelines, with their tags and metrics, the newest first."""

    def runs_beginning(self, prefix: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return the runs of ours, in whatever state, whose ids begin with these hex digits, the newest first."""

    def bearing(self, tag: str) -> tuple[RunFacts, ...]:
        """Return all runs, in whatever state, that bear a tag of ours whatever its value, the earliest first."""

    def deleted(self, keys: Collection[str]) -> Mapping[str, DeletedRun]:
        """Return, of these keys, a run that had it and is deleted, alone or with its experiment: the last to end."""

    def deleted_runs(self, run_ids: Collection[str]) -> Mapping[str, DeletedRun]:
        """Return those of these runs that are deleted, by id."""

    def manifest(self, record: StepRecord) -> dict[str, JSON]:
        """Return the manifest `pipespec/step.json` of a run.

        Raises:
            PipespecError: where it is gone, or not what the run's tag says.
        """

    def note(self, records: Collection[StepRecord]) -> None:
        """Take note of records just published, so that the next plan finds them in one read."""

    def close(self) -> None:
        """Let go of the store."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

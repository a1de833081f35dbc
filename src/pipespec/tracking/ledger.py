"""Asking the tracking store: a tracking URI -> a Ledger, which answers in bulk and never writes to the store.

A database file is read by statements of our own, which cost milliseconds and no import of mlflow; all other
stores, and a database that does not look as expected, through MLflow's client. A store that cannot be asked
raises StoreUnavailableError: "cannot be decided" is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pipespec.document.nodes import JSON
from pipespec.plan.model import Attempt, Records, StepRecord
from pipespec.tracking.records import RunFacts
from pipespec.tracking.sqlite_ledger import SqliteLedger
from pipespec.tracking.store import is_sqlite, resolve_uri

__all__ = ["Ledger", "open_ledger"]


class Ledger(Records, Protocol):
    """What is recorded, for reading. Close it, or use it in a `with` statement.

    Every method may raise StoreUnavailableError. Runs and experiments that are deleted do not exist here.
    `artifact_uri` in all answers says where the files are now, also after the project's folder was moved.
    """

    tracking_uri: str
    """As `store.resolve_uri` gives it."""

    def attempts(self, steps: Collection[str], pipeline: str | None = None) -> Mapping[str, Attempt]:
        """Return the latest run, in whatever state, of each of these step ids; of one pipeline, or of any."""

    def claims(self, key: str) -> tuple[Attempt, ...]:
        """Return the RUNNING runs that say they are working on this key, the earliest first."""

    def running(self, pipeline: str | None = None) -> tuple[Attempt, ...]:
        """Return all RUNNING runs of ours, invocations included: what `Recorder.sweep` and `doctor` judge."""

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


def open_ledger(tracking_uri: str | None, *, root: Path, log: Path | None = None) -> Ledger:
    """Open a store for reading; `root` is the project root, `log` the file that takes MLflow's own words.

    A database file that is not there yet means "nothing recorded", and is not created. A server is asked
    whether it is there: a refused connection is told within 10 s, a silent one within 30 s.

    Raises:
        StoreUnavailableError: where the store cannot be asked: not reachable, broken, not MLflow's, or of
            another version than the installed MLflow.
        UsageError: for a URI that can be no store.
    """
    uri = resolve_uri(tracking_uri, root)
    if is_sqlite(uri):
        return SqliteLedger(uri, otherwise=lambda: _client_ledger(uri, root, log))
    return _client_ledger(uri, root, log)


def _client_ledger(uri: str, root: Path, log: Path | None) -> Ledger:
    # Late: its HTTP and thread pool cost 40 ms, which a plan over a database file has no use for.
    from pipespec.tracking.client_ledger import ClientLedger  # noqa: PLC0415

    return ClientLedger(uri, root=root, log=log)

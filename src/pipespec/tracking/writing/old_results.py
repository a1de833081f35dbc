"""Record results that were stored elsewhere: each becomes a finished run, identified by a digest.

Takes the content of the runs, already within MLflow's limits. Returns their ids. In a database file, all of them are
written in one transaction. In other stores, a run has its digest from the start and is marked FINISHED last, so that
the next process can distinguish a complete run from one that a crash interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import Self

from pipespec.frozen_values import frozen
from pipespec.tracking import record_names
from pipespec.tracking.process_owner import Owner, owner_is_gone
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts
from pipespec.tracking.writing.experiments import Experiments
from pipespec.tracking.writing.opening import open_writer
from pipespec.tracking.writing.recorder import user_name
from pipespec.tracking.writing.run_tags import CONTEXT, context_tags
from pipespec.tracking.writing.store_writer import StoreWriter

__all__ = ["ImportedRuns", "NewOldRun", "OldResultsWriter", "find_imported"]


@frozen
class NewOldRun:
    """A run that was made elsewhere. Times are milliseconds since 1970; names and values fit MLflow's limits."""

    digest: str
    experiment: str
    name: str
    started: int
    source: str
    """The name of the file from which it was read."""
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@frozen
class ImportedRuns:
    """The imported runs of a store, by their digests."""

    whole: Mapping[str, RunFacts]
    cut_short: tuple[RunFacts, ...]
    """Begun and not finished: their process is gone."""
    going_on: tuple[RunFacts, ...]
    """As far as can be seen, being written by another process now."""


def find_imported(ledger: Ledger, digests: Iterable[str]) -> ImportedRuns:
    """Return the existing runs with these digests."""
    wanted = frozenset(digests)
    whole: dict[str, RunFacts] = {}
    cut_short, going_on = [], []
    for run in ledger.bearing(record_names.IMPORTED):
        digest = run.tags[record_names.IMPORTED]
        if digest not in wanted:
            continue
        if run.status == "FINISHED":
            whole.setdefault(digest, run)
        elif run.status == "RUNNING" and owner_is_gone(run.tags.get(record_names.OWNER, "")) is False:
            going_on.append(run)
        else:
            cut_short.append(run)
    return ImportedRuns(whole, tuple(cut_short), tuple(going_on))


class OldResultsWriter:
    """Writes to one store. Use it in a `with` statement."""

    @classmethod
    def open(cls, uri: str, *, root: Path, log: Path | None, artifact_location: str | None) -> Self:
        """Open the store at a resolved URI as `Recorder.open` does, with the same errors."""
        context = context_tags(os.environ.get(CONTEXT, ""))
        writer = open_writer(uri, log=log)
        return cls(writer, Experiments(writer, root, artifact_location), context)

    def __init__(self, writer: StoreWriter, experiments: Experiments, context: Mapping[str, str]) -> None:
        """Use `OldResultsWriter.open`."""
        self._writer = writer
        self._experiments = experiments
        self._tags = {
            **context,
            "mlflow.source.type": "LOCAL",
            "mlflow.user": user_name(),
            record_names.stored(record_names.OWNER): str(Owner.here()),
        }

    def write(self, runs: Sequence[NewOldRun]) -> Mapping[str, str]:
        """Record these runs, all or none if the store can do that. Return their ids by their digests."""
        made = {}
        with self._writer.at_once():
            for run in runs:
                made[run.digest] = self._write(run)
        return made

    def _write(self, run: NewOldRun) -> str:
        tags = {
            **self._tags,
            **run.tags,
            "mlflow.runName": run.name,
            "mlflow.source.name": run.source,
            record_names.stored(record_names.IMPORTED): run.digest,
        }
        with self._experiments.named(run.experiment) as experiment:
            created = self._writer.create_run(experiment, tags=tags, params=run.params, started=run.started)
            self._writer.publish(
                created.run_id, tags={}, metrics=run.metrics, ended=run.started, pending=created.pending
            )
        return created.run_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

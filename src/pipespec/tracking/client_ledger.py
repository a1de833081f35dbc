"""Reading any tracking store through MLflow's client: what a server, or an unfamiliar database, needs.

The index in `.pipespec/` guesses which runs bear the keys, and one bulk read verifies all guesses; only what it
does not know is looked up, by tag name, one request a key. No text of a user ever enters a filter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pipespec.document.nodes import JSON
from pipespec.plan.model import Attempt, StepRecord
from pipespec.tracking import filters, names
from pipespec.tracking.client import Session, speaking
from pipespec.tracking.index import RunIndex
from pipespec.tracking.probe import require_reachable
from pipespec.tracking.records import RunFacts, attempt, complete_record, generations
from pipespec.tracking.sifting import Candidate, Sifting
from pipespec.tracking.store import artifact_root, is_server

__all__ = ["ClientLedger"]

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_PAGE: Final = 1000
_EXPERIMENTS_PAGE: Final = 10_000
_REQUESTS_AT_ONCE: Final = 8
"""A server with several workers answers them side by side; a database file gains nothing from it."""


class ClientLedger:
    """A Ledger over MLflow's client."""

    def __init__(self, uri: str, *, root: Path, log: Path | None) -> None:
        """Make sure that a server is there; mlflow is imported with the first question."""
        self.tracking_uri = uri
        require_reachable(uri)
        self._session = Session(uri, log)
        self._sifting = Sifting(uri, artifact_root(uri, root))
        self._index = RunIndex(root, uri)
        self._experiments: list[str] | None = None

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return the record that counts for each key that has one."""
        guesses = self._index.guesses(keys)
        chosen = self._sifting.choose(keys, self._verified(guesses))
        missing = [key for key in keys if key not in chosen]
        if missing:
            chosen.update(self._sifting.choose(missing, self._candidates(missing)))
        self._index.learn({key: record.run_id for key, record in chosen.items()})
        return chosen

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is wrong with the artifacts of keys that `complete` left out for that."""
        return self._sifting.lost(keys)

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return those of these declared step names that any complete run bears."""
        found = self._each(steps, lambda step: self._finished(step, 1))
        return {step for step, runs in zip(steps, found, strict=True) if runs}

    def attempts(self, steps: Collection[str], pipeline: str | None = None) -> Mapping[str, Attempt]:
        """Return the latest run, in whatever state, of each of these step ids."""
        wanted: dict[str, dict[str, str]] = {}
        for step in steps:
            wanted.setdefault(names.declared(step), {})[names.fit_tag(step)] = step
        found = self._each(wanted, lambda step: self._latest(step, wanted[step], pipeline))
        return {step: one for by_id in found for step, one in by_id.items()}

    def claims(self, key: str) -> tuple[Attempt, ...]:
        """Return the RUNNING runs that say they are working on this key, the earliest first."""
        return _attempts(self._search(filters.running_claim(key)))

    def running(self, pipeline: str | None = None) -> tuple[Attempt, ...]:
        """Return all RUNNING runs of ours, invocations included, the earliest first."""
        found = self._search(filters.running())
        return _attempts(run for run in found if pipeline in (None, run.tags.get(names.PIPELINE)))

    def generations(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return, of keys that were ever published, the highest generation."""
        return generations(self._candidates(keys))

    def history(self, steps: Collection[str], latest: int = 20) -> Mapping[str, tuple[float, ...]]:
        """Return the seconds of the latest complete runs of these declared steps, the newest first."""
        found = self._each(steps, lambda step: self._finished(step, latest))
        return {
            step: tuple((run.ended or run.started) - run.started for run in runs)
            for step, runs in zip(steps, found, strict=True)
            if runs
        }

    def finished_runs(self, step: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a declared step with all tags, params and metrics, the newest first."""
        return tuple(self._finished(step, latest))

    def run(self, run_id: str) -> RunFacts | None:
        """Return one run with all tags, params and metrics, or None where there is no such run."""
        client = self._session.client
        with speaking(self.tracking_uri):
            try:
                run = client.get_run(run_id)
            except Exception as error:
                if getattr(error, "error_code", None) in (
                    "RESOURCE_DOES_NOT_EXIST",
                    "INVALID_PARAMETER_VALUE",
                ):
                    return None
                raise
        alive = run.info.lifecycle_stage == "active" and run.info.experiment_id in self._experiment_ids()
        return self._sifting.placed(_facts(run)) if alive else None

    def manifest(self, record: StepRecord) -> dict[str, JSON]:
        """Return the manifest of a run."""
        facts = self.run(record.run_id)
        return self._sifting.manifest(record, facts.tags.get(names.MANIFEST) if facts is not None else None)

    def note(self, records: Collection[StepRecord]) -> None:
        """Take note of records just published, so that the next plan finds them in one read."""
        self._index.learn({record.key: record.run_id for record in records})

    def close(self) -> None:
        """Write down what was learned, and let go of the store."""
        self._index.save()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------- answering

    def _verified(self, guesses: Mapping[str, str]) -> list[Candidate]:
        """Read all guessed runs at once; a run that a later generation replaced says so, and is looked up."""
        run_ids = sorted(set(guesses.values()))
        chunks = [
            run_ids[at : at + filters.IDS_AT_ONCE] for at in range(0, len(run_ids), filters.IDS_AT_ONCE)
        ]
        read = self._each(chunks, lambda chunk: list(self._search(filters.of_ids(chunk))))
        runs = {run.run_id: run for found in read for run in found}
        return [
            (key, runs[run_id])
            for key, run_id in guesses.items()
            if run_id in runs and names.SUPERSEDED not in runs[run_id].tags and _bears(runs[run_id], key)
        ]

    def _candidates(self, keys: Collection[str]) -> list[Candidate]:
        self._experiments = None  # another process may have made some
        self._experiment_ids()
        found = self._each(keys, lambda key: list(self._search(filters.finished_bearing(names.key_tag(key)))))
        return [(key, run) for key, runs in zip(keys, found, strict=True) for run in runs]

    def _finished(self, step: str, latest: int) -> Sequence[RunFacts]:
        found = self._search(
            filters.finished_bearing(names.name_tag(step)), order="attributes.end_time DESC", page=latest
        )
        complete = (run for run in found if complete_record(run) is not None)
        return [self._sifting.placed(run) for run in islice(complete, latest)]

    def _latest(self, step: str, wanted: Mapping[str, str], pipeline: str | None) -> Mapping[str, Attempt]:
        """Read a step's runs from the newest on, until one of each variant was seen."""
        latest: dict[str, Attempt] = {}
        found = self._search(
            filters.bearing(names.name_tag(step)),
            order="attributes.start_time DESC",
            page=min(_PAGE, 10 * len(wanted)),
        )
        for run in found:
            variant = wanted.get(run.tags.get(names.STEP, ""))
            if variant is not None and pipeline in (None, run.tags.get(names.PIPELINE)):
                latest.setdefault(variant, attempt(self._sifting.placed(run)))
                if len(latest) == len(wanted):
                    break
        return latest

    def _search(
        self, condition: str, order: str = "attributes.start_time ASC", page: int = _PAGE
    ) -> Iterator[RunFacts]:
        client, experiments = self._session.client, self._experiment_ids()
        token: str | None = None
        while experiments:
            with speaking(self.tracking_uri):
                runs = client.search_runs(
                    experiments, condition, max_results=page, order_by=[order], page_token=token
                )
            yield from map(_facts, runs)
            token = runs.token
            if not token:
                return

    def _experiment_ids(self) -> list[str]:
        """All experiments that are not deleted: MLflow searches none that are not named."""
        if self._experiments is None:
            client = self._session.client
            found: list[str] = []
            token: str | None = None
            while True:
                with speaking(self.tracking_uri):
                    page = client.search_experiments(max_results=_EXPERIMENTS_PAGE, page_token=token)
                found.extend(experiment.experiment_id for experiment in page)
                token = page.token
                if not token:
                    break
            self._experiments = found
        return self._experiments

    def _each(self, items: Collection[_Item], ask: Callable[[_Item], _Answer]) -> list[_Answer]:
        if not items:
            return []
        _ = self._session.client, self._experiment_ids()  # once, before threads come to it
        if len(items) == 1 or not is_server(self.tracking_uri):
            return [ask(item) for item in items]
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            return list(pool.map(ask, items))


def _bears(run: RunFacts, key: str) -> bool:
    return names.key_tag(key) in run.tags


def _attempts(runs: Iterable[RunFacts]) -> tuple[Attempt, ...]:
    return tuple(sorted(map(attempt, runs), key=lambda one: (one.started, one.run_id)))


def _facts(run: Any) -> RunFacts:
    info, data = run.info, run.data
    return RunFacts(
        run_id=info.run_id,
        status=info.status,
        started=(info.start_time or 0) / 1000,
        ended=None if not info.end_time else info.end_time / 1000,
        artifact_uri=info.artifact_uri,
        tags=data.tags,
        metrics=data.metrics,
        params=data.params,
    )

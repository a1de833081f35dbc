"""Reading any tracking store through MLflow's client: what a server, or an unfamiliar database, needs.

The index in `.pipespec/` guesses which runs bear the keys of a plan, and one bulk read verifies all guesses; what it does
not know is looked for among the newest published runs, one read more; only what is neither there nor surely absent
is looked up by tag name, one request a key. No text of a user ever enters a filter.
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
from pipespec.tracking.acceptances import accepted_runs
from pipespec.tracking.client import Session, speaking
from pipespec.tracking.index import RunIndex
from pipespec.tracking.probe import require_reachable
from pipespec.tracking.reading_ahead import ReadAhead
from pipespec.tracking.records import RunFacts, attempt, complete_record, generations
from pipespec.tracking.sifting import Candidate, Sifting
from pipespec.tracking.store import artifact_root, is_server

__all__ = ["ClientLedger"]

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_PAGE: Final = 1000
_FEW: Final = 4
"""As many keys are looked up one by one sooner than the newest runs are read."""

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
        self._ahead: ReadAhead | None = ReadAhead()
        """None as soon as something is about to be claimed."""
        self._experiments: list[str] | None = None

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return the record that counts for each key that has one."""
        chosen = self._sifting.choose(keys, self._guessed(keys))
        for look_up in (self._among_newest, self._candidates):
            missing = [key for key in keys if key not in chosen]
            if missing and (found := look_up(missing)):
                chosen.update(self._sifting.choose(missing, found))
        self._index.learn({key: record.run_id for key, record in chosen.items() if record.key == key})
        return chosen

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is wrong with the artifacts of keys that `complete` left out for that."""
        return self._sifting.lost(keys)

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return those of these declared step names that any complete run bears."""
        seen = self._ahead.finished(steps) if self._ahead is not None else set()
        if self._ahead is not None and self._ahead.is_whole:
            return seen
        rest = [step for step in steps if step not in seen]
        found = self._each(rest, lambda step: self._finished(step, 1))
        return seen.union(step for step, runs in zip(rest, found, strict=True) if runs)

    def attempts(self, steps: Collection[str], pipeline: str | None = None) -> Mapping[str, Attempt]:
        """Return the latest run, in whatever state, of each of these step ids."""
        wanted: dict[str, dict[str, str]] = {}
        for step in steps:
            wanted.setdefault(names.declared(step), {})[names.fit_tag(step)] = step
        found = self._each(wanted, lambda step: self._latest(step, wanted[step], pipeline))
        return {step: one for by_id in found for step, one in by_id.items()}

    def claims(self, key: str) -> tuple[Attempt, ...]:
        """Return the RUNNING runs that say they are working on this key, the earliest first."""
        self._look_anew()
        return _attempts(self._search(filters.running_claim(key)))

    def running(self, pipeline: str | None = None) -> tuple[Attempt, ...]:
        """Return all RUNNING runs of ours, invocations included, the earliest first."""
        self._look_anew()
        found = self._search(filters.running())
        return _attempts(run for run in found if pipeline in (None, run.tags.get(names.PIPELINE)))

    def generations(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return, of keys that were ever published, the highest generation."""
        self._look_anew()
        return generations(self._candidates(keys))

    def accepted(self, keys: Collection[str]) -> Mapping[str, tuple[StepRecord, ...]]:
        """Return the runs that were accepted for these keys, the one that counts first."""
        self._look_anew()
        return accepted_runs(self._candidates(keys))

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

    def finished_in(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a pipeline's steps, whatever their names, the newest first."""
        found = self._search(filters.published(), order="attributes.end_time DESC")
        newest = (
            run
            for run in islice(found, _PAGE)
            if run.tags.get(names.PIPELINE) == pipeline and complete_record(run) is not None
        )
        return tuple(self._sifting.placed(run) for run in islice(newest, latest))

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

    def _look_anew(self) -> None:
        """Let go of what was read for a plan: what others published or claimed since counts from now on."""
        self._ahead = None
        self._experiments = None  # another process may have made some, and so may ours

    def _guessed(self, keys: Collection[str]) -> list[Candidate]:
        """Read the runs that are guessed to bear these keys; for a plan, all that it asked for last time."""
        ahead = self._ahead
        if ahead is None:
            return list(self._verified(self._index.guesses(keys)).items())
        unread = self._index.guesses([key for key in keys if not ahead.has_guess(key)])
        if unread:
            guesses = self._index.company(unread)
            ahead.add_guesses(guesses, self._verified(guesses))
        return ahead.guessed(keys)

    def _verified(self, guesses: Mapping[str, str]) -> dict[str, RunFacts]:
        """Read all guessed runs at once; a run that a later generation replaced says so, and is looked up."""
        run_ids = sorted(set(guesses.values()))
        chunks = [
            run_ids[at : at + filters.IDS_AT_ONCE] for at in range(0, len(run_ids), filters.IDS_AT_ONCE)
        ]
        read = self._each(chunks, lambda chunk: list(self._search(filters.of_ids(chunk))))
        runs = {run.run_id: run for found in read for run in found}
        return {
            key: runs[run_id]
            for key, run_id in guesses.items()
            if run_id in runs and names.SUPERSEDED not in runs[run_id].tags and _is_own(runs[run_id], key)
        }

    def _among_newest(self, keys: Collection[str]) -> list[Candidate]:
        """Look among the newest published runs, which are read once for a plan."""
        ahead = self._ahead
        if ahead is None or (len(keys) <= _FEW and ahead.has_any_guess and not ahead.has_newest):
            return []
        if not ahead.has_newest:
            runs, token = self._page(filters.published(), "attributes.end_time DESC", _PAGE, None)
            ahead.add_newest(runs, whole=token is None)
        return ahead.newest(keys)

    def _candidates(self, keys: Collection[str]) -> list[Candidate]:
        if self._ahead is not None and self._ahead.is_whole:
            return []
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
        token: str | None = None
        while True:
            runs, token = self._page(condition, order, page, token)
            yield from runs
            if token is None:
                return

    def _page(
        self, condition: str, order: str, size: int, token: str | None
    ) -> tuple[list[RunFacts], str | None]:
        """Read one page, and what the next one is asked for by; None after the last."""
        client, experiments = self._session.client, self._experiment_ids()
        if not experiments:
            return [], None
        with speaking(self.tracking_uri):
            runs = client.search_runs(
                experiments, condition, max_results=size, order_by=[order], page_token=token
            )
        return [_facts(run) for run in runs], runs.token or None

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


def _is_own(run: RunFacts, key: str) -> bool:
    """Say whether a run was published under a key; one that was accepted for it would hide a run that has it."""
    return names.key_tag(key) in run.tags and run.tags.get(names.KEY) == key


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
        experiment_id=info.experiment_id,
    )

"""Read a tracking store by searching it, as needed for a server or an unknown database.

The index in `.pipespec/` guesses which runs have the keys of a plan, and one bulk read verifies all guesses. Keys
without a guess are searched among the newest published runs, with one more read. Only keys that are neither there nor
certainly absent are looked up by tag name, with one request per key. No text of a user is ever put into a filter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from pipespec.document.nodes import JSON
from pipespec.plan.records import Attempt, DeletedRun, StepRecord, duration
from pipespec.plan.witness import BrokenWitness, WitnessCheck
from pipespec.tracking import record_names
from pipespec.tracking.acceptances import accepted_runs
from pipespec.tracking.reading import search_filters
from pipespec.tracking.reading.ledger import Standing
from pipespec.tracking.reading.read_ahead import ReadAhead
from pipespec.tracking.reading.record_selection import Candidate, RecordSelection
from pipespec.tracking.reading.recorded_numbers import recorded_numbers
from pipespec.tracking.reading.run_index import RunIndex
from pipespec.tracking.reading.run_search import RunSearch
from pipespec.tracking.run_facts import RunFacts, attempt, complete_record, generations
from pipespec.tracking.tracking_uri import artifact_root

__all__ = ["SearchingLedger"]

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_PAGE: Final = search_filters.PAGE
_BY_END: Final = "attributes.end_time DESC"
_FEW: Final = 4
"""Up to this number of keys, looking them up one by one is faster than reading the newest runs."""

_ALONE: Final = 3
"""Number of steps whose runs are searched one by one, before all runs of a short history are read instead."""
_LATE: Final = 60_000
"""Milliseconds by which an experiment, or a result, may come to be seen after one that says that it is younger."""
_RECENT: Final = 10.0
"""Seconds for which the list of experiments serves to look for others that compute a key."""
_REQUESTS_AT_ONCE: Final = 8
"""A server with several workers answers them side by side; a database file gains nothing from it."""


class SearchingLedger:
    """A Ledger over any store that can be searched."""

    def __init__(self, uri: str, *, root: Path, search: RunSearch, check: WitnessCheck | None = None) -> None:
        """Ask through this search, which is closed with the ledger."""
        self.tracking_uri = uri
        self._store = search
        self._sifting = RecordSelection(uri, artifact_root(uri, root), check)
        self._index = RunIndex(root, uri)
        self._ahead: ReadAhead | None = ReadAhead()
        """None as soon as something is about to be claimed."""
        self._experiments: dict[str, int] = {}
        self._is_listing_old = True
        self._listed = 0.0
        self._knows_earlier_runs: bool | None = None
        self._opened = round(time.time() * 1000)
        self._digests: dict[str, str] = {}
        """The digests of the manifests of runs that were read."""
        self._is_short = False
        """Whether one page has all published runs of the store."""
        self._asked_alone = 0
        self._all_published: tuple[RunFacts, ...] | None = None
        """All complete runs, the newest first."""

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
        """Return what is wrong with the artifacts, for keys that `complete` left out because of them."""
        return self._sifting.lost(keys)

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        """Return what has changed, for keys that `complete` left out because of what their runs used."""
        return self._sifting.broken(keys)

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return those of these declared step names that any complete run has."""
        seen = self._ahead.finished(steps) if self._ahead is not None else set()
        if self._ahead is not None and self._ahead.is_whole:
            return seen
        rest = [step for step in steps if step not in seen]
        found = self._each_by_tag(rest, lambda step: self._finished(step, 1))
        return seen.union(step for step, runs in zip(rest, found, strict=True) if runs)

    def numbers(self, record: StepRecord, output: str, part: str | None) -> Mapping[str, float]:
        """Return the numbers of an output, or of one of its files, as metrics."""
        return recorded_numbers(record, output, part, self.tracking_uri)

    def attempts(
        self, steps: Collection[str], pipeline: str | None = None, *, finished: bool = False
    ) -> Mapping[str, Attempt]:
        """Return the latest run, in any state or `finished`, of each of these step ids."""
        wanted: dict[str, dict[str, str]] = {}
        for step in steps:
            wanted.setdefault(record_names.declared(step), {})[record_names.fit_tag(step)] = step
        found = self._each_by_tag(
            wanted, lambda step: self._latest(step, wanted[step], pipeline, finished=finished)
        )
        return {step: one for by_id in found for step, one in by_id.items()}

    def claims(self, key: str) -> tuple[Attempt, ...]:
        """Return the RUNNING runs that say they are working on this key, the earliest first."""
        self._look_anew()
        return self._standing(key).claims

    def standing(self, key: str, experiment_id: str) -> Standing:
        """Return the claims on a key together with the record that counts for it: one read."""
        self._look_anew(within=_RECENT)
        self._experiments.setdefault(experiment_id, 0)
        return self._standing(key)

    def _standing(self, key: str) -> Standing:
        found = [
            run
            for tag in self._spellings(record_names.key_tag(key))
            for run in self._search(search_filters.running_or_finished(tag))
        ]
        chosen = self._sifting.choose((key,), [(key, run) for run in found])
        return Standing(_attempts(run for run in found if run.status == "RUNNING"), chosen.get(key))

    def running(self, pipeline: str | None = None) -> tuple[Attempt, ...]:
        """Return all RUNNING runs of ours, including invocations, the earliest first."""
        self._look_anew()
        found = self._search(search_filters.running())
        return _attempts(run for run in found if pipeline in (None, run.tags.get(record_names.PIPELINE)))

    def published_lately(self) -> Collection[str] | None:
        """Return the keys that were published since the ledger was opened; None if they are too many for one page."""
        runs, token = self._page(search_filters.published_since(self._opened - _LATE), _BY_END, _PAGE, None)
        return {run.tags.get(record_names.KEY, "") for run in runs} if token is None else None

    def generations(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return, for keys that were ever published, the highest generation."""
        self._look_anew()
        return generations(self._candidates(keys))

    def accepted(self, keys: Collection[str]) -> Mapping[str, tuple[StepRecord, ...]]:
        """Return the runs that were accepted for these keys. The one that counts is first."""
        self._look_anew()
        return accepted_runs(self._candidates(keys))

    def history(self, steps: Collection[str], latest: int = 20) -> Mapping[str, tuple[float, ...]]:
        """Return the seconds of the latest complete runs of these declared steps, the newest first."""
        self._expect(len(steps))
        each = self._each if self._all_published is not None else self._each_by_tag
        found = each(steps, lambda step: self._finished(step, latest))
        return {
            step: tuple(duration(run.metrics, run.started, run.ended or run.started) for run in runs)
            for step, runs in zip(steps, found, strict=True)
            if runs
        }

    def finished_runs(self, step: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a declared step with all tags, params and metrics, the newest first."""
        self._expect(1)
        return tuple(self._finished(step, latest))

    def finished_in(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a pipeline's steps, of any name, the newest first."""
        found = self._search(search_filters.published(), order="attributes.end_time DESC")
        newest = (
            run
            for run in islice(found, _PAGE)
            if run.tags.get(record_names.PIPELINE) == pipeline and complete_record(run) is not None
        )
        return tuple(self._sifting.placed(run) for run in islice(newest, latest))

    def run(self, run_id: str) -> RunFacts | None:
        """Return one run with all tags, params and metrics, or None if it does not exist."""
        run = self._store.run(run_id)
        if run is None or run.experiment_id not in self._experiment_ids():
            return None
        return self._sifting.placed(run)

    def runs(self, run_ids: Collection[str]) -> Mapping[str, RunFacts]:
        """Return those of these runs that exist, by id."""
        return {run.run_id: self._sifting.placed(run) for run in self._by_id(run_ids)}

    def step_runs(self, step: str, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return finished runs of a declared step of one pipeline, the newest first."""
        found = chain.from_iterable(
            self._search(
                search_filters.of_pipeline(search_filters.bearing(tag, finished=True), pipeline),
                order=_BY_END,
                page=min(_PAGE, latest),
            )
            for tag in self._spellings(record_names.name_tag(step))
        )
        return self._first((run for run in found if _is_of(run, pipeline)), latest)

    def invocations(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return the invocations of a pipeline that have ended, the newest first."""
        condition = search_filters.of_pipeline(search_filters.invocations(), pipeline)
        found = self._search(condition, order=_BY_END, page=min(_PAGE, latest))
        return self._first((run for run in found if _is_of(run, pipeline)), latest)

    def marked(self, tag: str, beginning: str = "", *, deleted: bool = False) -> tuple[RunFacts, ...]:
        """Return runs of ours with a tag whose value begins like this, the newest first."""
        condition = search_filters.marked(tag, beginning)
        found = self._page(condition, _BY_END, _PAGE, None, deleted=deleted)[0]
        return self._first(found, _PAGE)

    def published(self, latest: int | None = None) -> tuple[RunFacts, ...]:
        """Return the complete runs of all pipelines, the newest first."""
        return self._first(self._search(search_filters.published(), order=_BY_END), latest)

    def _first(self, runs: Iterable[RunFacts], latest: int | None) -> tuple[RunFacts, ...]:
        return tuple(self._sifting.placed(run) for run in islice(runs, latest))

    def runs_beginning(self, prefix: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return the runs of ours whose ids begin with these hex digits, the newest first."""
        found = self._search(
            search_filters.beginning(prefix), order="attributes.start_time DESC", page=latest
        )
        return tuple(self._sifting.placed(run) for run in islice(found, latest))

    def bearing(self, tag: str) -> tuple[RunFacts, ...]:
        """Return all runs that have a tag of ours, the earliest first; one read for each 1,000."""
        self._look_anew()
        found = self._search(search_filters.with_tag(tag), order="attributes.start_time ASC", page=_PAGE)
        return tuple(map(self._sifting.placed, found))

    def deleted(self, keys: Collection[str]) -> Mapping[str, DeletedRun]:
        """Return, for these keys, the last run that had it and is deleted. A server does not say when it was deleted."""
        if len(keys) > 1:
            runs, token = self._page(search_filters.published(), _BY_END, _PAGE, None, deleted=True)
            if token is None:
                last = {
                    key: run
                    for run in reversed(runs)
                    for key in keys
                    if record_names.key_tag(key) in run.tags
                }
                return {key: DeletedRun(run.run_id) for key, run in last.items()}
        found = self._each_by_tag(
            keys,
            lambda key: [
                run
                for tag in self._spellings(record_names.key_tag(key))
                for run in self._deleted(search_filters.finished_bearing(tag))
            ],
        )
        return {key: DeletedRun(runs[0].run_id) for key, runs in zip(keys, found, strict=True) if runs}

    def deleted_runs(self, run_ids: Collection[str]) -> Mapping[str, DeletedRun]:
        """Return those of these runs that are deleted, by id."""
        ids = [run_id for run_id in run_ids if search_filters.is_run_id(run_id)]
        found = self._deleted(search_filters.of_ids(ids)) if ids else []
        return {run.run_id: DeletedRun(run.run_id) for run in found}

    def manifest(self, record: StepRecord) -> dict[str, JSON]:
        """Return the manifest of a run."""
        digest = self._digests.get(record.run_id)
        if digest is None and (facts := self.run(record.run_id)) is not None:
            digest = facts.tags.get(record_names.MANIFEST)
        return self._sifting.manifest(record, digest)

    def note(self, records: Collection[StepRecord]) -> None:
        """Remember records that were just published, so that the next plan finds them in one read."""
        self._index.learn({record.key: record.run_id for record in records})
        self._all_published = None

    def close(self) -> None:
        """Write what was learned, and close the store."""
        self._index.save()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------- answering

    def _look_anew(self, within: float = 0.0) -> None:
        """Let go of what was read for a plan: what others published or claimed since counts from now on.

        Another process may have made experiments, and so may ours; those are listed again unless they were `within` some seconds.
        """
        self._ahead = self._all_published = None
        self._is_listing_old |= time.monotonic() >= self._listed + within

    def _guessed(self, keys: Collection[str]) -> list[Candidate]:
        """Read the runs that are guessed for these keys; while a plan is made, all runs that it needed last time."""
        ahead = self._ahead
        if ahead is None:
            return list(self._verified(self._index.guesses(keys)).items())
        unread = self._index.guesses([key for key in keys if not ahead.has_guess(key)])
        if unread:
            guesses = self._index.company(unread)
            ahead.add_guesses(guesses, self._verified(guesses))
        return ahead.guessed(keys)

    def _verified(self, guesses: Mapping[str, str]) -> dict[str, RunFacts]:
        """Read all guessed runs at once. A run that a later generation replaced says so, and its key is looked up."""
        runs = {run.run_id: run for run in self._by_id(guesses.values())}
        return {
            key: runs[run_id]
            for key, run_id in guesses.items()
            if run_id in runs
            and record_names.SUPERSEDED not in runs[run_id].tags
            and _is_own(runs[run_id], key)
        }

    def _by_id(self, run_ids: Iterable[str]) -> list[RunFacts]:
        ids = sorted({run_id for run_id in run_ids if search_filters.is_run_id(run_id)})
        at_once = search_filters.IDS_AT_ONCE
        chunks = [ids[at : at + at_once] for at in range(0, len(ids), at_once)]
        read = self._each(chunks, lambda chunk: list(self._search(search_filters.of_ids(chunk))))
        return [run for found in read for run in found]

    def _among_newest(self, keys: Collection[str]) -> list[Candidate]:
        """Search among the newest published runs, which are read once for a plan."""
        ahead = self._ahead
        if ahead is None or (len(keys) <= _FEW and ahead.has_any_guess and not ahead.has_newest):
            return []
        if not ahead.has_newest:
            runs, token = self._page(search_filters.published(), "attributes.end_time DESC", _PAGE, None)
            ahead.add_newest(runs, whole=token is None)
            self._is_short = token is None
        return ahead.newest(keys)

    def _candidates(self, keys: Collection[str]) -> list[Candidate]:
        if self._ahead is not None and self._ahead.is_whole:
            return []
        found = self._each_by_tag(
            keys,
            lambda key: [
                run
                for tag in self._spellings(record_names.key_tag(key))
                for run in self._search(search_filters.finished_bearing(tag))
            ],
        )
        return [(key, run) for key, runs in zip(keys, found, strict=True) for run in runs]

    def _deleted(self, condition: str) -> list[RunFacts]:
        found = self._page(condition, "attributes.end_time DESC", _PAGE, None, deleted=True)[0]
        return [run for run in found if record_names.KEY in run.tags]

    def _finished(self, step: str, latest: int) -> Sequence[RunFacts]:
        if self._all_published is not None:
            of_step = (run for run in self._all_published if record_names.name_tag(step) in run.tags)
            return [self._sifting.placed(run) for run in islice(of_step, latest)]
        # Runs of earlier versions are the older ones, except those from a time when both versions were used.
        found = chain.from_iterable(
            self._search(search_filters.finished_bearing(tag), order="attributes.end_time DESC", page=latest)
            for tag in self._spellings(record_names.name_tag(step))
        )
        complete = (run for run in found if complete_record(run) is not None)
        return [self._sifting.placed(run) for run in islice(complete, latest)]

    def _expect(self, steps: int) -> None:
        """Read all complete runs if more than a few steps were asked for since then, and one page has them all."""
        self._asked_alone += steps
        if self._all_published is None and self._is_short and self._asked_alone > _ALONE:
            runs, token = self._page(search_filters.published(), _BY_END, _PAGE, None)
            self._is_short = token is None
            complete = tuple(run for run in runs if complete_record(run) is not None)
            self._all_published = complete if self._is_short else None

    def _latest(
        self, step: str, wanted: Mapping[str, str], pipeline: str | None, *, finished: bool
    ) -> Mapping[str, Attempt]:
        """Read a step's runs from the newest on, until one of each variant was found."""
        latest: dict[str, Attempt] = {}
        found = chain.from_iterable(
            self._search(
                search_filters.bearing(tag, finished=finished),
                order="attributes.start_time DESC",
                page=min(_PAGE, 10 * len(wanted)),
            )
            for tag in self._spellings(record_names.name_tag(step))
        )
        for run in found:
            variant = wanted.get(run.tags.get(record_names.STEP, ""))
            if variant is not None and pipeline in (None, run.tags.get(record_names.PIPELINE)):
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
        self, condition: str, order: str, size: int, token: str | None, *, deleted: bool = False
    ) -> tuple[list[RunFacts], str | None]:
        """Read one page, and the token of the next page; None after the last."""
        experiments = self._experiment_ids()
        if not experiments:
            return [], None
        runs, following = self._store.page(experiments, condition, order, size, token, deleted=deleted)
        self._digests.update(
            (run.run_id, run.tags[record_names.MANIFEST]) for run in runs if record_names.MANIFEST in run.tags
        )
        return runs, following

    def _experiment_ids(self) -> list[str]:
        """All experiments that are not deleted: MLflow searches none that are not named."""
        if self._is_listing_old:
            newest = max(self._experiments.values(), default=0)
            listed = time.monotonic()
            self._experiments |= self._store.experiments(max(0, newest - _LATE))
            self._is_listing_old, self._listed = False, listed
        return [*self._experiments]

    def _spellings(self, tag: str) -> tuple[str, ...]:
        """Return the spellings of a tag in this store. Those of earlier versions are included if such runs exist."""
        return (record_names.stored(tag), tag) if self._has_earlier_runs else (record_names.stored(tag),)

    @property
    def _has_earlier_runs(self) -> bool:
        if self._knows_earlier_runs is None:
            found, _ = self._page(search_filters.of_earlier_versions(), "attributes.start_time ASC", 1, None)
            self._knows_earlier_runs = bool(found)
        return self._knows_earlier_runs

    def _each_by_tag(self, items: Collection[_Item], ask: Callable[[_Item], _Answer]) -> list[_Answer]:
        """Look up each item by its tags."""
        if items:
            self._store.prepare()
            _ = self._has_earlier_runs  # once, before threads need it
        return self._each(items, ask)

    def _each(self, items: Collection[_Item], ask: Callable[[_Item], _Answer]) -> list[_Answer]:
        if not items:
            return []
        self._store.prepare()
        self._experiment_ids()  # once, before threads need it
        if len(items) == 1 or not self._store.takes_requests_side_by_side:
            return [ask(item) for item in items]
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            return list(pool.map(ask, items))


def _is_own(run: RunFacts, key: str) -> bool:
    """Return whether a run was published under a key. A run that was accepted for it would hide a run whose own key it is."""
    return record_names.key_tag(key) in run.tags and run.tags.get(record_names.KEY) == key


def _is_of(run: RunFacts, pipeline: str) -> bool:
    return run.tags.get(record_names.PIPELINE) == pipeline


def _attempts(runs: Iterable[RunFacts]) -> tuple[Attempt, ...]:
    return tuple(sorted(map(attempt, runs), key=lambda one: (one.started, one.run_id)))

"""Read a tracking store in a database file: our own read-only statements, without mlflow.

Any number of keys needs one statement, and one more for the metrics of the runs found. A file with unknown tables is
read by MLflow's client instead. A file that does not exist means "nothing recorded", and is never created.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from pipespec.document.nodes import JSON
from pipespec.errors import StoreUnavailableError
from pipespec.plan.records import Attempt, DeletedRun, StepRecord
from pipespec.plan.witness import BrokenWitness, WitnessCheck
from pipespec.tracking import record_names
from pipespec.tracking.acceptances import accepted_runs
from pipespec.tracking.reading import search_filters, sqlite_statements
from pipespec.tracking.reading.ledger import Standing
from pipespec.tracking.reading.record_selection import Candidate, RecordSelection
from pipespec.tracking.reading.recorded_numbers import recorded_numbers
from pipespec.tracking.run_facts import RunFacts, attempt, generations
from pipespec.tracking.sqlite_schema import open_database, unreadable
from pipespec.tracking.tracking_uri import artifact_root, sqlite_path

if TYPE_CHECKING:
    from pipespec.tracking.reading.ledger import Ledger

__all__ = ["SqliteLedger"]

_Answer = TypeVar("_Answer")

_TIME: Final = (int, type(None))
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class SqliteLedger:
    """A Ledger over one database file. Threads may share it, and are served one after the other."""

    def __init__(
        self, uri: str, *, otherwise: Callable[[], Ledger], check: WitnessCheck | None = None
    ) -> None:
        """Check the file, if it exists. `otherwise` creates the ledger for a file with unknown tables."""
        self.tracking_uri = uri
        self._path = sqlite_path(uri)
        self._sifting = RecordSelection(uri, artifact_root(uri, self._path.parent), check)
        self._otherwise = otherwise
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._client: Ledger | None = None
        self._lock = threading.RLock()
        self._ask(lambda _: None, lambda _: None, None)

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return the record that counts for each key that has one: two statements for any number of keys."""
        return self._ask(lambda db: self._complete(db, keys), lambda client: client.complete(keys), {})

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return what is wrong with the artifacts, for keys that `complete` left out because of them."""
        return self._client.lost(keys) if self._client is not None else self._sifting.lost(keys)

    def broken(self, keys: Collection[str]) -> Mapping[str, BrokenWitness]:
        """Return what has changed, for keys that `complete` left out because of what their runs used."""
        return self._client.broken(keys) if self._client is not None else self._sifting.broken(keys)

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return those of these declared step names that any complete run has."""
        step_of = {record_names.name_tag(step): step for step in steps}
        return self._ask(
            lambda db: {
                step_of[tag] for (tag,) in _all(db, sqlite_statements.FINISHED_BEFORE, sought=list(step_of))
            },
            lambda client: client.finished_before(steps),
            frozenset(),
        )

    def numbers(self, record: StepRecord, output: str, part: str | None) -> Mapping[str, float]:
        """Return the numbers of an output, or of one of its files, as metrics."""
        return recorded_numbers(record, output, part, self.tracking_uri)

    def attempts(
        self, steps: Collection[str], pipeline: str | None = None, *, finished: bool = False
    ) -> Mapping[str, Attempt]:
        """Return the latest run, in any state or `finished`, of each of these step ids."""
        return self._ask(
            lambda db: self._attempts(db, steps, pipeline, "FINISHED" if finished else None),
            lambda client: client.attempts(steps, pipeline, finished=finished),
            {},
        )

    def claims(self, key: str) -> tuple[Attempt, ...]:
        """Return the RUNNING runs that say they are working on this key, the earliest first."""
        return self.standing(key, "").claims

    def standing(self, key: str, experiment_id: str) -> Standing:
        """Return the claims on a key together with the record that counts for it."""

        def from_file(db: sqlite3.Connection) -> Standing:
            with _locked_once(db):
                claims = _all(db, sqlite_statements.CLAIMS, tag=record_names.key_tag(key))
                return Standing(self._attempts_of(db, claims), self._complete(db, (key,)).get(key))

        return self._ask(from_file, lambda client: client.standing(key, experiment_id), Standing((), None))

    def running(self, pipeline: str | None = None) -> tuple[Attempt, ...]:
        """Return all RUNNING runs of ours, including invocations, the earliest first."""
        return self._ask(
            lambda db: self._attempts_of(db, _all(db, sqlite_statements.RUNNING, pipeline=pipeline)),
            lambda client: client.running(pipeline),
            (),
        )

    def published_lately(self) -> None:
        """Say that they are not known: who writes to the file looks for a key and claims it in one transaction."""

    def generations(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return, for keys that were ever published, the highest generation."""
        return self._ask(
            lambda db: generations(_candidates(db, keys)), lambda client: client.generations(keys), {}
        )

    def accepted(self, keys: Collection[str]) -> Mapping[str, tuple[StepRecord, ...]]:
        """Return the runs that were accepted for these keys. The one that counts is first."""
        return self._ask(
            lambda db: accepted_runs(_candidates(db, keys)), lambda client: client.accepted(keys), {}
        )

    def history(self, steps: Collection[str], latest: int = 20) -> Mapping[str, tuple[float, ...]]:
        """Return the seconds of the latest complete runs of these declared steps, the newest first."""
        return self._ask(
            lambda db: _history(db, steps, latest), lambda client: client.history(steps, latest), {}
        )

    def finished_runs(self, step: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a declared step with all tags, params and metrics, the newest first."""
        return self._ask(
            lambda db: self._facts(
                db, _all(db, sqlite_statements.FINISHED, tag=record_names.name_tag(step), latest=latest)
            ),
            lambda client: client.finished_runs(step, latest),
            (),
        )

    def finished_in(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return complete runs of a pipeline's steps, of any name, the newest first."""
        return self._ask(
            lambda db: self._facts(
                db, _all(db, sqlite_statements.FINISHED_IN, pipeline=pipeline, latest=latest)
            ),
            lambda client: client.finished_in(pipeline, latest),
            (),
        )

    def run(self, run_id: str) -> RunFacts | None:
        """Return one run with all tags, params and metrics, or None if it does not exist."""
        return self._ask(
            lambda db: next(iter(self._facts(db, _all(db, sqlite_statements.ONE, run_id=run_id))), None),
            lambda client: client.run(run_id),
            None,
        )

    def runs(self, run_ids: Collection[str]) -> Mapping[str, RunFacts]:
        """Return those of these runs that exist, by id."""
        if not run_ids:
            return {}
        return self._ask(
            lambda db: {
                run.run_id: run
                for run in self._facts(db, _all(db, sqlite_statements.MANY, runs=list(run_ids)))
            },
            lambda client: client.runs(run_ids),
            {},
        )

    def step_runs(self, step: str, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return finished runs of a declared step of one pipeline, the newest first."""
        tag = record_names.name_tag(step)
        return self._ask(
            lambda db: self._facts(
                db, _all(db, sqlite_statements.STEP_RUNS, tag=tag, pipeline=pipeline, latest=latest)
            ),
            lambda client: client.step_runs(step, pipeline, latest),
            (),
        )

    def invocations(self, pipeline: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return the invocations of a pipeline that have ended, the newest first."""
        return self._ask(
            lambda db: self._facts(
                db, _all(db, sqlite_statements.INVOCATIONS, pipeline=pipeline, latest=latest)
            ),
            lambda client: client.invocations(pipeline, latest),
            (),
        )

    def marked(self, tag: str, beginning: str = "", *, deleted: bool = False) -> tuple[RunFacts, ...]:
        """Return runs of ours with a tag whose value begins like this, the newest first."""
        search_filters.marked(tag, beginning)  # what one ledger refuses, the others refuse too
        values = {"tag": tag, "beginning": beginning, "active": not deleted, "latest": search_filters.PAGE}
        return self._ask(
            lambda db: self._facts(db, _all(db, sqlite_statements.MARKED, **values)),
            lambda client: client.marked(tag, beginning, deleted=deleted),
            (),
        )

    def published(self, latest: int | None = None) -> tuple[RunFacts, ...]:
        """Return the complete runs of all pipelines, the newest first."""
        return self._ask(
            lambda db: self._facts(
                db,
                _all(db, sqlite_statements.PUBLISHED, latest=-1 if latest is None else latest),
                with_params=False,
            ),
            lambda client: client.published(latest),
            (),
        )

    def runs_beginning(self, prefix: str, latest: int = 100) -> tuple[RunFacts, ...]:
        """Return the runs of ours whose ids begin with these hex digits, the newest first."""
        return self._ask(
            lambda db: self._facts(db, _all(db, sqlite_statements.BEGINNING, prefix=prefix, latest=latest)),
            lambda client: client.runs_beginning(prefix, latest),
            (),
        )

    def bearing(self, tag: str) -> tuple[RunFacts, ...]:
        """Return all runs that have a tag of ours, the earliest first."""
        return self._ask(
            lambda db: self._facts(db, _all(db, sqlite_statements.BEARING, tag=record_names.stored(tag))),
            lambda client: client.bearing(tag),
            (),
        )

    def deleted(self, keys: Collection[str]) -> Mapping[str, DeletedRun]:
        """Return, for these keys, the last run that had it and is deleted."""
        return self._ask(
            lambda db: _deleted(_all(db, sqlite_statements.DELETED, sought=list(keys))),
            lambda client: client.deleted(keys),
            {},
        )

    def deleted_runs(self, run_ids: Collection[str]) -> Mapping[str, DeletedRun]:
        """Return those of these runs that are deleted, by id."""
        return self._ask(
            lambda db: _deleted(_all(db, sqlite_statements.DELETED_RUNS, sought=list(run_ids))),
            lambda client: client.deleted_runs(run_ids),
            {},
        )

    def manifest(self, record: StepRecord) -> dict[str, JSON]:
        """Return the manifest of a run."""
        facts = self.run(record.run_id)
        return self._sifting.manifest(
            record, facts.tags.get(record_names.MANIFEST) if facts is not None else None
        )

    def note(self, records: Collection[StepRecord]) -> None:
        """Do nothing: the file itself is as fast to read as any index of it."""

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._client is not None:
                self._client.close()
                self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------- answering

    def _ask(
        self,
        from_file: Callable[[sqlite3.Connection], _Answer],
        through_client: Callable[[Ledger], _Answer],
        nothing: _Answer,
    ) -> _Answer:
        """Answer from the file, from MLflow's client if its tables are unknown, or with `nothing` if it does not exist."""
        with self._lock:
            try:
                self._require_same_file()
                if self._client is None and self._connection is None:
                    self._open()
                if self._connection is not None:
                    return from_file(self._connection)
            except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
                self.close()
                raise unreadable(self._path, error) from error
            return nothing if self._client is None else through_client(self._client)

    def _require_same_file(self) -> None:
        """Refuse to answer from a file that was deleted or replaced: other processes would use another file of that name."""
        if self._inode is not None and (not self._path.exists() or self._path.stat().st_ino != self._inode):
            raise StoreUnavailableError(f"the tracking store '{self._path}' was removed while it was in use")

    def _open(self) -> None:
        if not self._path.exists():
            return
        connection, familiar = open_database(self._path)
        self._inode = self._path.stat().st_ino
        if familiar:
            self._connection = connection
        else:
            connection.close()
            self._client = self._otherwise()

    def _complete(self, db: sqlite3.Connection, keys: Collection[str]) -> Mapping[str, StepRecord]:
        chosen = self._sifting.choose(keys, _candidates(db, keys))
        if not chosen:
            return {}
        metrics = _metrics(db, [record.run_id for record in chosen.values()])
        return {
            key: replace(record, metrics=metrics[record.run_id]) if record.run_id in metrics else record
            for key, record in chosen.items()
        }

    def _attempts(
        self, db: sqlite3.Connection, steps: Collection[str], pipeline: str | None, status: str | None
    ) -> Mapping[str, Attempt]:
        tags = {record_names.name_tag(record_names.declared(step)) for step in steps}
        wanted = {record_names.fit_tag(step): step for step in steps}
        rows = _all(db, sqlite_statements.LATEST, sought=sorted(tags), pipeline=pipeline, status=status)
        found = self._attempts_of(db, [row[:6] for row in rows if row[6] in wanted])
        # A damaged file may contain a run in one place and not in the other.
        return {wanted[one.step]: one for one in found if one.step in wanted}

    def _attempts_of(self, db: sqlite3.Connection, rows: Iterable[Any]) -> tuple[Attempt, ...]:
        found = [attempt(facts) for facts in self._facts(db, rows, with_params=False)]
        return tuple(sorted(found, key=lambda one: (one.started, one.run_id)))

    def _facts(
        self, db: sqlite3.Connection, rows: Iterable[Any], *, with_params: bool = True
    ) -> tuple[RunFacts, ...]:
        rows = list(rows)
        runs = [row[0] for row in rows]
        tags, metrics = _texts(db, sqlite_statements.TAGS, runs), _metrics(db, runs)
        params = _texts(db, sqlite_statements.PARAMS, runs) if with_params else {}
        return tuple(
            self._sifting.placed(
                _run_facts(
                    row,
                    record_names.told(tags.get(row[0], {})),
                    metrics.get(row[0], {}),
                    params.get(row[0], {}),
                )
            )
            for row in rows
        )


# ---------------------------------------------------------------------------------------- reading rows


@contextlib.contextmanager
def _locked_once(db: sqlite3.Connection) -> Iterator[None]:
    """Let several short statements lock the file, and search for a journal to roll back, only once."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.Error):  # an error may have ended it
            db.execute("ROLLBACK")


def _all(db: sqlite3.Connection, statement: str, **values: object) -> list[Any]:
    bound = {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}
    return db.execute(statement, bound).fetchall()


def _candidates(db: sqlite3.Connection, keys: Collection[str]) -> list[Candidate]:
    rows = _all(db, sqlite_statements.BY_KEY, sought=list(keys))
    tags = (
        record_names.KEY,
        record_names.MANIFEST,
        record_names.OUTPUTS,
        record_names.GENERATION,
        record_names.STEP,
        record_names.WITNESS,
        record_names.DAMAGED,
    )
    found = []
    for key, accepted, run_id, status, started, ended, uri, experiment, *values in rows:
        told = {tag: value for tag, value in zip(tags, values, strict=True) if value is not None}
        if accepted is not None:
            told[record_names.accepted_tag(key)] = accepted
        found.append((key, _run_facts((run_id, status, started, ended, uri, experiment), told)))
    return found


def _deleted(rows: Iterable[Any]) -> Mapping[str, DeletedRun]:
    return {
        str(sought): DeletedRun(str(run_id), when / 1000 if isinstance(when, int) else None)
        for sought, run_id, when in rows
    }


def _history(db: sqlite3.Connection, steps: Collection[str], latest: int) -> Mapping[str, tuple[float, ...]]:
    step_of = {record_names.name_tag(step): step for step in steps}
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for tag, value in _all(db, sqlite_statements.HISTORY, sought=list(step_of), latest=latest):
        seconds[step_of[tag]].append(value)
    return {step: tuple(values) for step, values in seconds.items()}


def _texts(db: sqlite3.Connection, statement: str, runs: list[str]) -> Mapping[str, dict[str, str]]:
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for run_id, name, value in _all(db, statement, runs=runs):
        if value is not None:
            found[run_id][name] = value
    return found


def _metrics(db: sqlite3.Connection, runs: list[str]) -> Mapping[str, dict[str, float]]:
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for run_id, name, value, is_nan in _all(db, sqlite_statements.METRICS, runs=runs):
        found[run_id][name] = math.nan if is_nan else value
    return found


def _run_facts(
    row: Any,
    tags: Mapping[str, str],
    metrics: Mapping[str, float] = _NOTHING,
    params: Mapping[str, str] = _NOTHING,
) -> RunFacts:
    run_id, status, started, ended, uri, experiment = row[:6]
    texts = (run_id, status, uri, *tags.values())
    if not all(type(text) is str for text in texts) or not all(
        type(time) in _TIME for time in (started, ended)
    ):
        raise sqlite3.DatabaseError("a row is malformed")
    return RunFacts(
        run_id=run_id,
        status=status,
        started=(started or 0) / 1000,
        ended=None if ended is None else ended / 1000,
        artifact_uri=uri,
        tags=tags,
        metrics=metrics,
        params=params,
        experiment_id=str(experiment),
    )

"""Write to a tracking store in a database file: our own statements, one transaction for each event, without mlflow.

Serves files whose tables are known and contain nothing that MLflow would repair when it opens them. `open_writer`
leaves all other files to MLflow's client. It waits for other writers as long as MLflow waits. Which writes reach the
disk when, and why no fewer, is described in decisions/0013-own-writers.md.
"""

from __future__ import annotations

import contextlib
import math
import posixpath
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote, urlparse, urlunparse

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.fault_points import reach
from pipespec.tracking.artifacts import put
from pipespec.tracking.run_datasets import CONTEXT, RunDataset
from pipespec.tracking.sqlite_schema import PATIENCE_OF_WRITERS, open_for_writing, unreadable
from pipespec.tracking.tracking_uri import shown, sqlite_path
from pipespec.tracking.writing import sqlite_changes as changes
from pipespec.tracking.writing.store_writer import NOTE, CreatedRun, FoundExperiment

__all__ = ["SqliteWriter", "artifact_uri_below"]

_RUN_NAME: Final = "mlflow.runName"
_USER: Final = "mlflow.user"
_ONE_WAIT: Final = 250
"""Milliseconds of one wait for another writer: while SQLite waits, Python handles no signal."""


class SqliteWriter:
    """A StoreWriter over one database file. Threads may share it, and write one after the other."""

    joins = True

    @classmethod
    def open(cls, uri: str) -> Self | None:
        """Open an existing file; None if its tables are not known, or MLflow would repair them.

        Raises:
            StoreUnavailableError: if it cannot be read, is not a store, or not of the installed MLflow's version.
        """
        path = sqlite_path(uri)
        with _told(path):
            connection = open_for_writing(path)
            return None if connection is None else cls(uri, path, connection)

    def __init__(self, uri: str, path: Path, connection: sqlite3.Connection) -> None:
        """Use `SqliteWriter.open`."""
        self.uri = uri
        self._path = path
        self._inode = path.stat().st_ino
        self._connection = connection
        self._lock = threading.RLock()
        self._promised: dict[str, tuple[str, int | None]] = {}
        """The status and the end that the open transaction gives to runs."""
        self._keep_journal()

    def _keep_journal(self) -> None:
        # A journal that stays saves two changes of its folder per transaction. WAL is left unchanged: to turn it off, all other
        # processes would have to close the file, and turning it on is not our decision.
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._journal() == "delete":
            self._connection.execute("PRAGMA journal_mode = PERSIST")

    def _journal(self) -> str:
        return str(self._connection.execute("PRAGMA journal_mode").fetchone()[0])

    @contextlib.contextmanager
    def at_once(self) -> Iterator[bool]:
        """Make the writes in this block one transaction, or part of the surrounding one."""
        with self._lock:
            is_outermost = not self._connection.in_transaction
            with self._changing():
                yield is_outermost

    def find_experiment(self, name: str) -> FoundExperiment | None:
        """Return the experiment with exactly this name, also a deleted one, or None."""
        with self._asking() as db:
            row = db.execute(changes.EXPERIMENT_BY_NAME, (name,)).fetchone()
        return None if row is None else FoundExperiment(str(row[0]), row[1] or "", row[2] == "active")

    def make_experiment(self, name: str, artifact_location: str | None, note: str = "") -> str | None:
        """Create an experiment with a description and return its id; None if another process was first."""
        assert artifact_location is not None, "a database has no server that would choose one"
        self._refuse_location(artifact_location)
        with self._changing() as db:
            if db.execute(changes.EXPERIMENT_BY_NAME, (name,)).fetchone() is not None:
                return None
            values = {"name": name, "location": artifact_location, "now": int(time.time() * 1000)}
            made = db.execute(changes.ADD_EXPERIMENT, values).lastrowid
            if note:
                db.execute(changes.ADD_EXPERIMENT_TAG, (made, NOTE, note))
            return str(made)

    def create_run(
        self, experiment_id: str, *, tags: Mapping[str, str], params: Mapping[str, str], started: int
    ) -> CreatedRun:
        """Create a run with its tags and params: everything or nothing."""
        run_id = uuid.uuid4().hex
        with self._changing() as db:
            artifact_uri = artifact_uri_below(self._location_of(db, experiment_id), run_id)
            values = {
                "run_id": run_id,
                "name": tags[_RUN_NAME],
                "user": tags.get(_USER, "unknown"),
                "started": started,
                "artifact_uri": artifact_uri,
                "experiment": int(experiment_id),
            }
            db.execute(changes.ADD_RUN, values)
            db.executemany(changes.ADD_TAG, [(run_id, *item) for item in tags.items()])
            db.executemany(changes.ADD_PARAM, [(run_id, *item) for item in params.items()])
            self._promised[run_id] = "RUNNING", None
        reach("run.after-create")
        return CreatedRun(run_id, artifact_uri)

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
        """Let a run count: all at once."""
        with self._changing(run_id) as db:
            _add_datasets(db, run_id, datasets)
            _set_tags(db, run_id, tags)
            _add_params(db, run_id, {**(params or {}), **(pending or {})})
            _add_metrics(db, run_id, metrics, ended)
            reach("publish.after-batch")
            self._end_run(db, run_id, "FINISHED", ended)

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
        """Give a run its last metrics, its datasets, its status and its end: all at once."""
        with self._changing(run_id) as db:
            _add_params(db, run_id, pending or {})
            _add_datasets(db, run_id, datasets)
            _add_metrics(db, run_id, metrics or {}, ended)
            self._end_run(db, run_id, status, ended)

    def set_tags(
        self, run_id: str, tags: Mapping[str, str], pending: Mapping[str, str] | None = None
    ) -> None:
        """Set tags of a run: all or none."""
        with self._changing(run_id) as db:
            _add_params(db, run_id, pending or {})
            _set_tags(db, run_id, tags)

    def decide(self, run_id: str, name: str, value: str, tags: Mapping[str, str]) -> bool:
        """Give a run a param and tags: all at once."""
        with self._changing(run_id) as db:
            db.execute(changes.ADD_NEW_PARAM, (run_id, name, value))
            is_so = bool(db.execute(changes.PARAM_OF_RUN, (run_id, name)).fetchone() == (value,))
            if is_so:
                _set_tags(db, run_id, tags)
        return is_so

    def delete_tags(self, run_id: str, tags: Collection[str]) -> None:
        """Remove tags of a run: all or none."""
        with self._changing(run_id) as db:
            for name in tags:
                if db.execute(changes.DELETE_TAG, (run_id, name)).rowcount == 0:
                    raise self._refusal(f"No tag with name: {name} in run with id {run_id}")

    def tags(self, run_id: str) -> Mapping[str, str]:
        """Return all tags of a run."""
        with self._asking() as db:
            self._stage_of(db, run_id)
            return dict(db.execute(changes.TAGS_OF_RUN, (run_id,)).fetchall())

    def put_files(self, files: Mapping[str, bytes], artifact_uri: str) -> None:
        """Put small files of ours into a run."""
        put(files, artifact_uri, self.uri)

    def close(self) -> None:
        """Close the file, and remove the journal next to it."""
        with self._lock, contextlib.suppress(sqlite3.Error):  # an empty journal that stays does no harm
            if self._journal() == "persist":
                self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()

    # ------------------------------------------------------------------------------------------- parts

    @contextlib.contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _told(self._path):
            self._require_same_file()
            yield self._connection

    @contextlib.contextmanager
    def _changing(self, run_id: str | None = None) -> Iterator[sqlite3.Connection]:
        """Begin a transaction, unless one is open. Wait for other writers first, and refuse a run that does not exist."""
        with self._asking() as db, self._transaction(db):
            if run_id is not None:
                self._require_active("run", run_id, self._stage_of(db, run_id))
            yield db

    @contextlib.contextmanager
    def _transaction(self, db: sqlite3.Connection) -> Iterator[None]:
        if db.in_transaction:
            yield
            return
        _waited(db, "BEGIN IMMEDIATE")
        self._promised.clear()
        try:
            yield
            self._commit(db)
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back by itself
                db.execute("ROLLBACK")
            raise

    def _commit(self, db: sqlite3.Connection) -> None:
        """Commit. SQLite changes the file first, then ends its journal: if only the latter fails, the changes count in spite of the error.

        A run that was created so would stay RUNNING, since nobody would know it.
        """
        try:
            _waited(db, "COMMIT")
        except sqlite3.Error:
            if db.in_transaction or not self._promised or not self._is_kept(db):
                raise

    def _is_kept(self, db: sqlite3.Connection) -> bool:
        with contextlib.suppress(sqlite3.Error):
            return all(
                db.execute(changes.RUN_ENDING, (run_id,)).fetchone() == ending
                for run_id, ending in self._promised.items()
            )
        return False

    def _end_run(self, db: sqlite3.Connection, run_id: str, status: str, ended: int) -> None:
        db.execute(changes.END_RUN, (status, ended, run_id))
        self._promised[run_id] = status, ended

    def _require_same_file(self) -> None:
        """Refuse to write to a file that was deleted or replaced: no one would find the data."""
        if self._path.stat().st_ino != self._inode:
            raise FileNotFoundError

    def _stage_of(self, db: sqlite3.Connection, run_id: str) -> str:
        row = db.execute(changes.RUN_STAGE, (run_id,)).fetchone()
        if row is None:
            raise self._refusal(f"Run with id={run_id} not found")
        return str(row[0])

    def _location_of(self, db: sqlite3.Connection, experiment_id: str) -> str:
        row = db.execute(changes.EXPERIMENT_BY_ID, (int(experiment_id),)).fetchone()
        if row is None:
            raise self._refusal(f"No Experiment with id={experiment_id} exists")
        self._require_active("experiment", experiment_id, row[2])
        return row[1] or ""

    def _require_active(self, kind: str, identity: str, stage: str) -> None:
        if stage != "active":
            raise self._refusal(
                f"The {kind} {identity} must be in the 'active' state. Current state is {stage}."
            )

    def _refuse_location(self, location: str) -> None:
        if location.startswith("runs:"):
            raise self._refusal(f"Artifact location cannot be a runs:/ URI. Given: '{location}'")
        if len(location) > 2048:
            raise self._refusal("Invalid artifact path length: it is longer than 2048 characters")
        if ".." in unquote(urlparse(location).query):
            raise self._refusal("Invalid query string")

    def _refusal(self, text: str) -> PipespecError:
        return PipespecError(f"tracking store {shown(self.uri)}: {text}")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be written."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreUnavailableError(
            f"the tracking store '{path}' was taken away while it was in use"
        ) from error
    except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
        raise unreadable(path, error, deed="written") from error


def _waited(db: sqlite3.Connection, statement: str) -> None:
    """Execute a statement that may wait for others, in short waits, between which Python handles signals."""
    until = time.monotonic() + PATIENCE_OF_WRITERS
    db.execute(f"PRAGMA busy_timeout = {_ONE_WAIT}")
    try:
        while not _is_done(db, statement, until):
            continue
    finally:
        # A statement that only reads waits in one piece: others lock the file only for moments.
        db.execute(f"PRAGMA busy_timeout = {int(PATIENCE_OF_WRITERS * 1000)}")


def _is_done(db: sqlite3.Connection, statement: str, until: float) -> bool:
    try:
        db.execute(statement)
    except sqlite3.OperationalError as error:
        is_busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        if not is_busy or time.monotonic() >= until:
            raise
        return False
    return True


def _set_tags(db: sqlite3.Connection, run_id: str, tags: Mapping[str, str]) -> None:
    db.executemany(changes.ADD_TAG, [(run_id, *item) for item in tags.items()])
    if _RUN_NAME in tags:
        db.execute(changes.RENAME_RUN, (tags[_RUN_NAME], run_id))


def _add_params(db: sqlite3.Connection, run_id: str, params: Mapping[str, str]) -> None:
    db.executemany(changes.ADD_NEW_PARAM, [(run_id, *item) for item in params.items()])


def _add_metrics(db: sqlite3.Connection, run_id: str, metrics: Mapping[str, float], now: int) -> None:
    rows = [(run_id, name, *_stored(value), now) for name, value in metrics.items()]
    db.executemany(changes.ADD_METRIC, rows)
    db.executemany(changes.ADD_LATEST_METRIC, rows)


def _add_datasets(db: sqlite3.Connection, run_id: str, datasets: Sequence[RunDataset]) -> None:
    rows = [
        {
            "run_id": run_id,
            "dataset": uuid.uuid4().hex,
            "input": uuid.uuid4().hex,
            "name": one.name,
            "digest": one.digest,
            "source_type": one.source_type,
            "source": one.source,
            "tag": CONTEXT,
            "context": one.context,
        }
        for one in datasets
    ]
    for statement in (changes.ADD_DATASET, changes.ADD_INPUT, changes.ADD_INPUT_TAG):
        db.executemany(statement, rows)


def _stored(value: float) -> tuple[float, bool]:
    """Return a metric's value and whether it is NaN, as MLflow stores them: SQL has neither NaN nor infinity."""
    if math.isnan(value):
        return 0.0, True
    largest = sys.float_info.max
    return min(max(value, -largest), largest), False


def artifact_uri_below(location: str, run_id: str) -> str:
    """Return where MLflow puts the artifacts of a run of an experiment at this location, a path or a URI."""
    parts = urlparse(location)
    below = posixpath.join(parts.path, run_id, "artifacts")
    if not parts.scheme:
        return posixpath.join(location, run_id, "artifacts")
    if parts.path.startswith("/"):
        return urlunparse(parts._replace(path=below))
    return f"{parts.scheme}:{urlunparse(parts._replace(scheme='', path=below))}"

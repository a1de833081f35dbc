"""`doctor`: find problems in a tracking store and in a project's folder `.pipespec`, and say how to correct them.

Takes a store and returns findings. Writes nothing. Checks whether the artifacts of complete runs exist with their
sizes, and with `verify` also their content and our caches.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pipespec.engine.staging import dead_folders
from pipespec.errors import MissingPackageError, PipespecError, StoreUnavailableError, counted
from pipespec.operations.housekeeping.store_place import StorePlace
from pipespec.plan.records import Attempt, StepRecord
from pipespec.plan.store_findings import Examination, StoreFinding
from pipespec.step.content_digest import digest_file, digest_tree
from pipespec.tracking import record_names
from pipespec.tracking.artifact_uris import local_path
from pipespec.tracking.artifacts import verify
from pipespec.tracking.process_owner import Owner, owner_is_gone
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.tracking.run_facts import RunFacts, finished_record, flaw
from pipespec.tracking.server.server_version import server_version
from pipespec.tracking.tracking_uri import is_server

__all__ = ["examine"]

_LONG: Final = 24 * 3600.0
"""Seconds after which a run of another host should be examined."""
_LEAST: Final = (3, 17)
"""For a server: the earliest version with which pipespec is tested."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def examine(place: StorePlace, *, verify: bool = False) -> Examination:
    """Examine everything.

    Raises:
        UsageError: for a URI that cannot be a store.
    """
    findings: list[StoreFinding] = []
    looked_at: list[str] = []
    try:
        with place.read() as ledger:
            findings += _server(place)
            runs = ledger.bearing(record_names.PIPELINE)
            findings += _left_running(ledger.running())
            records = [(run, record) for run in runs if (record := _complete(run)) is not None]
            findings += _artifacts(records, ledger, place, verify=verify)
        looked_at.append(f"{counted(len(runs), 'run')}, {len(records)} of them complete")
    except StoreUnavailableError as error:
        hint = "start or correct the store, or choose another one: mlflow.tracking_uri"
        findings.append(StoreFinding("store-unavailable", place.name.short, str(error), hint))
    findings += _folder(place, verify=verify)
    looked_at.append("the folder .pipespec" + (" and its caches" if verify else ""))
    return Examination(place.name, tuple(findings), tuple(looked_at))


def _server(place: StorePlace) -> Iterator[StoreFinding]:
    if not is_server(place.uri):
        return
    version = server_version(place.uri)
    numbers = [int(part) for part in re.findall(r"\d+", version or "")[:2]]
    if len(numbers) == 2 and tuple(numbers) < _LEAST:
        message = (
            f"the server runs MLflow {version}; pipespec is tried with {_LEAST[0]}.{_LEAST[1]} and later"
        )
        yield StoreFinding(
            "server-version", place.name.short, message, "install a newer MLflow on the server"
        )


def _left_running(running: Sequence[Attempt]) -> Iterator[StoreFinding]:
    now = time.time()
    for run in running:
        what = f"step '{run.step}'" if run.step else "an invocation"
        gone = owner_is_gone(run.owner)
        if gone:
            message = f"{what} is RUNNING in MLflow, but its process is gone"
            hint = "the next 'pipespec run' of its pipeline that executes a step marks it KILLED"
            yield StoreFinding("left-running", f"run {run.run_id}", message, hint)
        elif gone is None and now - run.started > _LONG:
            owner = Owner.parse(run.owner)
            host = owner.host if owner is not None else "an unknown host"
            message = f"{what} has been RUNNING since {_date(run.started)} on {host}, which cannot be seen from here"
            hint = "if it does not run there any more, the next 'pipespec run' that executes a step of its pipeline marks it KILLED"
            yield StoreFinding("long-running", f"run {run.run_id}", message, hint)


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _complete(run: RunFacts) -> StepRecord | None:
    return finished_record(run) if record_names.MANIFEST in run.tags else None


def _artifacts(
    records: Sequence[tuple[RunFacts, StepRecord]], ledger: Ledger, place: StorePlace, *, verify: bool
) -> Iterator[StoreFinding]:
    closed: dict[str, str] = {}
    unread: Counter[str] = Counter()
    again = "the next 'pipespec run' makes it again, if it is still needed; 'pipespec gc' finds what is not"
    for run, record in records:
        where = f"run {record.run_id} of step '{record.step}'"
        if record_names.DAMAGED in run.tags:
            yield StoreFinding("damaged-run", where, run.tags[record_names.DAMAGED], again)
            continue
        folder = local_path(record.artifact_uri)
        problem = None if folder is None else flaw(record, Path(folder))
        if problem is not None:
            yield StoreFinding("missing-artifact", where, problem, again)
        elif verify:
            store = _store_of(record.artifact_uri)
            try:
                problem = None if store in closed else _altered(record, ledger, place)
            except (StoreUnavailableError, MissingPackageError) as error:
                closed[store] = str(error)
            unread[store] += store in closed
            if problem is not None:
                yield StoreFinding(
                    "altered-artifact", where, problem, "run with --verify: pipespec run --verify"
                )

    for store, why in closed.items():
        message = f"{why}; what {counted(unread[store], 'run')} left there was not verified"
        hint = "let this store be read from here, and look again"
        yield StoreFinding("unreadable-artifacts", store, message, hint)


def _store_of(artifact_uri: str) -> str:
    """Return what answers for an artifact: a bucket, a host, or the tracking server."""
    parts = urlsplit(artifact_uri)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else f"{parts.scheme}:"


def _altered(record: StepRecord, ledger: Ledger, place: StorePlace) -> str | None:
    for name in record.outputs:
        try:
            verify(recorded_artifact(record, name), place.state.downloads, ledger.tracking_uri)
        except (StoreUnavailableError, MissingPackageError):
            raise
        except (PipespecError, OSError) as error:
            return f"output '{name}': {error}"
    return None


# ------------------------------------------------------------------------------- the folder .pipespec


def _folder(place: StorePlace, *, verify: bool) -> Iterator[StoreFinding]:
    state = place.state
    for folder in dead_folders(state.staging):
        message = "the run that wrote here is dead, and its lock is stale"
        yield StoreFinding(
            "stale-lock",
            _short(folder, place),
            message,
            "the next 'pipespec run' that executes a step removes it, or 'pipespec gc --delete'",
        )
    for kept in sorted(state.unpublished.iterdir()) if state.unpublished.is_dir() else ():
        message = "a result waits for the store that was away when it was made"
        yield StoreFinding(
            "unpublished-result", _short(kept, place), message, "the next 'pipespec run' publishes it"
        )
    if state.digests.exists() and not _is_sound(state.digests):
        message = "the memory of digests is damaged, so all inputs are read again each time"
        yield StoreFinding("damaged-cache", _short(state.digests, place), message, "delete it")
    if verify:
        yield from _lying_downloads(place)
        yield from _lying_digests(place)


def _short(path: Path, place: StorePlace) -> str:
    return str(path.relative_to(place.root))


def _is_sound(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            return opened.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    except sqlite3.Error:
        return False


def _lying_downloads(place: StorePlace) -> Iterator[StoreFinding]:
    folder = place.state.downloads
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not _DIGEST.fullmatch(path.name):
            continue
        try:
            digests = {digest_tree(path).digest} if path.is_dir() else {digest_file(path)[0]}
        except (PipespecError, OSError):
            digests = set()
        if path.name not in digests:
            message = "the download does not have the content that its name says"
            yield StoreFinding(
                "lying-cache",
                _short(path, place),
                message,
                "delete it; it is fetched again when it is needed",
            )


def _lying_digests(place: StorePlace) -> Iterator[StoreFinding]:
    database = place.state.digests
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            rows = opened.execute("SELECT path, size, mtime, ctime, inode, digest FROM digests_1").fetchall()
    except sqlite3.Error:
        return
    for path, *identity, digest in rows:
        file = Path(bytes(path).decode(errors="surrogateescape"))
        try:
            status = file.stat()
            known = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
            is_lie = known == identity and digest_file(file)[0] != digest
        except (PipespecError, OSError):
            continue
        if is_lie:
            message = (
                f"the memory has another digest of '{file}' than its content, though the file looks unchanged"
            )
            yield StoreFinding(
                "lying-cache", _short(database, place), message, "delete it; inputs are then read again"
            )

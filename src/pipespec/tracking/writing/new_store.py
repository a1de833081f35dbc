"""Create a database file for a project that has none yet: once, completely or not at all.

When several processes open a store for the first time, MLflow fails in all but one of them, and a killed process leaves
half a schema. Therefore the store is built under another name, and gets its own name by one link. A lock on the folder
lets one process do the work for all. Takes a path, at which the store is created: a copy of the one in the user's
cache, which MLflow creates once for each of its versions. Only that imports mlflow.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import time
from pathlib import Path

from pipespec.tracking.mlflow_client import quiet
from pipespec.tracking.tracking_uri import ARTIFACT_FOLDER
from pipespec.tracking.writing.folder_lock import locked
from pipespec.tracking.writing.sqlite_changes import SETTLE_DEFAULT_EXPERIMENT
from pipespec.tracking.writing.store_cache import StoreCache, is_empty_store

__all__ = ["make_store"]


def make_store(path: Path, *, log: Path | None = None) -> None:
    """Create an empty tracking store at `path`, unless something exists there. Waits while another process creates it.

    MLflow's log output goes to the file `log`.

    Raises:
        OSError: if the folder cannot be written.
        Exception: whatever MLflow raises; then nothing is at `path`.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent):
        for remains in path.parent.glob(f".{path.name}.*.new*"):
            remains.unlink(missing_ok=True)
        if path.exists():
            return
        built = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
        try:
            _make_empty(built, log)
            _settle(built, path.parent / ARTIFACT_FOLDER)
            _give_name(built, path)
        finally:
            built.unlink(missing_ok=True)


def _make_empty(path: Path, log: Path | None) -> None:
    cache = StoreCache()
    if _copy(cache, path):
        return
    with cache.alone():
        if _copy(cache, path):  # another project was first
            return
        _build(path, log)
        if is_empty_store(path):
            cache.keep(path.read_bytes())


def _copy(cache: StoreCache, path: Path) -> bool:
    content = cache.find()
    if content is None:
        return False
    path.write_bytes(content)
    if is_empty_store(path):
        return True
    path.unlink()
    return False


def _build(path: Path, log: Path | None) -> None:
    path.touch()  # a folder that cannot be written is reported immediately; MLflow would try for 100 s
    uri = f"sqlite:///{path}"
    with quiet(log):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415 - takes seconds

        store = SqlAlchemyStore(uri, f"file:///{ARTIFACT_FOLDER}")
        store.engine.dispose()
        SqlAlchemyStore._engine_map.pop(uri, None)  # noqa: SLF001 - it would keep an engine of a deleted name


def _settle(path: Path, artifacts: Path) -> None:
    """Set the folder and the time of the default experiment for this project."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")  # the whole file is synced to the disk before it gets its name
        now = int(time.time() * 1000)
        db.execute(SETTLE_DEFAULT_EXPERIMENT, {"location": f"{artifacts.as_uri()}/0", "now": now})


def _give_name(built: Path, path: Path) -> None:
    with built.open("rb") as file:
        os.fsync(file.fileno())
    try:
        path.hardlink_to(built)
    except FileExistsError:
        return
    except OSError:
        built.replace(path)  # a file system without links
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

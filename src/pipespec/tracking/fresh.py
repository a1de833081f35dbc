"""A database file for a project that has none yet: made once, whole or not at all.

MLflow's own first opening fails in all but one of several processes, and leaves half a schema when it is
killed. So the store is built under another name, and gets its own by one link; a lock on the folder lets one
process do the work for all. Takes a path, gives a store there; imports mlflow only where there is none.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from pipespec.tracking.store import ARTIFACT_FOLDER

__all__ = ["make_store"]


def make_store(path: Path) -> None:
    """Make an empty tracking store at `path`, unless something is there; waits while another process makes it.

    Raises:
        OSError: where the folder cannot be written.
        Exception: whatever MLflow raises; then nothing is at `path`.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent):
        for remains in path.parent.glob(f".{path.name}.*.new*"):
            remains.unlink(missing_ok=True)
        if path.exists():
            return
        built = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
        try:
            _build(built, path.parent / ARTIFACT_FOLDER)
            _give_name(built, path)
        finally:
            built.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder itself; where its file system has none, the link alone still decides."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _build(path: Path, artifacts: Path) -> None:
    # Late: by now the caller has imported mlflow anyway.
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415

    path.touch()  # a folder that cannot be written is told at once; MLflow would try for 100 s
    uri = f"sqlite:///{path}"
    store = SqlAlchemyStore(uri, artifacts.as_uri())
    store.engine.dispose()
    SqlAlchemyStore._engine_map.pop(uri, None)  # noqa: SLF001 - or it would keep an engine of a name that is gone


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

"""The files of a run in a store that is not local: the requests to the store, and who executes them.

Takes an artifact URI and the tracking URI. Files that a tracking server serves are requested by its HTTP routes, files
in S3 by boto3, all others through MLflow's artifact repositories, which take seconds to import.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from pipespec.activity import Activity, busy
from pipespec.errors import PipespecError, StoreUnavailableError, counted
from pipespec.fault_points import reach
from pipespec.tracking.artifact_uris import original_name, stored_name
from pipespec.tracking.mlflow_client import import_mlflow, without_progress
from pipespec.tracking.tracking_uri import is_server, shown

__all__ = ["FarFiles", "Sent", "far_files", "send_beside", "send_whole"]

Sent: TypeAlias = Callable[[int], None]
"""Is called with the size of each piece that was sent, in bytes; with a negative number if data is sent again."""


class FarFiles(Protocol):
    """The files of one run. Names are relative, with slashes. If the store fails, StoreUnavailableError is raised.

    Threads may share it.
    """

    def put(self, source: Path | bytes, name: str, sent: Sent | None = None) -> None:
        """Put a file, in place of what is there."""

    def sizes(self, folder: str) -> Mapping[str, int | None] | None:
        """Return what is in a folder, by its whole name, with its size where the store tells it.

        None where that need not be looked at: the store is told how long a file is, and refuses what is shorter.
        """

    def get(self, name: str, target: Path) -> None:
        """Fetch a file, or a whole directory, whose name ends with a slash, to a place where nothing exists yet.

        Raises:
            FileNotFoundError: if the file certainly does not exist.
        """


@contextlib.contextmanager
def far_files(artifact_uri: str, tracking_uri: str) -> Iterator[FarFiles]:
    """Open the files at an artifact URI.

    Raises:
        StoreUnavailableError: for every error of the store inside the block.
    """
    with contextlib.ExitStack() as stack:
        files = _by_server(artifact_uri, tracking_uri, stack) if is_server(tracking_uri) else None
        if files is None and artifact_uri.startswith("s3://"):
            from pipespec.tracking.stores.s3_files import S3Files  # noqa: PLC0415 - only S3 needs it

            files = S3Files(artifact_uri)
        if files is None:
            stack.enter_context(_sending(artifact_uri))
            from pipespec.scratch import scratch  # noqa: PLC0415 - a local store needs none

            folder = stack.enter_context(scratch())
            files = _RepositoryFiles(_repository(artifact_uri, tracking_uri), folder)
        yield _NamedFiles(files)


class _NamedFiles:
    """A FarFiles whose store keeps each file under a name that it returns unchanged."""

    def __init__(self, files: FarFiles) -> None:
        self._files = files

    def put(self, source: Path | bytes, name: str, sent: Sent | None = None) -> None:
        self._files.put(source, stored_name(name), sent)

    def sizes(self, folder: str) -> Mapping[str, int | None] | None:
        found = self._files.sizes(stored_name(folder))
        return found and {original_name(name): size for name, size in found.items()}

    def get(self, name: str, target: Path) -> None:
        self._files.get(stored_name(name), target)
        if not name.endswith("/"):
            return
        for folder, folders, names in os.walk(target, topdown=False):
            for stored in (*folders, *names):
                if (original := original_name(stored)) != stored:
                    Path(folder, stored).rename(Path(folder, original))


def _by_server(artifact_uri: str, tracking_uri: str, stack: contextlib.ExitStack) -> FarFiles | None:
    # Late import: HTTP takes 40 ms, which a step with local files does not need.
    from pipespec.tracking.server.reach_server import server_client  # noqa: PLC0415
    from pipespec.tracking.server.server_files import ServerFiles, is_handed_out  # noqa: PLC0415

    if not is_handed_out(artifact_uri, tracking_uri):
        return None
    client = server_client(tracking_uri)
    return None if client is None else ServerFiles(stack.enter_context(client), artifact_uri)


def send_whole(far: FarFiles, files: Mapping[str, Path | bytes]) -> None:
    """Put small files, several at a time, and make sure that all of each is there.

    Raises:
        StoreUnavailableError: where it is not.
    """
    _send(far, files, lambda name: far.put(files[name], name))


def send_beside(far: FarFiles, files: Mapping[str, Path], work: Activity) -> None:
    """Put files, several at a time, and make sure that all of each is there; `work` is told how far it is.

    Raises:
        StoreUnavailableError: where it is not.
    """
    _send(far, files, lambda name: far.put(files[name], name, work.advance))


def _send(
    far: FarFiles, files: Mapping[str, Path | bytes] | Mapping[str, Path], put: Callable[[str], None]
) -> None:
    from pipespec.tracking.stores.side_by_side import side_by_side  # noqa: PLC0415 - what stays here has no use for it

    def send(name: str) -> None:
        put(name)
        reach("publish.mid-upload")

    side_by_side(send, files)
    _require_whole(far, files)


def _require_whole(far: FarFiles, files: Mapping[str, Path | bytes] | Mapping[str, Path]) -> None:
    found: dict[str, int | None] = {}
    for folder in {name.rpartition("/")[0] for name in files}:
        listed = far.sizes(folder)
        if listed is None:
            return
        found.update(listed)
    for name, source in files.items():
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if name not in found:
            raise StoreUnavailableError(f"the artifact store accepted '{name}' but does not list it")
        if found[name] not in (None, size):
            raise StoreUnavailableError(
                f"the artifact store has {counted(found[name] or 0, 'byte')} of '{name}', which has {size}"
            )


class _RepositoryFiles:
    """A FarFiles over one of MLflow's artifact repositories."""

    def __init__(self, repository: Any, scratch: Path) -> None:
        self._repository = repository
        self._scratch = scratch

    def put(self, source: Path | bytes, name: str, sent: Sent | None = None) -> None:
        folder, _, base = name.rpartition("/")
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        with tempfile.TemporaryDirectory(dir=self._scratch) as own:
            if isinstance(source, bytes) or source.name != base:
                # A repository gives a file the name of its source.
                named = Path(own, base)
                if isinstance(source, bytes):
                    named.write_bytes(source)
                else:
                    named.symlink_to(source.absolute())
                source = named
            self._repository.log_artifact(str(source), folder or None)
        if sent is not None:
            sent(size)

    def sizes(self, folder: str) -> Mapping[str, int | None]:
        return {info.path: info.file_size for info in self._repository.list_artifacts(folder or None)}

    def get(self, name: str, target: Path) -> None:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as scratch:
            try:
                with busy(f"downloading {name}"):
                    self._repository.download_artifacts(name.rstrip("/"), scratch)
            except Exception as error:
                # Each store reports in its own way that a file does not exist.
                if name not in self.sizes(name.rpartition("/")[0]):
                    raise FileNotFoundError(name) from error
                raise
            Path(scratch, name.rstrip("/")).replace(target)


@contextlib.contextmanager
def _sending(uri: str) -> Iterator[None]:
    """Turn the errors of artifact stores into one kind. Each store's library has its own errors."""
    try:
        with without_progress():
            yield
    except (PipespecError, FileNotFoundError):
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise StoreUnavailableError(f"artifact store {shown(uri)}: {shown(lines[0])[:300]}") from error


def _repository(artifact_uri: str, tracking_uri: str) -> Any:
    import_mlflow()
    from mlflow.store.artifact.artifact_repository_registry import (  # noqa: PLC0415 - as import_mlflow
        get_artifact_repository,
    )

    return get_artifact_repository(artifact_uri, tracking_uri=tracking_uri)

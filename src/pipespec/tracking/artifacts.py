"""How files get into a run, and back.

Takes the artifact URI of a run, names below it and local files. Files of a local store are put and read
without mlflow: moved or copied beside their place, written through to the disk, then renamed into it; others
go through MLflow's artifact repositories, and their sizes are read back. What is fetched is compared with
its recorded digest, since MLflow hands out cut and zeroed files without a word.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.faults import reach
from pipespec.step.digest import digest_file, digest_tree, walk_files
from pipespec.step.model import Artifact
from pipespec.tracking.client import import_mlflow, without_progress
from pipespec.tracking.places import local_path, location, require_name
from pipespec.tracking.store import shown

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

__all__ = [
    "fetch",
    "local_path",
    "localise",
    "location",
    "put",
    "read",
    "require_digest",
    "upload",
]


# ------------------------------------------------------------------------------------------- putting


def upload(files: Sequence[tuple[Path, str]], artifact_uri: str, tracking_uri: str) -> None:
    """Put local files and directories below a run, each under its name; a directory's name ends with a slash.

    A local store takes the files themselves: they are moved where that is possible. Called in the worker's
    process, with the run's URI as `Recorder.start` gave it.

    Raises:
        PipespecError: for a name that not every store keeps.
        StoreUnavailableError: where the store did not take them whole.
        OSError: from a local disk, for instance when it is full.
    """
    found = list(_flat(files))
    for _, name in found:
        require_name(name)
    reach("publish.before-upload")
    folder = local_path(artifact_uri)
    if folder is not None:
        _place(found, folder, [name for _, name in files if name.endswith("/")])
    elif found:
        _send(found, artifact_uri, tracking_uri)
    reach("publish.after-upload")


def _flat(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    for source, name in files:
        if name.endswith("/"):
            yield from ((path, name + below) for below, path in walk_files(source))
        else:
            yield source, name


def _place(files: Sequence[tuple[Path, str]], folder: Path, directories: Iterable[str]) -> None:
    for directory in directories:
        (folder / directory).mkdir(parents=True, exist_ok=True)
    touched = {folder}
    for source, name in files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with _written_through(source, target) as written:
            reach("publish.mid-upload")
            written.replace(target)
        touched.update(parent for parent in target.parents if parent.is_relative_to(folder))
    for place in touched:
        if place.is_dir():
            _sync(place)


@contextlib.contextmanager
def _written_through(source: Path, target: Path) -> Iterator[Path]:
    """Give a file with the source's content on the target's disk: the source itself, or a copy beside the target."""
    status = source.lstat()
    movable = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    if movable and status.st_dev == target.parent.stat().st_dev:
        _sync(source)
        yield source
        return
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".pipespec-")
    copy_path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as copy, source.open("rb") as original:
            shutil.copyfileobj(original, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        copy_path.chmod(stat.S_IMODE(status.st_mode))
        yield copy_path
    finally:
        copy_path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _send(files: Sequence[tuple[Path, str]], artifact_uri: str, tracking_uri: str) -> None:
    with _sending(artifact_uri), tempfile.TemporaryDirectory(prefix="pipespec-") as scratch:
        repository = _repository(artifact_uri, tracking_uri)
        for source, name in files:
            folder, _, base = name.rpartition("/")
            if source.name != base:
                # A repository names a file as its source is named.
                link = Path(scratch, base)
                link.unlink(missing_ok=True)
                link.symlink_to(source.absolute())
                source = link  # noqa: PLW2901 - the same content under its name
            repository.log_artifact(str(source), folder or None)
            reach("publish.mid-upload")
        _require_sizes(repository, {name: source.stat().st_size for source, name in files})


def _require_sizes(repository: ArtifactRepository, sizes: Mapping[str, int]) -> None:
    found: dict[str, int | None] = {}
    for folder in {name.rpartition("/")[0] for name in sizes}:
        found.update((info.path, info.file_size) for info in repository.list_artifacts(folder or None))
    for name, size in sizes.items():
        if name not in found:
            raise StoreUnavailableError(f"the artifact store took '{name}' and does not list it")
        if found[name] not in (None, size):
            raise StoreUnavailableError(
                f"the artifact store has {found[name]} bytes of '{name}', which has {size}"
            )


def put(files: Mapping[str, bytes], artifact_uri: str, tracking_uri: str) -> None:
    """Put small files of ours below a run, name -> content, one after the other in this order.

    Raises:
        StoreUnavailableError: where the store did not take them whole.
        OSError: from a local disk.
    """
    folder = local_path(artifact_uri)
    if folder is not None:
        for name, content in files.items():
            _write(folder / name, content)
        return
    with tempfile.TemporaryDirectory(prefix="pipespec-") as scratch:
        sources = []
        for number, (name, content) in enumerate(files.items()):
            source = Path(scratch, str(number), name.rpartition("/")[2])
            source.parent.mkdir()
            source.write_bytes(content)
            sources.append((source, name))
        _send(sources, artifact_uri, tracking_uri)


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".pipespec-{secrets.token_hex(8)}")
    with temporary.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
    _sync(target.parent)


# ------------------------------------------------------------------------------------------- getting


def read(artifact_uri: str, file: str, tracking_uri: str) -> bytes:
    """Return a small file of a run.

    Raises:
        FileNotFoundError: where a local store has none.
        StoreUnavailableError: where another store does not give it.
    """
    folder = local_path(artifact_uri)
    if folder is not None:
        return (folder / file).read_bytes()
    with tempfile.TemporaryDirectory(prefix="pipespec-") as scratch:
        try:
            return _download(location(artifact_uri, file), Path(scratch), tracking_uri).read_bytes()
        except StoreUnavailableError as error:
            if not _is_listed(artifact_uri, file, tracking_uri):
                raise FileNotFoundError(file) from error
            raise


def _is_listed(artifact_uri: str, file: str, tracking_uri: str) -> bool:
    """Tell whether a store has a file: how it says on a download that it has none differs from store to store.

    Raises:
        StoreUnavailableError: where it cannot be asked that either.
    """
    with _sending(artifact_uri):
        folder = file.rpartition("/")[0]
        return any(
            info.path == file
            for info in _repository(artifact_uri, tracking_uri).list_artifacts(folder or None)
        )


def localise(artifact: Artifact, downloads: Path, tracking_uri: str) -> Artifact:
    """Return the artifact with a local path for its location; what is local already is returned as it is.

    A download is kept at `downloads/<digest>` and used again as long as it has that digest.

    Raises:
        StoreUnavailableError: where the store does not give it.
        PipespecError: where what it gives is not what the run recorded.
    """
    if local_path(artifact.location) is not None:
        return artifact
    name = artifact.digest or hashlib.sha256(artifact.location.encode()).hexdigest()
    target = downloads / name
    is_directory = artifact.location.endswith("/")
    if artifact.digest is None or _digest(target, is_directory=is_directory) != artifact.digest:
        _discard(target)
        downloads.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=downloads, prefix=".part-") as scratch:
            got = _download(artifact.location, Path(scratch), tracking_uri)
            require_digest(got, artifact)
            with contextlib.suppress(OSError):  # another process was first, with the same content
                got.replace(target)
    return replace(artifact, location=f"{target}/" if is_directory else str(target))


def fetch(artifact: Artifact, to: Path, downloads: Path, tracking_uri: str) -> None:
    """Copy an artifact to `to`, a file or directory that is not there yet or is replaced.

    Raises:
        StoreUnavailableError: where the store does not give it.
        PipespecError: where it is gone, or not what the run recorded; then `to` is as it was.
    """
    local = localise(artifact, downloads, tracking_uri)
    source = local_path(local.location)
    assert source is not None
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".pipespec-") as scratch:
        copy = Path(scratch, to.name)
        try:
            if source.is_dir():
                shutil.copytree(source, copy, symlinks=True)
            else:
                shutil.copyfile(source, copy)
        except FileNotFoundError:
            raise PipespecError(f"'{artifact.name}' is gone from '{source}'") from None
        require_digest(copy, artifact)
        if to.is_dir():
            to.replace(Path(scratch, ".replaced"))
        copy.replace(to)


def require_digest(path: Path, artifact: Artifact) -> None:
    """Compare the content of a local copy with what was recorded.

    Raises:
        PipespecError: where it is something else, or gone.
    """
    digest = _digest(path, is_directory=artifact.location.endswith("/"))
    if artifact.digest is not None and digest != artifact.digest:
        raise PipespecError(
            f"'{artifact.name}' is not what its run recorded: its content was altered at "
            f"{shown(artifact.location)} since"
        )


def _digest(path: Path, *, is_directory: bool) -> str | None:
    try:
        return digest_tree(path).digest if is_directory else digest_file(path)[0]
    except (OSError, PipespecError):
        return None


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _download(uri: str, scratch: Path, tracking_uri: str) -> Path:
    folder, _, name = uri.rstrip("/").rpartition("/")
    with _sending(uri):
        _repository(folder, tracking_uri).download_artifacts(name, str(scratch))
    return scratch / name


@contextlib.contextmanager
def _sending(uri: str) -> Iterator[None]:
    """Artifact stores fail in as many ways as there are libraries for them."""
    try:
        with without_progress():
            yield
    except PipespecError:
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

"""Put files into a run, and get them back.

Takes the artifact URI of a run, names in it, and local files. Files of a local store are written and read without
mlflow: they are moved or copied next to their place, renamed into it, then synced to the disk. Other files are sent to
their store, and their sizes are read back. Fetched content is compared with its recorded digest, because MLflow
silently returns truncated and zeroed files.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.activity import busy
from pipespec.errors import AlteredContentError, PipespecError, UsageError
from pipespec.fault_points import reach
from pipespec.step.content_digest import digest_file, digest_tree, walk_files
from pipespec.step.step_job import Artifact
from pipespec.tracking.artifact_uris import local_path, location, original_name, require_name
from pipespec.tracking.far_files import far_files, send_beside, send_whole
from pipespec.tracking.record_names import MANIFEST_FILE
from pipespec.tracking.tracking_uri import shown

__all__ = [
    "fetch",
    "keep_uploaded",
    "local_path",
    "localise",
    "location",
    "make_executable",
    "put",
    "read",
    "require_digest",
    "require_storable",
    "sweep_temporaries",
    "upload",
    "verified_path",
    "verify",
]

_TEMPORARY: Final = ".pipespec-"
"""Prefix of files that are being written, in the folder of the files that they replace."""


_READABLE: Final = 0o444

# ------------------------------------------------------------------------------------------- putting


def upload(files: Sequence[tuple[Path, str]], artifact_uri: str, tracking_uri: str) -> None:
    """Put local files and directories into a run, each under its name. The name of a directory ends with a slash.

    A local store takes the files themselves: they are moved if possible. Called in the worker's process, with the run's
    URI as returned by `Recorder.start`.

    Raises:
        PipespecError: for a name that not every store keeps.
        StoreUnavailableError: if the store did not store them completely.
        OSError: from a local disk, for example if it is full.
    """
    found = list(_flat(files))
    for _, name in found:
        require_name(name)
    reach("publish.before-upload")
    folder = local_path(artifact_uri)
    if folder is not None:
        _place(found, folder, [name for _, name in files if name.endswith("/")])
    elif found:
        size = sum(source.stat().st_size for source, _ in found)
        with (
            far_files(artifact_uri, tracking_uri) as far,
            busy(f"uploading {', '.join(name for _, name in files)}", size) as work,
        ):
            send_beside(far, {name: source for source, name in found}, work)
    reach("publish.after-upload")


def require_storable(files: Sequence[tuple[Path, str]]) -> None:
    """Refuse files and directories that `upload` would refuse, before it is called.

    Raises:
        PipespecError: for a name that not every store keeps.
    """
    for _, name in _flat(files):
        require_name(name)


def keep_uploaded(files: Sequence[tuple[Path, str]], downloads: Path) -> None:
    """Add uploaded files and directories to the downloads by their digests, so that they are not fetched again here."""
    from pipespec.tracking.stores.download_cache import DownloadCache  # noqa: PLC0415 - see `localise`

    cache = DownloadCache(downloads)
    for path, digest in files:
        with contextlib.suppress(OSError):  # then it is fetched by the first reader
            cache.keep(path, digest)


def _flat(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    for source, name in files:
        if name.endswith("/"):
            yield from ((path, name + below) for below, path in walk_files(source))
        else:
            yield source, name


def _place(files: Sequence[tuple[Path, str]], folder: Path, directories: Iterable[str]) -> None:
    for directory in (folder, *(folder / directory for directory in directories)):
        directory.mkdir(parents=True, exist_ok=True)
    for source, name in files:
        target = folder / name
        if target.parent != folder:
            target.parent.mkdir(parents=True, exist_ok=True)
        with _beside(source, target) as written:
            reach("publish.mid-upload")
            written.replace(target)
        _sync(target)


@contextlib.contextmanager
def _beside(source: Path, target: Path) -> Iterator[Path]:
    """Return a file with the source's content on the target's disk: the source itself, or a copy next to the target."""
    status = source.lstat()
    movable = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    if movable and status.st_dev == target.parent.stat().st_dev:
        yield source
        return
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=_TEMPORARY)
    copy_path = Path(name)
    try:
        with (
            os.fdopen(descriptor, "wb") as copy,
            source.open("rb") as original,
            busy(f"copying {target.name}", status.st_size),
        ):
            shutil.copyfileobj(original, copy, 1 << 20)
        copy_path.chmod(stat.S_IMODE(status.st_mode))
        yield copy_path
    finally:
        copy_path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Sync a file to the disk, after it was renamed to its final name. The folder is not synced separately.

    The usual file systems then also write the name. On others, a power failure may lose a whole file, which is noticed
    and made again. Lost content, in contrast, would be taken for the result.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(files: Mapping[str, bytes], artifact_uri: str, tracking_uri: str) -> None:
    """Put small files of ours below a run, name -> content.

    In a local store only the manifest is synced to the disk: a result counts if its manifest exists. The others are
    only for users to read.

    Raises:
        StoreUnavailableError: if the store did not store them completely.
        OSError: from a local disk.
    """
    folder = local_path(artifact_uri)
    if folder is not None:
        for place in {(folder / name).parent for name in files}:
            place.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _write(folder / name, content, through=name == MANIFEST_FILE)
        return
    with far_files(artifact_uri, tracking_uri) as far:
        send_whole(far, files)


def _write(target: Path, content: bytes, *, through: bool) -> None:
    """Write a file completely or not at all. `through` as in `_sync`."""
    temporary = target.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            temporary.replace(target)
            if through:
                os.fsync(file.fileno())
    except BaseException:  # mostly: the disk is full
        temporary.unlink(missing_ok=True)
        raise


def sweep_temporaries(artifact_uri: str) -> None:
    """Remove incomplete files that a killed writer left among the files of a run in a local store."""
    folder = local_path(artifact_uri)
    if folder is None or not folder.is_dir():
        return
    for place, _, names in os.walk(folder):
        for name in names:
            if name.startswith(_TEMPORARY):
                with contextlib.suppress(OSError):
                    Path(place, name).unlink()


# ------------------------------------------------------------------------------------------- getting


def read(artifact_uri: str, file: str, tracking_uri: str) -> bytes:
    """Return a small file of a run.

    Raises:
        FileNotFoundError: if it does not exist.
        StoreUnavailableError: if a store that is not local does not return it.
    """
    folder = local_path(artifact_uri)
    if folder is not None:
        return (folder / file).read_bytes()
    from pipespec.scratch import scratch  # noqa: PLC0415 - a local store needs none

    with (
        scratch() as folder,
        far_files(artifact_uri, tracking_uri) as far,
    ):
        far.get(file, folder / "file")
        return (folder / "file").read_bytes()


def localise(
    artifact: Artifact, downloads: Path, tracking_uri: str, *, kept_as: str | None = None
) -> Artifact:
    """Return the artifact with a local path as its location. An artifact that is already local is returned unchanged.

    A download is stored under its digest in the `DownloadCache` of the folder `downloads`, and reused as long as it is
    there. Content that has no digest but never changes is stored as `kept_as`.

    Raises:
        StoreUnavailableError: if the store does not return it.
        AlteredContentError: if it is gone, or is not what the run recorded.
    """
    if local_path(artifact.location) is not None:
        return artifact
    # Late import: a project whose files are all local does not need it.
    from pipespec.tracking.stores.download_cache import DownloadCache  # noqa: PLC0415

    cache = DownloadCache(downloads)
    is_directory = artifact.location.endswith("/")
    digest = artifact.digest
    target: Path | None = None
    if digest is not None:
        target = cache.find(digest, lambda place: _digest(place, is_directory=is_directory) == digest)
    elif kept_as is not None:
        target = cache.find(kept_as, lambda _: True)
    if target is None:
        with cache.part() as part:
            _download(artifact.location, part / "got", tracking_uri)
            require_digest(part / "got", artifact)
            target = cache.keep(part / "got", digest or kept_as or f"undigested-{secrets.token_hex(8)}")
    make_executable(target, artifact.executable)
    return replace(artifact, location=f"{target}/" if is_directory else str(target))


def fetch(
    artifact: Artifact, to: Path, downloads: Path, tracking_uri: str, *, replace_other: bool = False
) -> None:
    """Copy an artifact to `to`. Other content at `to` is replaced only with `replace_other`.

    Raises:
        UsageError: if something else is there.
        StoreUnavailableError: if the store does not return it.
        AlteredContentError: if it is gone, or is not what the run recorded. Then `to` is unchanged.
    """
    if os.path.lexists(to) and not replace_other:
        if artifact.digest is not None and artifact.digest == _digest(
            to, is_directory=artifact.location.endswith("/")
        ):
            return
        kind = "folder" if to.is_dir() else "file"
        raise UsageError(f"there is another {kind} at '{to}'; name another path, or replace it with --force")
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
                shutil.copy(source, copy)
        except FileNotFoundError:
            raise AlteredContentError(f"'{artifact.name}' no longer exists in '{source}'") from None
        require_digest(copy, artifact)
        make_executable(copy, artifact.executable)
        if os.path.lexists(to):
            to.replace(Path(scratch, ".replaced"))
        copy.replace(to)


def make_executable(place: Path, names: Iterable[str]) -> None:
    """Make those files at a place executable that were executable when they were recorded. A store may not keep this."""
    for name in names:
        path = place / name if place.is_dir() else place
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (mode & _READABLE) >> 2)


def verified_path(artifact: Artifact, downloads: Path, tracking_uri: str) -> Path:
    """Return a local path of an artifact (of a download, if it is not local) after its content was checked.

    Raises:
        StoreUnavailableError: if the store does not return it.
        AlteredContentError: if it is gone, or is not what the run recorded.
    """
    path = local_path(localise(artifact, downloads, tracking_uri).location)
    assert path is not None
    require_digest(path, artifact)
    return path


def verify(artifact: Artifact, downloads: Path, tracking_uri: str) -> None:
    """Read a whole artifact from its store, ignoring earlier downloads, and compare it with what was recorded.

    Raises the same errors as `verified_path`.
    """
    if local_path(artifact.location) is not None:
        verified_path(artifact, downloads, tracking_uri)
        return
    from pipespec.tracking.stores.download_cache import DownloadCache  # noqa: PLC0415 - see `localise`

    with DownloadCache(downloads).part() as part:
        _download(artifact.location, part / "got", tracking_uri)
        require_digest(part / "got", artifact)


def require_digest(path: Path, artifact: Artifact) -> None:
    """Compare the content of a local copy with what was recorded.

    Raises:
        AlteredContentError: if it is different, or gone.
    """
    digest = _digest(path, is_directory=artifact.location.endswith("/"))
    if artifact.digest is not None and digest != artifact.digest:
        raise AlteredContentError(
            f"'{artifact.name}' differs from what its run recorded: its content was changed at "
            f"{shown(artifact.location)} afterwards"
        )


def _digest(path: Path, *, is_directory: bool) -> str | None:
    try:
        return digest_tree(path).digest if is_directory else digest_file(path)[0]
    except (OSError, PipespecError):
        return None


def _download(uri: str, target: Path, tracking_uri: str) -> None:
    whole, slash = uri.rstrip("/"), "/" if uri.endswith("/") else ""
    folder, _, name = whole.rpartition("/")
    with far_files(folder, tracking_uri) as far:
        try:
            far.get(original_name(name) + slash, target)
        except FileNotFoundError:
            name = original_name(name)
            raise AlteredContentError(
                f"'{name}' no longer exists in the artifact store, at {shown(folder)}"
            ) from None

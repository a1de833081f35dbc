"""External inputs at URIs: what their stores know about them, and downloads of their content.

`s3://` uses boto3, everything else fsspec. If the store has a version, generation or etag, this identifies the content,
so that checking an unchanged object requires only a HEAD request. Otherwise, the content is read. Such an
identification is not the SHA-256 hash of the content, so content that is read later cannot be compared with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipespec.activity import busy
from pipespec.errors import UsageError
from pipespec.plan.records import OutputRecord
from pipespec.project.remote.remote_files import RemoteFile, RemoteFiles
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput
from pipespec.state_folder import StateFolder
from pipespec.step.content_digest import digest_file, tree_digest
from pipespec.tracking.stores.download_cache import DownloadCache

__all__ = ["digest_remote", "fetch_remote"]


def _store_of(source: FileInput | DirInput | FilesInput) -> RemoteFiles:
    """Return the store that contains an input.

    Raises:
        UsageError: if a package for it is not installed.
    """
    location = source.pattern if isinstance(source, FilesInput) else source.path
    # Each is imported late: few pipelines have inputs at URIs.
    if location.startswith("s3://"):
        from pipespec.project.remote.s3_inputs import S3Inputs  # noqa: PLC0415

        return S3Inputs(location)
    from pipespec.project.remote.fsspec_inputs import FsspecInputs  # noqa: PLC0415

    return FsspecInputs(source.text)


def digest_remote(source: FileInput | DirInput | FilesInput, state: StateFolder) -> OutputRecord:
    """Return the record of what a URI names. Content that must be read for that is kept with the downloads.

    Raises:
        UsageError: if it does not exist, or its store does not provide it.
    """
    store = _store_of(source)
    files = _look(store, source)
    manifest = {name: _mark_digest(file.mark) for name, file in files.items() if file.mark is not None}
    if len(manifest) < len(files):
        with _fetched(store, files, source, state) as (manifest, got):
            DownloadCache(state.downloads).keep(got, _place_of(_digest(source, manifest)))
    location = source.pattern if isinstance(source, FilesInput) else source.path
    name = location.rstrip("/").rpartition("/")[2]
    slash = "" if isinstance(source, FileInput) else "/"
    return OutputRecord(_digest(source, manifest), _size(files), len(files), f"{name}{slash}")


def fetch_remote(source: FileInput | DirInput | FilesInput, digest: str, state: StateFolder) -> Path:
    """Return a local folder with what a URI names. `digest` is the result of `digest_remote`.

    What has already been downloaded is not requested again.

    Raises:
        UsageError: if its store does not provide it, or provides another version.
    """
    cache = DownloadCache(state.downloads)
    folder = cache.find(_place_of(digest), Path.is_dir)
    if folder is None:
        store = _store_of(source)
        files = _look(store, source)
        with _fetched(store, files, source, state) as (manifest, got):
            # A mark belongs to what was downloaded if it is the same before and after.
            if _digest(source, manifest) != digest or store.look(source) != files:
                raise UsageError(f"'{source.text}' changed during the run; run again to use the new version")
            folder = cache.keep(got, _place_of(digest))
    return folder


def _look(store: RemoteFiles, source: FileInput | DirInput | FilesInput) -> Mapping[str, RemoteFile]:
    with busy(f"asking for {source.text}"):
        files = store.look(source)
    if not files:
        raise UsageError(f"there is nothing at '{source.text}'")
    for name in files:
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise UsageError(
                f"'{source.text}' has a file with the name {name!r}, which no local file can have"
            )
    return files


@contextlib.contextmanager
def _fetched(
    store: RemoteFiles,
    files: Mapping[str, RemoteFile],
    source: FileInput | DirInput | FilesInput,
    state: StateFolder,
) -> Iterator[tuple[dict[str, str], Path]]:
    """Provide the files below a folder until the block ends, with the identity of each."""
    state.made()
    manifest = {}
    with (
        DownloadCache(state.downloads).part() as part,
        busy(f"downloading {source.text}", _size(files)) as work,
    ):
        for name, file in files.items():
            place = part / "got" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            store.get(file, place, work.advance)
            manifest[name] = digest_file(place)[0] if file.mark is None else _mark_digest(file.mark)
        yield manifest, part / "got"


def _digest(source: FileInput | DirInput | FilesInput, manifest: Mapping[str, str]) -> str:
    if isinstance(source, FileInput):
        return next(iter(manifest.values()))
    return tree_digest(dict(sorted(manifest.items())))


def _place_of(digest: str) -> str:
    return f"remote-{digest}"


def _size(files: Mapping[str, RemoteFile]) -> int:
    return sum(file.size for file in files.values())


def _mark_digest(mark: tuple[str, str]) -> str:
    return hashlib.sha256(json.dumps(["remote", *mark], separators=(",", ":")).encode()).hexdigest()

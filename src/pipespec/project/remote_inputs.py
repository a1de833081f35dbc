"""External inputs at URIs: what their file system says of them, through fsspec.

A version, generation or etag stands for the content where the file system has one; otherwise the content is
read. Such an identity is not the content's sha256, so what is read later cannot be checked against it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pipespec.activity import busy
from pipespec.errors import UsageError
from pipespec.plan.records import OutputRecord
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput
from pipespec.step.content_digest import tree_digest

__all__ = ["digest_remote", "fetch_remote"]

_MARKS: Final = ("VersionId", "version_id", "generation", "ETag", "etag", "content_md5", "md5Hash")
_CHUNK: Final = 1 << 20


def digest_remote(source: FileInput | DirInput | FilesInput) -> OutputRecord:
    """Return the record of what a URI names.

    Raises:
        UsageError: where there is nothing, or its file system cannot be asked.
    """
    location, files, system = _look(source)
    if not files:
        raise UsageError(f"there is nothing at '{source.text}'")
    manifest = {name: _identity(system, path, info) for name, (path, info) in sorted(files.items())}
    size = sum(int(info.get("size") or 0) for _, info in files.values())
    name = location.rstrip("/").rpartition("/")[2]
    if isinstance(source, FileInput):
        return OutputRecord(next(iter(manifest.values())), size, 1, name)
    return OutputRecord(tree_digest(manifest), size, len(manifest), f"{name}/")


def fetch_remote(source: FileInput | DirInput | FilesInput, folder: Path) -> list[Path]:
    """Bring what a URI names below a local folder, and return its files, sorted; what is there already stays.

    Raises:
        UsageError: where its file system does not give it.
    """
    _, files, system = _look(source)
    places = []
    for name, (path, info) in sorted(files.items()):
        place = folder / name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".part-{os.getpid()}-{place.name}")
            try:
                _download(system, path, info, part)
            except Exception as error:  # every file system has errors of its own
                raise UsageError(f"'{source.text}' cannot be downloaded: {error}") from error
            part.replace(place)
        places.append(place)
    return places


def _download(system: Any, path: str, info: Mapping[str, Any], part: Path) -> None:
    from fsspec.callbacks import Callback  # noqa: PLC0415 - as in `_look`

    with busy(f"downloading {path.rpartition('/')[2]}", int(info.get("size") or 0)) as work:
        told = Callback(hooks={"value": lambda _size, value, **_: work.reach(value)})
        system.get_file(path, str(part), callback=told)


def _look(
    source: FileInput | DirInput | FilesInput,
) -> tuple[str, dict[str, tuple[str, Mapping[str, Any]]], Any]:
    """Return the path within the file system, its files by name, and the file system."""
    try:
        import fsspec  # noqa: PLC0415 - heavy, and only a URI needs it
    except ImportError:
        raise UsageError(f"'{source.text}' needs the package 'fsspec', which is not installed") from None
    location = source.pattern if isinstance(source, FilesInput) else source.path
    try:
        system, path = fsspec.core.url_to_fs(location)
        system.invalidate_cache()
        match source:
            case FileInput():
                found = {path: system.info(path)} if system.isfile(path) else {}
            case DirInput():
                found = system.find(path, detail=True)
            case FilesInput():
                found = {
                    name: info
                    for name, info in system.glob(path, detail=True).items()
                    if info["type"] == "file"
                }
    except Exception as error:  # every file system has errors of its own
        host = urlsplit(location)
        raise UsageError(
            f"'{host.scheme}://{host.hostname or ''}' cannot be asked for '{source.text}': {error}"
        ) from error
    base = path.partition("*")[0].rpartition("/")[0] if isinstance(source, FilesInput) else path
    return path, {_below(name, base): (name, info) for name, info in found.items()}, system


def _below(name: str, base: str) -> str:
    return name.removeprefix(base).strip("/") or name.rpartition("/")[2]


def _identity(system: Any, path: str, info: Mapping[str, Any]) -> str:
    for mark in _MARKS:
        if info.get(mark):
            text = json.dumps(["remote", mark, str(info[mark]).strip('"')], separators=(",", ":"))
            return hashlib.sha256(text.encode()).hexdigest()
    content = hashlib.sha256()
    with (
        system.open(path, "rb") as file,
        busy(f"hashing {path.rpartition('/')[2]}", int(info.get("size") or 0)) as work,
    ):
        while chunk := file.read(_CHUNK):
            content.update(chunk)
            work.advance(len(chunk))
    return content.hexdigest()

"""External inputs at URIs of any kind that fsspec supports: `https://`, `gs://`, and many more.

Takes an input. Returns its files with the version marks that their file system provides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pipespec.errors import MissingPackageError, UsageError, counted
from pipespec.project.remote.remote_files import RemoteFile
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput
from pipespec.tracking.tracking_uri import shown

__all__ = ["FsspecInputs"]

_MARKS: Final = ("VersionId", "version_id", "generation", "ETag", "etag", "content_md5", "md5Hash")


class FsspecInputs:
    """The files of one file system."""

    def __init__(self, text: str) -> None:
        """Take the input as the user wrote it.

        Raises:
            MissingPackageError: if fsspec is not installed.
        """
        self._text = text
        try:
            import fsspec  # noqa: PLC0415 - heavy, and only a URI needs it
        except ModuleNotFoundError:
            raise MissingPackageError(_missing(text, "fsspec")) from None
        self._fsspec = fsspec
        self._system: Any = None

    def look(self, source: FileInput | DirInput | FilesInput) -> Mapping[str, RemoteFile]:
        """Return the files of an input, by names below its folder; a single file by its own name."""
        location = source.pattern if isinstance(source, FilesInput) else source.path
        try:
            self._system, path = self._fsspec.core.url_to_fs(location)
            self._system.invalidate_cache()
            found = self._found(source, path)
        except ImportError as error:
            raise MissingPackageError(_missing(self._text, str(error))) from error
        except Exception as error:  # every file system has its own errors
            host = urlsplit(location)
            at = f"{host.scheme}://{host.netloc.rpartition('@')[2]}"
            raise UsageError(f"'{at}' does not give '{self._text}': {_reason(error)}") from error
        base = path.partition("*")[0].rpartition("/")[0] if isinstance(source, FilesInput) else path
        return {
            _below(name, base): RemoteFile(name, int(info.get("size") or 0), _mark(info))
            for name, info in found.items()
        }

    def _found(self, source: FileInput | DirInput | FilesInput, path: str) -> Mapping[str, Mapping[str, Any]]:
        match source:
            case FileInput():
                try:
                    info = self._system.info(path)
                except FileNotFoundError as error:
                    if error.__cause__ is not None:  # of HTTP, which is more informative
                        raise error.__cause__ from None
                    return {}
                return {path: info} if info["type"] == "file" else {}
            case DirInput():
                return self._system.find(path, detail=True)  # type: ignore[no-any-return]
            case FilesInput():
                found = self._system.glob(path, detail=True)
                return {name: info for name, info in found.items() if info["type"] == "file"}

    def get(self, file: RemoteFile, target: Path, got: Callable[[int], None]) -> None:
        """Download a file in the version that was listed."""
        from fsspec.callbacks import Callback  # noqa: PLC0415 - as above

        told = 0

        def tell(_size: int, value: int, **_: Any) -> None:
            nonlocal told
            got(value - told)
            told = value

        try:
            self._system.get_file(file.path, str(target), callback=Callback(hooks={"value": tell}))
            why, cause = "", None
        except Exception as error:  # noqa: BLE001 - as above
            why, cause = _reason(error), error
        there = target.stat().st_size if target.exists() else 0
        if file.size and there != file.size and (there or cause is None):
            why = f"{there} of {counted(file.size, 'byte')} came"
        if why:
            raise UsageError(f"'{self._text}' cannot be downloaded: {why}") from cause


def _mark(info: Mapping[str, Any]) -> tuple[str, str] | None:
    for name in _MARKS:
        if info.get(name):
            return name, str(info[name]).strip('"')
    return None


def _below(name: str, base: str) -> str:
    """Return a name as it is used for a local file below a folder. For a file at an address, this is without the query."""
    return name.removeprefix(base).strip("/") or name.partition("?")[0].rstrip("/").rpartition("/")[2]


def _reason(error: BaseException) -> str:
    status = getattr(error, "status", None)
    if isinstance(status, int):
        words = {
            401: "it asks for credentials",
            403: "access is forbidden",
            404: "it is not there",
            410: "it is gone",
        }
        return f"{words.get(status, 'it answers an error')} ({status})"
    return shown(str(error).strip().partition("\n")[0])[:300] or type(error).__name__


def _missing(text: str, what: str) -> str:
    package = f"the package '{what}', which is not installed" if " " not in what else f"a package: {what}"
    return f"'{text}' needs {package}; install what it needs with: pip install 'pipespec[remote]'"

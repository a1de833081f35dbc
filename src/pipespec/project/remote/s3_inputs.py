"""External inputs in S3, with the same client as artifacts in S3.

Takes an input. Returns its files with version or etag: for a single file by a HEAD request, for a folder or pattern by
a listing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.errors import StoreUnavailableError, UsageError
from pipespec.project.remote.remote_files import RemoteFile
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput
from pipespec.tracking.stores.s3_client import (
    code_of,
    keys_below,
    owner,
    s3_client,
    speaking_to_s3,
    split_uri,
    transfer_settings,
)

__all__ = ["S3Inputs"]

_MAGIC: Final = re.compile(r"[*?[]")
_NO_VERSION: Final = "null"
"""The version in S3 of an object in a bucket without versioning."""


class S3Inputs:
    """The files of one bucket."""

    def __init__(self, location: str) -> None:
        """Take the URI of an input.

        Raises:
            MissingPackageError: if boto3 is not installed.
        """
        self._uri = location
        self._bucket, self._key = split_uri(location)
        with speaking_to_s3(location):
            self._client = s3_client(location)

    def look(self, source: FileInput | DirInput | FilesInput) -> Mapping[str, RemoteFile]:
        """Return the files of an input, by names below its folder; a single file by its own name."""
        try:
            with speaking_to_s3(self._uri):
                match source:
                    case FileInput():
                        return self._head()
                    case DirInput():
                        return dict(self._listed(f"{self._key}/", lambda _: True))
                    case FilesInput():
                        magic = _MAGIC.search(self._key)
                        fixed = self._key[: magic.start() if magic else len(self._key)]
                        base = fixed[: fixed.rfind("/") + 1]
                        fits = _pattern(self._key[len(base) :]).fullmatch
                        return dict(self._listed(base, lambda name: fits(name) is not None))
        except StoreUnavailableError as error:
            raise _refused(source.text, error) from None

    def get(self, file: RemoteFile, target: Path, got: Callable[[int], None]) -> None:
        """Download a file in the version that was listed."""
        assert file.mark is not None
        name, value = file.mark
        version = {"VersionId": value} if name == "VersionId" else {}
        try:
            with speaking_to_s3(self._uri):
                self._client.download_file(
                    self._bucket,
                    file.path,
                    str(target),
                    ExtraArgs={**version, **owner()},
                    Callback=got,
                    Config=transfer_settings(),
                )
        except StoreUnavailableError as error:
            raise _refused(self._uri, error) from None

    def _head(self) -> Mapping[str, RemoteFile]:
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=self._key, **owner())
        except Exception as error:
            if code_of(error) in ("404", "NoSuchKey"):
                return {}
            raise
        version = head.get("VersionId", _NO_VERSION)
        mark = ("VersionId", version) if version != _NO_VERSION else ("ETag", _plain(head["ETag"]))
        name = self._key.rpartition("/")[2]
        return {name: RemoteFile(self._key, int(head["ContentLength"]), mark)}

    def _listed(self, prefix: str, fits: Callable[[str], bool]) -> Iterator[tuple[str, RemoteFile]]:
        for found in keys_below(self._client, self._bucket, prefix):
            name = str(found["Key"]).removeprefix(prefix)
            if fits(name):
                yield name, _listed_file(found)


def _listed_file(found: Mapping[str, Any]) -> RemoteFile:
    return RemoteFile(str(found["Key"]), int(found["Size"]), ("ETag", _plain(found["ETag"])))


def _plain(etag: str) -> str:
    return etag.strip('"')


def _pattern(glob: str) -> re.Pattern[str]:
    """Compile a pattern by the rules of a shell: `**` means any number of folders."""
    parts = []
    for part in re.findall(r"\*\*/|\*+|\?|\[!?[^\]]+\]|.", glob, re.DOTALL):
        match part:
            case "**/":
                parts.append("(?:[^/]+/)*")
            case "?":
                parts.append("[^/]")
            case _ if part.startswith("*"):
                parts.append("[^/]*")
            case _ if part.startswith("[") and len(part) > 1:
                inner = part[1:-1].replace("\\", "\\\\")
                parts.append(f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]")
            case _:
                parts.append(re.escape(part))
    return re.compile("".join(parts), re.DOTALL)


def _refused(text: str, error: StoreUnavailableError) -> UsageError:
    return UsageError(f"'{text}' cannot be had: {str(error).partition(': ')[2]}")

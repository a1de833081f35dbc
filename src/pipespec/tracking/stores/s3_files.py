"""The files of one run in S3: under the keys that MLflow uses, streamed in both directions, without MLflow.

Takes an artifact URI and names in it. A large file is sent in parts, of which a few are transferred at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from pipespec.activity import busy
from pipespec.errors import StoreUnavailableError
from pipespec.tracking.stores.s3_client import (
    SCHEME,
    code_of,
    keys_below,
    owner,
    s3_client,
    speaking_to_s3,
    split_uri,
    transfer_settings,
    upload_arguments,
)
from pipespec.tracking.stores.side_by_side import side_by_side

__all__ = ["S3Files", "is_in_s3"]


def is_in_s3(artifact_uri: str) -> bool:
    """Return whether an artifact URI is in S3."""
    return artifact_uri.startswith(f"{SCHEME}://")


class S3Files:
    """A FarFiles in S3. Threads may share it."""

    def __init__(self, artifact_uri: str) -> None:
        """Set the run by its artifact URI.

        Raises:
            MissingPackageError: if boto3 is not installed.
        """
        self._uri = artifact_uri
        self._bucket, self._root = split_uri(artifact_uri)
        with speaking_to_s3(artifact_uri):
            self._client = s3_client(artifact_uri)

    def put(self, source: Path | bytes, name: str, sent: Callable[[int], None] | None = None) -> None:
        """Put a file, replacing an existing one."""
        more = upload_arguments()
        kind, encoding = guess_type(name)
        if kind is not None:
            more.setdefault("ContentType", kind)
        if encoding is not None:
            more.setdefault("ContentEncoding", encoding)
        with speaking_to_s3(self._uri):
            if isinstance(source, bytes):
                self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=source, **more)
            else:
                self._client.upload_file(
                    str(source),
                    self._bucket,
                    self._key(name),
                    ExtraArgs=more,
                    Callback=sent,
                    Config=transfer_settings(),
                )

    def sizes(self, folder: str) -> None:
        """Leave it to S3, which compares what comes with its length and its checksum."""

    def get(self, name: str, target: Path) -> None:
        """Fetch a file, or a whole directory, whose name ends with a slash.

        Raises:
            FileNotFoundError: if the file does not exist.
        """
        with speaking_to_s3(self._uri):
            if name.endswith("/"):
                self._get_folder(name, target)
                return
            with busy(f"downloading {name.rpartition('/')[2]}", self._size(name)) as work:
                self._fetch(name, target, work.advance)

    def _get_folder(self, name: str, target: Path) -> None:
        found = {
            self._name(one): int(one["Size"])
            for one in keys_below(self._client, self._bucket, self._key(name))
        }
        for one in found:
            if any(part in ("", ".", "..") for part in one.split("/")):
                raise StoreUnavailableError(f"the artifact store lists the name {one!r}, which is no file's")
        target.mkdir()
        for folder in {one.rpartition("/")[0] for one in found}:
            (target / folder.removeprefix(name.rstrip("/")).strip("/")).mkdir(parents=True, exist_ok=True)
        with busy(f"downloading {name}", sum(found.values())) as work:
            side_by_side(lambda one: self._fetch(one, target / one.removeprefix(name), work.advance), found)

    def _size(self, name: str) -> int:
        try:
            return int(
                self._client.head_object(Bucket=self._bucket, Key=self._key(name), **owner())["ContentLength"]
            )
        except Exception as error:
            raise _found_missing(error, name) from error

    def _fetch(self, name: str, target: Path, got: Callable[[int], None]) -> None:
        try:
            self._client.download_file(
                self._bucket,
                self._key(name),
                str(target),
                ExtraArgs=owner(),
                Callback=got,
                Config=transfer_settings(),
            )
        except Exception as error:
            raise _found_missing(error, name) from error

    def _key(self, name: str) -> str:
        return f"{self._root}/{name}" if self._root else name

    def _name(self, found: Mapping[str, Any]) -> str:
        return str(found["Key"]).removeprefix(f"{self._root}/" if self._root else "")


def _found_missing(error: Exception, name: str) -> Exception:
    """Return the same error, unless it says that the file does not exist."""
    return FileNotFoundError(name) if code_of(error) in ("404", "NoSuchKey") else error

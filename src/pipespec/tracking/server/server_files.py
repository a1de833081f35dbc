"""The files of one run that a tracking server serves itself, by its documented HTTP routes.

Takes the artifact URI that the server gave the run, and names in it. Files are streamed in both directions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pipespec.activity import Activity, busy
from pipespec.errors import StoreUnavailableError
from pipespec.tracking.server.answers import RefusedError
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.stores.side_by_side import side_by_side

__all__ = ["ServerFiles", "is_handed_out"]

_SCHEME: Final = "mlflow-artifacts"
_OWN_WAY: Final = ("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD")
"""Variables with which MLflow's client bypasses the server and uses the store behind it."""


def is_handed_out(artifact_uri: str, tracking_uri: str) -> bool:
    """Return whether the tracking server itself accepts and serves the files at an artifact URI."""
    parts = urlsplit(artifact_uri)
    same_server = parts.netloc in ("", urlsplit(tracking_uri).netloc.rpartition("@")[2])
    return (
        parts.scheme == _SCHEME
        and same_server
        and not any(os.environ.get(name, "").lower() in ("true", "1") for name in _OWN_WAY)
    )


class ServerFiles:
    """A FarFiles behind a tracking server. Threads may share it."""

    def __init__(self, client: RestClient, artifact_uri: str) -> None:
        """Set the run by its artifact URI."""
        self._client = client
        self._root = unquote(urlsplit(artifact_uri).path).strip("/")

    def put(self, source: Path | bytes, name: str, sent: Callable[[int], None] | None = None) -> None:
        """Put a file, replacing an existing one."""
        self._client.put_file(f"{self._root}/{name}", source, sent)

    def sizes(self, folder: str) -> None:
        """Leave it to the server, which compares what comes with the length that the request tells."""

    def get(self, name: str, target: Path) -> None:
        """Fetch a file, or a whole directory, whose name ends with a slash.

        Raises:
            FileNotFoundError: if the file does not exist.
        """
        if name.endswith("/"):
            self._get_folder(name.rstrip("/"), target)
        else:
            self._get_file(name, target)

    def _get_file(self, name: str, target: Path, work: Activity | None = None) -> None:
        try:
            self._client.get_file(f"{self._root}/{name}", target, work)
        except RefusedError as error:
            if error.code == "RESOURCE_DOES_NOT_EXIST":
                raise FileNotFoundError(name) from error
            raise StoreUnavailableError(str(error)) from None

    def _get_folder(self, name: str, target: Path) -> None:
        target.mkdir()
        found = dict(self._below(name, target))
        with busy(f"downloading {name}/", sum(found.values())) as work:
            side_by_side(lambda one: self._get_file(f"{name}/{one}", target / one, work), found)

    def _below(self, folder: str, target: Path, within: str = "") -> Iterator[tuple[str, int]]:
        """Yield the files below a folder with their sizes, and create the folders for them."""
        for entry in self._client.list_files(f"{self._root}/{folder}/{within}".rstrip("/")):
            base = str(entry["path"])
            if "/" in base or base in ("", ".", ".."):
                raise StoreUnavailableError(f"the artifact store lists the name {base!r}, which is no file's")
            if entry.get("is_dir"):
                (target / within / base).mkdir()
                yield from self._below(folder, target, f"{within}{base}/")
            else:
                yield f"{within}{base}", int(entry.get("file_size", 0))

"""Open the StoreWriter for a tracking URI.

A database file that does not exist yet is created once, by the first process. A file with known tables is written by
our own statements. All other stores, except servers, are written through MLflow's client, whose import takes seconds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pipespec.tracking.mlflow_client import speaking
from pipespec.tracking.tracking_uri import is_sqlite, sqlite_path
from pipespec.tracking.writing.new_store import make_store
from pipespec.tracking.writing.sqlite_writer import SqliteWriter
from pipespec.tracking.writing.store_writer import StoreWriter

__all__ = ["open_writer"]

_WORKSPACES: Final = "MLFLOW_ENABLE_WORKSPACES"


def open_writer(uri: str, *, log: Path | None) -> StoreWriter:
    """Open a store for writing. MLflow's log output goes to the file `log`.

    Raises:
        StoreUnavailableError: if it cannot be opened.
    """
    if is_sqlite(uri):
        with speaking(uri):
            make_store(sqlite_path(uri), log=log)
        if os.environ.get(_WORKSPACES, "").lower() not in ("true", "1"):
            writer = SqliteWriter.open(uri)
            if writer is not None:
                return writer
    else:
        # Late import: HTTP takes 40 ms, which a database file does not need.
        from pipespec.tracking.server.reach_server import reach_server  # noqa: PLC0415
        from pipespec.tracking.writing.rest_writer import RestWriter  # noqa: PLC0415

        server = reach_server(uri)
        if server is not None:
            return RestWriter(uri, server)
    from pipespec.tracking.writing.client_writer import ClientWriter  # noqa: PLC0415 - not every store needs it

    return ClientWriter.open(uri, log=log)

"""Open the registry of a tracking URI, or one with a separate URI, for reading or writing."""

from __future__ import annotations

from pathlib import Path

from pipespec.tracking.models.registry import Registry
from pipespec.tracking.models.sqlite_registry import SqliteRegistry
from pipespec.tracking.tracking_uri import is_server, is_sqlite

__all__ = ["open_registry"]


def open_registry(tracking_uri: str, registry_uri: str, log: Path | None) -> Registry:
    """Open a registry for reading. Both URIs are resolved.

    Raises:
        StoreUnavailableError: if it cannot be reached.
    """
    if is_sqlite(registry_uri):
        return SqliteRegistry(registry_uri, otherwise=lambda: _by_client(tracking_uri, registry_uri, log))
    if is_server(registry_uri):
        # Late import: HTTP takes 40 ms, which a plan with a database file does not need.
        from pipespec.tracking.models.rest_registry import RestRegistry  # noqa: PLC0415
        from pipespec.tracking.server.reach_server import reach_server  # noqa: PLC0415

        server = reach_server(registry_uri)
        if server is not None:
            return RestRegistry(registry_uri, server)
    return _by_client(tracking_uri, registry_uri, log)


def _by_client(tracking_uri: str, registry_uri: str, log: Path | None) -> Registry:
    from pipespec.tracking.models.client_registry import ClientRegistry  # noqa: PLC0415 - few stores are read so

    return ClientRegistry(registry_uri, tracking_uri, log)

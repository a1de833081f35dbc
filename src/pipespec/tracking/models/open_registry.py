"""A tracking URI, and that of a registry of its own, -> the registry that is read, or written to."""

from __future__ import annotations

from pathlib import Path

from pipespec.tracking.models.registry import Registry
from pipespec.tracking.models.sqlite_registry import SqliteRegistry
from pipespec.tracking.tracking_uri import is_server, is_sqlite

__all__ = ["open_registry"]


def open_registry(tracking_uri: str, registry_uri: str, log: Path | None) -> Registry:
    """Open a registry for reading; both URIs are resolved.

    Raises:
        StoreUnavailableError: where it cannot be asked.
    """
    if is_sqlite(registry_uri):
        return SqliteRegistry(registry_uri, otherwise=lambda: _by_client(tracking_uri, registry_uri, log))
    if is_server(registry_uri):
        # Late: HTTP costs 40 ms, which a plan over a database file has no use for.
        from pipespec.tracking.models.rest_registry import RestRegistry  # noqa: PLC0415
        from pipespec.tracking.server.reach_server import reach_server  # noqa: PLC0415

        server = reach_server(registry_uri)
        if server is not None:
            return RestRegistry(registry_uri, server)
    return _by_client(tracking_uri, registry_uri, log)


def _by_client(tracking_uri: str, registry_uri: str, log: Path | None) -> Registry:
    from pipespec.tracking.models.client_registry import ClientRegistry  # noqa: PLC0415 - few stores are read so

    return ClientRegistry(registry_uri, tracking_uri, log)

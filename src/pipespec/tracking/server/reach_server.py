"""Create our own client of the tracking server at a tracking URI, if it can talk to that server.

Takes a URI. Returns a `RestClient`, or None if mlflow must be imported: its client supports more kinds of
authentication than are documented, and follows redirections.
"""

from __future__ import annotations

from pipespec.tracking.server.reachability import require_reachable
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.server.server_access import access_to, needs_mlflow
from pipespec.tracking.tracking_uri import is_server

__all__ = ["reach_server", "server_client"]


def reach_server(uri: str) -> RestClient | None:
    """Check that a store is there, and return a client of the tracking server, which has answered.

    None if it is not a tracking server, or one that only MLflow's client can talk to.

    Raises:
        StoreUnavailableError: within 10 s if nothing listens, within 30 s if there is no answer.
    """
    status = require_reachable(uri)
    if status is None or 300 <= status < 400:
        return None
    return server_client(uri)


def server_client(uri: str) -> RestClient | None:
    """Return a client without asking whether the server is there; None as in `reach_server`."""
    if not is_server(uri):
        return None
    access = access_to(uri)
    return None if needs_mlflow(access) else RestClient(access)

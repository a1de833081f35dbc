"""From a tracking URI to a client of the server there, where we can speak to it ourselves.

Takes a URI, gives a `RestClient`, or None where mlflow has to be imported: its client knows more kinds of
authentication than are documented, and follows redirections.
"""

from __future__ import annotations

from pipespec.tracking.server.reachability import require_reachable
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.server.server_access import access_to, needs_mlflow
from pipespec.tracking.tracking_uri import is_server

__all__ = ["reach_server", "server_client"]


def reach_server(uri: str) -> RestClient | None:
    """Make sure that a store is there, and return a client of the tracking server that has answered.

    None where it is no tracking server, or one that only MLflow's client can speak to.

    Raises:
        StoreUnavailableError: within 10 s where nobody listens, within 30 s where nobody answers.
    """
    status = require_reachable(uri)
    if status is None or 300 <= status < 400:
        return None
    return server_client(uri)


def server_client(uri: str) -> RestClient | None:
    """Return a client without asking whether the server is there; None as `reach_server`."""
    if not is_server(uri):
        return None
    access = access_to(uri)
    return None if needs_mlflow(access) else RestClient(access)

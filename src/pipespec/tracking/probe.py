"""Is a tracking server there? One short request of our own, with a deadline of our own.

Takes a tracking URI, gives nothing, raises StoreUnavailableError in one line. Any answer in HTTP will do:
whether the server is the right one, MLflow's client finds out next. Of a database server it is enough that
it takes connections.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import urllib.request
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.store import shown

__all__ = ["require_reachable"]

_PORTS: Final = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mssql": 1433}

_CONNECT: Final = 8.0
"""Seconds for a connection; a refused one is told at once."""
_ANSWER: Final = 20.0
"""Seconds from the first packet to the first line of the answer, however it trickles in."""


def require_reachable(uri: str) -> None:
    """Return when a server answers at this URI, and for a URI that names no server.

    Behind an HTTP proxy nothing is asked: only the client knows the way through.

    Raises:
        StoreUnavailableError: within 10 s where nobody listens, within 30 s where nobody answers.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise StoreUnavailableError(f"tracking server {shown(uri)}: {error}") from None
    database = parts.scheme.partition("+")[0]
    if parts.scheme in ("http", "https"):
        _require_server(uri, parts)
    elif database in _PORTS and parts.hostname:
        try:
            socket.create_connection((parts.hostname, port or _PORTS[database]), _CONNECT).close()
        except OSError as error:
            raise _unreachable(uri, error) from None


def _require_server(uri: str, parts: SplitResult) -> None:
    if not parts.hostname:
        raise StoreUnavailableError(f"tracking server {shown(uri)}: the URI names no host")
    if parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(parts.netloc):
        return
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = connect(parts.hostname, parts.port, timeout=_CONNECT)
        try:
            _require_answer(connection, f"{parts.path.rstrip('/')}/health")
        finally:
            connection.close()
    except ssl.SSLCertVerificationError:
        return  # The client may have been told to accept it; its own message says more.
    except TimeoutError:
        raise StoreUnavailableError(
            f"tracking server {shown(uri)} does not answer; is it busy, or is another service on this port?"
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(uri, error) from None


def _unreachable(uri: str, error: Exception) -> StoreUnavailableError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    reason = reason[:1].lower() + reason[1:]
    return StoreUnavailableError(
        f"tracking server {shown(uri)} cannot be reached: {reason}; start it, or set mlflow.tracking_uri"
    )


def _require_answer(connection: http.client.HTTPConnection, path: str) -> None:
    deadline = time.monotonic() + _ANSWER
    connection.request("GET", path, headers={"Connection": "close"})
    received = b""
    assert isinstance(connection.sock, socket.socket)
    while b"\n" not in received:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        connection.sock.settimeout(remaining)
        chunk = connection.sock.recv(1024)
        if not chunk or len(received) > 65536:
            raise http.client.HTTPException("it closed the connection without an answer")
        received += chunk
    if not received.startswith(b"HTTP/"):
        raise http.client.HTTPException("what answers there does not speak HTTP")

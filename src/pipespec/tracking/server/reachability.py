"""Check that a tracking server is there, with one short request and a time limit of our own.

Takes a tracking URI. Returns the status of the answer, or raises StoreUnavailableError in one line. Any answer in HTTP
is enough: the next request finds out whether it is the right server. For a database server it is enough that it accepts
connections.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import Final
from urllib.parse import urlsplit

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.server.server_access import ServerAccess, access_to, is_behind_proxy
from pipespec.tracking.server.server_connection import tls_settings, untrusted
from pipespec.tracking.tracking_uri import is_server, shown

__all__ = ["require_reachable", "unreachable"]

_PORTS: Final = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mssql": 1433}

_CONNECT: Final = 8.0
"""Seconds for a connection. A refused one is reported immediately."""
_ANSWER: Final = 20.0
"""Seconds from the first packet to the first line of the answer, even if it arrives in small pieces."""


def require_reachable(uri: str) -> int | None:
    """Return the HTTP status if a server answers at this URI; None for a URI that does not name a web server.

    Behind an HTTP proxy nothing is requested: only the client knows how to use the proxy.

    Raises:
        StoreUnavailableError: within 10 s if nothing listens, within 30 s if there is no answer.
    """
    if is_server(uri):
        return _status_of(access_to(uri))
    try:
        parts = urlsplit(uri)
        port = parts.port or _PORTS.get(parts.scheme.partition("+")[0])
    except ValueError as error:
        raise StoreUnavailableError(f"tracking server {shown(uri)}: {error}") from None
    if port is not None and parts.hostname and parts.scheme.partition("+")[0] in _PORTS:
        try:
            socket.create_connection((parts.hostname, port), _CONNECT).close()
        except OSError as error:
            raise _unreachable(uri, error) from None
    return None


def _status_of(access: ServerAccess) -> int | None:
    if is_behind_proxy(access):
        return None
    tls = tls_settings(access)
    connection = (
        http.client.HTTPConnection(access.host, access.port, timeout=_CONNECT)
        if tls is None
        else http.client.HTTPSConnection(access.host, access.port, timeout=_CONNECT, context=tls)
    )
    try:
        return _require_answer(connection, f"{access.prefix}/health")
    except ssl.SSLCertVerificationError as error:
        raise untrusted(access, error) from None
    except TimeoutError:
        raise StoreUnavailableError(
            f"tracking server {access.uri} does not answer; is it busy, or is another service on this port?"
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(access.uri, error) from None
    finally:
        connection.close()


def _unreachable(uri: str, error: Exception) -> StoreUnavailableError:
    return unreachable(uri, getattr(error, "strerror", None) or str(error) or type(error).__name__)


def unreachable(uri: str, reason: str) -> StoreUnavailableError:
    """Say in one line that there is no server, why, and what to do."""
    reason = reason[:1].lower() + reason[1:]
    return StoreUnavailableError(
        f"tracking server {shown(uri)} cannot be reached: {reason}; start it, or set mlflow.tracking_uri"
    )


def _require_answer(connection: http.client.HTTPConnection, path: str) -> int:
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
        raise http.client.HTTPException("the service there does not use HTTP")
    status = received.split(maxsplit=2)[1:2]
    return int(status[0]) if status and status[0].isdigit() else 0

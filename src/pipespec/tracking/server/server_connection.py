"""One kept connection to a tracking server, with a time limit for each request.

Takes a request. Returns the answer's head; the caller reads its body. A small request is sent in one segment, and
answers are acknowledged immediately: MLflow's default server writes an answer in two pieces, and does not send the
second one until the first is acknowledged, which Linux otherwise does after 40 ms.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.server.server_access import ServerAccess

__all__ = ["ServerConnection", "TimedResponse", "tls_settings", "untrusted"]

_SEGMENT: Final = 1 << 16
"""Pieces below this size wait for the next one, and are sent together."""

_QUICK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)


class ServerConnection:
    """A connection that opens with the first request and stays open. Only one thread at a time uses it."""

    def __init__(self, access: ServerAccess, connect_seconds: float, tls: ssl.SSLContext | None) -> None:
        self._http: _PlainConnection = (
            _PlainConnection(access.host, access.port, timeout=connect_seconds)
            if tls is None
            else _SecureConnection(access.host, access.port, timeout=connect_seconds, context=tls)
        )

    @property
    def is_open(self) -> bool:
        """Return whether a request may be sent now: servers close a connection that is idle for some seconds."""
        sock = self._http.sock
        return sock is not None and not select.select([sock], [], [], 0)[0]

    def open(self) -> None:
        """Connect again.

        Raises:
            OSError: if this fails; then nothing was sent.
        """
        self._http.close()
        self._http.connect()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
        *,
        seconds: float,
    ) -> TimedResponse:
        """Send a request and return its answer. The time limit, in seconds, includes the body.

        Raises:
            OSError, http.client.HTTPException: if there was no answer. The request may have been executed.
        """
        assert self._http.sock is not None, "it is not open"
        self._http.sock.settimeout(seconds)
        # A server may answer, and close, before it has received a long body: too long, or not allowed.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._http.request(method, path, body, dict(headers))
            self._http.send_rest()
        self._http.response_class = functools.partial(TimedResponse, seconds=seconds)  # type: ignore[assignment]
        answer = self._http.getresponse()
        assert isinstance(answer, TimedResponse)
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def tls_settings(access: ServerAccess) -> ssl.SSLContext | None:
    """Return the TLS context that checks a server's certificates; None for plain HTTP.

    Raises:
        StoreUnavailableError: if a file that MLflow's environment names cannot be used.
    """
    if not access.is_secure:
        return None
    try:
        context = _trusting(access.authorities)
        if access.certificate is not None:
            context.load_cert_chain(access.certificate)
    except OSError as error:  # includes ssl.SSLError
        named = " or ".join(filter(None, (access.authorities, access.certificate)))
        raise StoreUnavailableError(
            f"tracking server {access.uri}: the certificates in {named} cannot be used: {error.strerror or error}"
        ) from None
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def untrusted(access: ServerAccess, error: ssl.SSLCertVerificationError) -> StoreUnavailableError:
    """Say in one line that a server's certificate is not trusted, and what to do."""
    return StoreUnavailableError(
        f"tracking server {access.uri}: its certificate is not trusted ({error.verify_message}); name the authority that "
        "signed it in MLFLOW_TRACKING_SERVER_CERT_PATH"
    )


def _trusting(authorities: str | None) -> ssl.SSLContext:
    if authorities is not None:
        place = Path(authorities)
        return ssl.create_default_context(
            cafile=None if place.is_dir() else authorities, capath=authorities if place.is_dir() else None
        )
    context = ssl.create_default_context()
    import certifi  # noqa: PLC0415 - used by `requests`, whose authorities MLflow's client trusts

    context.load_verify_locations(certifi.where())
    return context


class _PlainConnection(http.client.HTTPConnection):
    """A connection that collects small pieces of a request until it is complete."""

    def __init__(self, host: str, port: int | None, **more: Any) -> None:
        super().__init__(host, port, blocksize=_SEGMENT, **more)
        self._gathered = bytearray()

    def send(self, data: Any) -> None:
        """Take a piece of a request."""
        self._gathered += data
        if len(self._gathered) >= _SEGMENT:
            self.send_rest()

    def send_rest(self) -> None:
        """Send what was collected."""
        gathered = bytes(self._gathered)
        self._gathered.clear()
        if gathered:
            super().send(gathered)

    def close(self) -> None:
        """Also drop what was not sent."""
        self._gathered.clear()
        super().close()


class _SecureConnection(_PlainConnection, http.client.HTTPSConnection):
    """The same with TLS."""


class TimedResponse(http.client.HTTPResponse):
    """An answer with a time limit in seconds, even if it arrives in small pieces."""

    def __init__(self, sock: socket.socket, *args: Any, seconds: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self._timed = _TimedReader(sock, seconds)
        self.fp = io.BufferedReader(self._timed, _SEGMENT)

    def allow(self, seconds: float) -> None:
        """Set the time limit: this number of seconds from now."""
        self._timed.deadline = time.monotonic() + seconds


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self.deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if _QUICK is not None:
            self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()

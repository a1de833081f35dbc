"""One kept connection to a tracking server, over which each request has a deadline of its own.

Takes a request, gives the answer's head; whoever asked reads its body. A small request leaves in one segment, and answers
are acknowledged at once: MLflow's default server writes an answer in two pieces, and holds the second back until the
first is acknowledged, which Linux otherwise does after 40 ms.
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
"""Pieces below this size wait for the next one, and leave together."""

_QUICK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)


class ServerConnection:
    """A connection that opens with the first request and stays; used by one thread at a time."""

    def __init__(self, access: ServerAccess, connect_seconds: float, tls: ssl.SSLContext | None) -> None:
        self._http: _PlainConnection = (
            _PlainConnection(access.host, access.port, timeout=connect_seconds)
            if tls is None
            else _SecureConnection(access.host, access.port, timeout=connect_seconds, context=tls)
        )

    @property
    def is_open(self) -> bool:
        """Tell whether a request may go out at once: the server has not closed it, as it does after some idle seconds."""
        sock = self._http.sock
        return sock is not None and not select.select([sock], [], [], 0)[0]

    def open(self) -> None:
        """Connect anew.

        Raises:
            OSError: where that fails; then nothing was sent.
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
        """Send a request and return its answer, which has so many seconds, its body too.

        Raises:
            OSError, http.client.HTTPException: where no answer came; what was asked may have been done.
        """
        assert self._http.sock is not None, "it is not open"
        self._http.sock.settimeout(seconds)
        # A server may answer, and close, before it has all of a long body: too long, or not allowed.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._http.request(method, path, body, dict(headers))
            self._http.send_rest()
        self._http.response_class = functools.partial(TimedResponse, seconds=seconds)  # type: ignore[assignment]
        answer = self._http.getresponse()
        assert isinstance(answer, TimedResponse)
        return answer

    def close(self) -> None:
        """Let go of it."""
        self._http.close()


def tls_settings(access: ServerAccess) -> ssl.SSLContext | None:
    """Return what a server's certificates are judged by; None for plain HTTP.

    Raises:
        StoreUnavailableError: where a file that MLflow's environment names cannot be used.
    """
    if not access.is_secure:
        return None
    try:
        context = _trusting(access.authorities)
        if access.certificate is not None:
            context.load_cert_chain(access.certificate)
    except OSError as error:  # among them ssl.SSLError
        named = " or ".join(filter(None, (access.authorities, access.certificate)))
        raise StoreUnavailableError(
            f"tracking server {access.uri}: the certificates in {named} cannot be used: {error.strerror or error}"
        ) from None
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def untrusted(access: ServerAccess, error: ssl.SSLCertVerificationError) -> StoreUnavailableError:
    """Say in one line that a server's certificate is not trusted, and the way out."""
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
    import certifi  # noqa: PLC0415 - of `requests`, whose authorities MLflow's client trusts

    context.load_verify_locations(certifi.where())
    return context


class _PlainConnection(http.client.HTTPConnection):
    """A connection that gathers small pieces of a request, until all of it is there."""

    def __init__(self, host: str, port: int | None, **more: Any) -> None:
        super().__init__(host, port, blocksize=_SEGMENT, **more)
        self._gathered = bytearray()

    def send(self, data: Any) -> None:
        """Take a piece of a request."""
        self._gathered += data
        if len(self._gathered) >= _SEGMENT:
            self.send_rest()

    def send_rest(self) -> None:
        """Send what was gathered."""
        gathered = bytes(self._gathered)
        self._gathered.clear()
        if gathered:
            super().send(gathered)

    def close(self) -> None:
        """Forget what was not sent, too."""
        self._gathered.clear()
        super().close()


class _SecureConnection(_PlainConnection, http.client.HTTPSConnection):
    """The same over TLS."""


class TimedResponse(http.client.HTTPResponse):
    """An answer that is given up after so many seconds, however it trickles in."""

    def __init__(self, sock: socket.socket, *args: Any, seconds: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self._timed = _TimedReader(sock, seconds)
        self.fp = io.BufferedReader(self._timed, _SEGMENT)

    def allow(self, seconds: float) -> None:
        """Give it so many seconds from now on."""
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

"""Send requests to a tracking server by its documented REST API, with a limit on their duration.

Takes an endpoint and a body. Returns the server's answer. Threads may share one client; each request uses one kept
connection alone. Errors that may pass are retried for some seconds: a server that restarts or is overloaded, or a lost
connection. For a request that must not be executed twice, the caller provides a function that checks whether it was
executed.
"""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from http.client import HTTPException
from pathlib import Path
from ssl import SSLCertVerificationError, SSLError
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from pipespec.activity import Activity, busy
from pipespec.document.nodes import JSON
from pipespec.errors import StoreUnavailableError, counted
from pipespec.tracking.server.answers import AnswerFailedError, RefusedError, json_object, require_success
from pipespec.tracking.server.reachability import unreachable
from pipespec.tracking.server.server_access import ServerAccess
from pipespec.tracking.server.server_connection import (
    ServerConnection,
    TimedResponse,
    tls_settings,
    untrusted,
)

__all__ = ["RestClient", "WasDone"]

WasDone: TypeAlias = Callable[[float], Mapping[str, Any] | None]
"""Checks, until a time of `time.monotonic`, whether the server executed a request without answering; None if it did not."""

_Answer = TypeVar("_Answer")

_API: Final = "/api/2.0/mlflow/"
_FILES: Final = "/api/2.0/mlflow-artifacts/artifacts"

_CONNECT: Final = 8.0
"""Seconds for a connection, and for a server that refuses connections to come back."""
_TRY: Final = 12.0
"""Seconds for an answer, before the request is repeated on another connection."""
_PATIENCE: Final = 26.0
"""Seconds from the first try of a request until it is given up."""
_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)
"""Seconds between tries. The last value is used for all further tries."""
_BYTES_A_SECOND: Final = 1 << 20
"""The lowest speed at which a server may pass a file on to the store behind it before it answers."""
_PIECE: Final = 1 << 20
_NETWORK: Final = frozenset(
    {errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETRESET, errno.ENETUNREACH, errno.ENOTCONN}
)


class RestClient:
    """One tracking server. Close it, or use it in a `with` statement.

    Every request may raise StoreUnavailableError if the server did not answer in time, or if something else answered,
    and RefusedError if the server refuses.
    """

    def __init__(self, access: ServerAccess) -> None:
        """Open no connection yet: the first request does."""
        self._access = access
        self._tls = tls_settings(access)
        self._idle: list[ServerConnection] = []

    # ----------------------------------------------------------------------------------- records

    def get(
        self, endpoint: str, query: Mapping[str, str], *, until: float | None = None
    ) -> Mapping[str, Any]:
        """Read from an endpoint such as `runs/get`. `until` shortens the usual time limit, by `time.monotonic`."""
        path = f"{_API}{endpoint}?{urlencode(query)}"
        return self._repeat(lambda seconds: self._object("GET", path, None, seconds), until=until)

    def post(
        self,
        endpoint: str,
        body: Mapping[str, JSON],
        *,
        was_done: WasDone | None = None,
        until: float | None = None,
    ) -> Mapping[str, Any]:
        """Write to an endpoint such as `runs/create`, or read from one that needs a body.

        If the answer is lost, requests that may be executed twice are repeated. For all others, `was_done` is called
        first.
        """
        content = json.dumps(body, separators=(",", ":")).encode(errors="backslashreplace")
        return self._repeat(
            lambda seconds: self._object("POST", f"{_API}{endpoint}", content, seconds), was_done, until
        )

    # ------------------------------------------------------------------- files that the server hands out

    def list_files(self, folder: str) -> list[Mapping[str, Any]]:
        """List a folder below the root of the server's files. A folder that does not exist is empty."""
        path = f"{_FILES}?{urlencode({'path': folder})}"
        found = self._repeat(lambda seconds: self._object("GET", path, None, seconds))
        return list(found.get("files", ()))

    def put_file(self, name: str, content: Path | bytes, sent: Callable[[int], None] | None = None) -> None:
        """Put a file below the root of the server's files, replacing an existing one.

        `sent` is called with the size of each piece in bytes, and with a negative number if data is sent again.

        Raises:
            OSError: if the local file cannot be read.
        """
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        more = size / _BYTES_A_SECOND
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}

        tried: list[_Told] = []

        def send(seconds: float) -> None:
            if tried:
                tried.pop().take_back()
            tried.append(told := _Told(sent))
            body = content if isinstance(content, bytes) else _pieces(content, size, told)
            with self._asking("PUT", f"{_FILES}/{quote(name)}", body, headers, seconds + more) as answer:
                require_success(answer, answer.read(), self._access.uri)

        self._repeat(send)

    def get_file(self, name: str, target: Path, work: Activity | None = None) -> None:
        """Fetch one of the server's files, whole or not at all; as a part of some work, or as one of its own.

        Raises:
            OSError: where the local file cannot be written.
        """

        def receive(seconds: float) -> None:
            with self._asking("GET", f"{_FILES}/{quote(name)}", None, {}, seconds) as answer:
                if answer.status != 200:
                    body = answer.read()
                    # A server that has its files from S3 says nothing else of a file that is not there.
                    if answer.status == 500 and not self._is_listed(name):
                        raise RefusedError(f"there is no file '{name}'", "RESOURCE_DOES_NOT_EXIST")
                    require_success(answer, body, self._access.uri)
                expected = answer.length
                own = busy(f"downloading {_base(name)}", expected or 0) if work is None else nullcontext(work)
                with target.open("wb") as file, own as whole:
                    told = _Told(whole.advance)
                    while piece := answer.read(_PIECE):
                        told.of(file.write(piece))
                        answer.allow(_TRY)
                if expected not in (None, told.bytes):
                    told.take_back()
                    raise AnswerFailedError(f"it sent {told.bytes} of {counted(expected or 0, 'byte')}")

        self._repeat(receive)

    def _is_listed(self, name: str) -> bool:
        folder, _, base = name.rpartition("/")
        return any(entry.get("path") == base for entry in self.list_files(folder))

    # ------------------------------------------------------------------------------------- trying

    def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _repeat(
        self,
        attempt: Callable[[float], _Answer],
        was_done: Callable[[float], Any] | None = None,
        until: float | None = None,
    ) -> _Answer:
        """Try until it works, or until the reason why it fails has lasted too long."""
        began = time.monotonic()
        until = began + _PATIENCE if until is None else until
        for number in range(1 << 16):
            try:
                return attempt(max(0.1, min(_TRY, until - time.monotonic())))
            except AnswerFailedError as failed:
                pause = max(failed.pause, _PAUSES[min(number, len(_PAUSES) - 1)])
                if failed.was_kept and number == 0:
                    pause = 0.0  # the server closed an idle connection while the request was being sent
                limit = min(until, began + _CONNECT) if failed.is_away else until
                if time.monotonic() + pause >= limit:
                    raise self._gave_up(failed) from None
                was_sent = failed.was_sent
            time.sleep(pause)
            if was_sent and was_done is not None and (found := was_done(until)) is not None:
                return found  # type: ignore[no-any-return]
        raise AssertionError

    def _gave_up(self, failed: AnswerFailedError) -> StoreUnavailableError:
        if failed.is_away:
            return unreachable(self._access.uri, failed.reason)
        return StoreUnavailableError(f"tracking server {self._access.uri}: {failed.reason}")

    def _object(self, method: str, path: str, content: bytes | None, seconds: float) -> Mapping[str, Any]:
        headers = {} if content is None else {"Content-Type": "application/json"}
        with self._asking(method, path, content, headers, seconds) as answer:
            return json_object(answer, answer.read(), self._access.uri)

    @contextmanager
    def _asking(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
        seconds: float,
    ) -> Iterator[TimedResponse]:
        """Send one request. The connection is kept if the whole answer was read."""
        connection, was_kept = self._connected()
        try:
            try:
                answer = connection.ask(
                    method,
                    self._access.prefix + path,
                    body,
                    {"User-Agent": "pipespec", **self._access.headers, **headers},
                    seconds=seconds,
                )
                yield answer
            except TimeoutError:
                raise AnswerFailedError("it does not answer") from None
            except (OSError, HTTPException) as error:
                if not _is_of_connection(error):
                    raise  # of the local file
                reason = f"it closed the connection without an answer ({type(error).__name__})"
                raise AnswerFailedError(reason, was_kept=was_kept) from None
            if answer.isclosed():
                self._idle.append(connection)
            else:
                connection.close()
        except BaseException:
            connection.close()
            raise

    def _connected(self) -> tuple[ServerConnection, bool]:
        with suppress(IndexError):  # another thread may take the last one
            while True:
                connection = self._idle.pop()
                if connection.is_open:
                    return connection, True
                connection.close()
        connection = ServerConnection(self._access, _CONNECT, self._tls)
        try:
            connection.open()
        except SSLCertVerificationError as error:
            raise untrusted(self._access, error) from None
        except OSError as error:
            connection.close()
            reason = error.strerror or str(error) or type(error).__name__
            raise AnswerFailedError(reason, was_sent=False, is_away=True) from None
        return connection, False


def _is_of_connection(error: Exception) -> bool:
    return isinstance(error, ConnectionError | HTTPException | SSLError) or (
        isinstance(error, OSError) and error.errno in _NETWORK
    )


def _base(name: str) -> str:
    return name.rpartition("/")[2]


class _Told:
    """How much of a file was sent or fetched, reported piece by piece."""

    def __init__(self, tell: Callable[[int], None] | None) -> None:
        self._tell = tell
        self.bytes = 0

    def of(self, count: int) -> None:
        """Report additional bytes."""
        self.bytes += count
        if self._tell is not None:
            self._tell(count)

    def take_back(self) -> None:
        """Report that everything must be sent or fetched again."""
        if self._tell is not None:
            self._tell(-self.bytes)


def _pieces(file: Path, size: int, told: _Told) -> Iterator[bytes]:
    """Read exactly what was promised, and no more. If the file has become shorter, the request ends."""
    with file.open("rb") as source:
        while size > 0:
            piece = source.read(min(_PIECE, size))
            if not piece:
                raise OSError(f"'{file}' became shorter while it was sent")
            size -= len(piece)
            yield piece
            told.of(len(piece))

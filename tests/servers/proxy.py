"""A way to a server that fails as a test tells it to: a TCP proxy that knows where an HTTP request begins.

It counts requests, answers some itself, loses replies of others, falls silent, slows down, or refuses connections.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

__all__ = ["DROP_REPLY", "SILENCE", "Abrupt", "Proxy", "Request", "reply"]

_REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.[01]\r\n")

DROP_REPLY = object()
"""The server gets the request and does what it says; the client gets nothing."""
SILENCE = object()
"""The server does not get it, and the client no answer."""


@dataclass(frozen=True)
class Abrupt:
    """An answer that is given before the body of the request is read; the connection is then closed at once."""

    answer: bytes


@dataclass(frozen=True)
class Request:
    method: str
    path: str


def reply(status: int, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@dataclass
class Proxy:
    """`rule` is asked at each request: None lets it pass, bytes are the answer, or `Abrupt`, or one of the two marks."""

    target: int
    port: int = 0
    rule: Callable[[Request], object] = lambda _: None
    delay: float = 0.0
    """Seconds before each piece that the server says."""
    bytes_a_second: float = 0.0
    """How fast what is sent to the server passes on each connection; 0 for as fast as it can."""
    requests: list[Request] = field(default_factory=list)
    _listener: socket.socket | None = None
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self, part: str = "") -> list[str]:
        return [request.path for request in self.requests if part in request.path]

    def up(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections from now on, and break those that are there."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for one in list(self._open):
            _shut(one)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        server: socket.socket | None = None
        with contextlib.suppress(OSError), contextlib.closing(client):
            try:
                deaf = threading.Event()
                while piece := client.recv(1 << 16):
                    if found := _REQUEST.match(piece):
                        request = Request(found[1].decode(), found[2].decode())
                        self.requests.append(request)
                        answer = self.rule(request)
                        if isinstance(answer, bytes):
                            client.sendall(answer)
                            client.shutdown(socket.SHUT_WR)
                            _drain(client)
                            return
                        if isinstance(answer, Abrupt):
                            client.sendall(answer.answer)
                            return
                        if answer is SILENCE:
                            _drain(client)
                            return
                        if answer is DROP_REPLY:
                            deaf.set()
                    if server is None:
                        server = socket.create_connection(("127.0.0.1", self.target))
                        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        self._open.add(server)
                        threading.Thread(target=self._back, args=(server, client, deaf), daemon=True).start()
                    server.sendall(piece)
                    if self.bytes_a_second:
                        time.sleep(len(piece) / self.bytes_a_second)
            finally:
                self._open.discard(client)
                if server is not None:
                    _shut(server)

    def _back(self, server: socket.socket, client: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(1 << 16):
                if deaf.is_set():
                    break
                if self.delay:
                    time.sleep(self.delay)
                client.sendall(piece)
        self._open.discard(server)
        _shut(server)
        _shut(client)


def _drain(client: socket.socket) -> None:
    """Read what else is said until the client closes: a socket closed before tells it of a broken connection, not of the answer."""
    while client.recv(1 << 16):
        pass


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    proxy.up()
    try:
        yield proxy
    finally:
        proxy.down()

"""A web server on loopback whose every answer is the test's, for what needs no real tracking server."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["CUT", "Asked", "Said", "ScriptedServer"]


@dataclass(frozen=True)
class Asked:
    """One request, with the connection that it came by."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """An answer; `CUT` in its place closes the connection without one."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


CUT = object()


class ScriptedServer:
    """A web server on loopback whose every answer is the test's."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.rule: Callable[[Asked], Any] = lambda _: Said()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, self.path, dict(self.headers.items()), body, id(self.connection))
                server.asked.append(asked)
                said = server.rule(asked)
                if said is CUT:
                    self.close_connection = True
                    return
                self.send_response(said.status)
                for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(said.body)
                if "Connection" in said.headers:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def first(self, *answers: Any) -> None:
        """Give these answers, then "done" for ever."""
        waiting = list(answers)
        self.rule = lambda _: waiting.pop(0) if waiting else Said()

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from the next connection on."""
        plain = self._server.get_request

        def get_request():
            connection, address = plain()
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        self._server.get_request = get_request
        self._server.handle_error = lambda *_: None  # a handshake that a client gives up is no news
        self.url = self.url.replace("http:", "https:")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

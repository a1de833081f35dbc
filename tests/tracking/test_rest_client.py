"""Speaking HTTP to a tracking server: what passes is waited for, what does not is told in one line."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time

import pytest
from scripted_server import CUT, Said

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.server import rest_client
from pipespec.tracking.server.answers import RedirectedError, RefusedError
from pipespec.tracking.server.reach_server import reach_server
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.server.server_access import access_to

# -------------------------------------------------------------------------------------- one request


def test_requests_go_one_after_the_other_over_one_connection(server, client):
    for number in range(5):
        assert client.post("runs/update", {"number": number}) == {}
    client.get("runs/get", {"run_id": "a b&c"})
    assert [asked.path for asked in server.asked] == [
        *["/prefix/api/2.0/mlflow/runs/update"] * 5,
        "/prefix/api/2.0/mlflow/runs/get?run_id=a+b%26c",
    ]
    assert [asked.json["number"] for asked in server.asked[:5]] == [0, 1, 2, 3, 4]
    assert len({asked.connection for asked in server.asked}) == 1


def test_threads_have_connections_to_themselves(server, client):
    both = threading.Barrier(2)

    def rule(_):
        both.wait(10)
        return Said()

    server.rule = rule
    threads = [threading.Thread(target=client.get, args=("runs/get", {})) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(server.asked) == 2


def test_who_asks_is_said_with_every_request(server):
    with RestClient(access_to(server.url.replace("//", "//ada:hush@"))) as client:
        client.get("runs/get", {})
        client.put_file("1/a", b"")
    assert {asked.headers["Authorization"] for asked in server.asked} == {"Basic YWRhOmh1c2g="}


def test_a_request_and_its_body_leave_in_one_piece(client, server):
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:
        received: list[bytes] = []

        def serve() -> None:
            connection = stack.enter_context(listener.accept()[0])
            received.append(connection.recv(1 << 16))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve)
        thread.start()
        with RestClient(access_to(f"http://127.0.0.1:{listener.getsockname()[1]}")) as other:
            other.post("runs/update", {"status": "FINISHED"})
        thread.join(10)
    assert received[0].endswith(b'\r\n\r\n{"status":"FINISHED"}')


def test_text_that_no_encoding_knows_is_sent_all_the_same(server, client):
    client.post("runs/log-batch", {"text": "ü \ud800"})
    assert server.asked[0].json == {"text": "ü \ud800"}


# --------------------------------------------------------------------------------- what may pass


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_error_that_may_pass_is_waited_out_for_twenty_seconds(server, client, pauses, status):
    server.rule = lambda _: Said(status, b"busy") if sum(pauses) < 20 else Said()
    assert client.post("runs/update", {}) == {}
    assert 20 <= sum(pauses) < 26


def test_an_error_that_does_not_pass_is_told_within_thirty_seconds(server, client, pauses):
    server.rule = lambda _: Said(503, b'{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "locked\\nnow"}')
    with pytest.raises(StoreUnavailableError) as told:
        client.post("runs/update", {})
    assert str(told.value) == f"tracking server {server.url}/prefix/: locked (503 Service Unavailable)"
    assert 20 < sum(pauses) < 28


@pytest.mark.parametrize("asked", ["7", "date"])
def test_a_server_is_left_alone_as_long_as_it_asks(server, client, pauses, asked):
    from email.utils import formatdate

    after = formatdate(time.time() + 8, usegmt=True) if asked == "date" else asked
    server.first(Said(429, b"", {"Retry-After": after}))
    assert client.get("runs/get", {}) == {}
    assert len(pauses) == 1
    assert 6 <= pauses[0] <= 8


def test_a_server_that_asks_for_too_long_a_pause_is_told_at_once(server, client, pauses):
    server.first(Said(429, b"", {"Retry-After": "3600"}))
    with pytest.raises(StoreUnavailableError, match="it answers 429 Too Many Requests"):
        client.get("runs/get", {})
    assert (pauses, len(server.asked)) == ([], 1)


@pytest.mark.parametrize("after", ["soon", "", "-1", "7.5", "nan"])
def test_a_pause_that_makes_no_sense_is_as_none(server, client, pauses, after):
    server.first(Said(503, b"", {"Retry-After": after}))
    assert client.get("runs/get", {}) == {}
    assert sum(pauses) < 1


def test_a_server_that_asks_for_no_pause_is_not_asked_without_one(server, client, pauses):
    server.rule = lambda _: Said(429, b"", {"Retry-After": "0"})
    with pytest.raises(StoreUnavailableError, match="429"):
        client.get("runs/get", {})
    assert len(server.asked) < 25


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew_without_a_pause(server, client, pauses):
    server.first(Said(200, b"{}", {"Connection": "close"}), Said(), CUT)
    for _ in range(3):
        assert client.get("runs/get", {}) == {}
    assert len(server.asked) == 4
    assert sum(pauses) == 0


def test_a_server_that_starts_anew_is_waited_for_eight_seconds(monkeypatch, pauses):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with RestClient(access_to(f"http://127.0.0.1:{port}")) as client:
        with pytest.raises(StoreUnavailableError, match="cannot be reached: connection refused; start it"):
            client.get("runs/get", {})
        assert 5 < sum(pauses) < 8


def test_a_silent_server_is_asked_again_and_told_in_time(server, monkeypatch):
    monkeypatch.setattr(rest_client, "_TRY", 0.2)
    monkeypatch.setattr(rest_client, "_PATIENCE", 0.7)
    done = threading.Event()
    server.rule = lambda _: (done.wait(30), CUT)[1]
    began = time.monotonic()
    with RestClient(access_to(server.url)) as client, pytest.raises(StoreUnavailableError) as told:
        client.get("runs/get", {})
    assert time.monotonic() - began < 5
    assert str(told.value) == f"tracking server {server.url}: it does not answer"
    assert len(server.asked) >= 2
    done.set()


def test_an_answer_in_drops_is_given_up(monkeypatch):
    monkeypatch.setattr(rest_client, "_TRY", 0.3)
    monkeypatch.setattr(rest_client, "_PATIENCE", 0.5)
    gone = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    threading.Thread(target=drip, args=(connection,), daemon=True).start()

        def drip(connection: socket.socket) -> None:
            with contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not gone.wait(0.02):
                    connection.sendall(b" ")

        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        with (
            RestClient(access_to(f"http://127.0.0.1:{listener.getsockname()[1]}")) as client,
            pytest.raises(StoreUnavailableError, match="it does not answer"),
        ):
            client.get("runs/get", {})
        assert time.monotonic() - began < 5
        gone.set()
        listener.shutdown(socket.SHUT_RDWR)


# ----------------------------------------------------------------------------------- what does not


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        (Said(200, b"<html>Welcome"), StoreUnavailableError, "is it a tracking server"),
        (Said(200, b""), StoreUnavailableError, "is it a tracking server"),
        (Said(200, b"[]"), StoreUnavailableError, "is it a tracking server"),
        (Said(200, b'{"a": '), StoreUnavailableError, "is it a tracking server"),
        (Said(401, b"who"), StoreUnavailableError, "it answers 401 Unauthorized"),
        (
            Said(403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}'),
            StoreUnavailableError,
            "no .403",
        ),
        (Said(404, b"<html>"), StoreUnavailableError, "it answers 404 Not Found"),
        (Said(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}'), RefusedError, "gone$"),
        (Said(400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "bad"}'), RefusedError, "bad$"),
        (Said(400, b'{"error_code": "BAD_REQUEST", "message": "bad"}'), StoreUnavailableError, "bad .400"),
        (
            Said(302, b"", {"Location": "https://u:p@sso/x"}),
            RedirectedError,
            "redirects to https://sso/x; set",
        ),
        (Said(307, b""), RedirectedError, "redirects to nowhere"),
    ],
)
def test_an_answer_that_will_not_change_is_told_at_once_in_one_line(server, client, pauses, said, kind, told):
    server.first(said)
    with pytest.raises(kind, match=told) as error:
        client.post("runs/update", {})
    assert type(error.value) is kind
    assert "\n" not in str(error.value)
    assert (pauses, len(server.asked)) == ([], 1)


@pytest.mark.parametrize(("status", "is_ours"), [(200, True), (404, True), (301, False), (308, False)])
def test_a_server_that_sends_us_elsewhere_is_left_to_mlflows_client(server, status, is_ours):
    server.rule = lambda _: Said(status, b"", {"Location": "https://elsewhere/health"})
    reached = reach_server(server.url)
    assert (reached is not None) is is_ours
    if reached is not None:
        reached.close()
    assert [asked.path for asked in server.asked] == ["/health"]


def test_none_of_it_loads_mlflow_or_requests():
    code = (
        "import sys, pipespec.tracking.server.reach_server, pipespec.tracking.server.server_files\n"
        "import pipespec.tracking.writing.rest_writer, pipespec.tracking.reading.rest_search\n"
        "print(sorted({'mlflow', 'requests', 'urllib3', 'luigi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")

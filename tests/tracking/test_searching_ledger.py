"""Reading through MLflow's client: servers that are away, and how few questions are asked of one that is there."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.reading.mlflow_search import MlflowSearch
from pipespec.tracking.reading.open_ledger import open_ledger
from pipespec.tracking.reading.run_index import RunIndex
from pipespec.tracking.reading.searching_ledger import SearchingLedger
from pipespec.tracking.server import reachability
from pipespec.tracking.writing.recorder import Recorder

# ------------------------------------------------------------------------------- servers that are away


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def listener(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP service on loopback that treats each connection as told."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_serve, args=(connection,), daemon=True).start()

        def _serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def until_gone(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


@pytest.mark.parametrize("opening", [open_ledger, Recorder.open])
@pytest.mark.parametrize("scheme", ["http", "https", "postgresql"])
def test_a_refused_connection_is_told_at_once_and_without_the_password(
    tmp_path, closed_port, opening, scheme
):
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="cannot be reached: connection refused") as refused:
        opening(f"{scheme}://ada:secret@127.0.0.1:{closed_port}", root=tmp_path)
    assert time.monotonic() - began < 5
    assert "secret" not in str(refused.value)
    assert f"{scheme}://127.0.0.1:{closed_port}" in str(refused.value)


def test_a_silent_server_is_told_within_the_deadline(tmp_path, monkeypatch):
    monkeypatch.setattr(reachability, "_ANSWER", 0.3)
    with listener(until_gone) as port, pytest.raises(StoreUnavailableError, match="does not answer"):
        open_ledger(f"http://127.0.0.1:{port}", root=tmp_path)


def test_a_server_that_answers_in_drops_is_told_within_the_deadline(tmp_path, monkeypatch):
    monkeypatch.setattr(reachability, "_ANSWER", 0.5)
    gone = threading.Event()

    def drip(connection: socket.socket) -> None:
        for _ in range(200):
            connection.sendall(b"H")
            gone.wait(0.02)

    with listener(drip) as port, pytest.raises(StoreUnavailableError, match="does not answer"):
        open_ledger(f"http://127.0.0.1:{port}", root=tmp_path)
    gone.set()


@pytest.mark.parametrize(
    ("reply", "said"), [(b"", "closed the connection"), (b"220 mail ready\r\n", "does not use HTTP")]
)
def test_another_service_on_the_port_is_told(tmp_path, reply, said):
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(reply)

    with listener(serve) as port, pytest.raises(StoreUnavailableError, match=said):
        open_ledger(f"http://127.0.0.1:{port}", root=tmp_path)


@pytest.mark.parametrize("uri", ["http://", "http://[::1", "http://host:port"])
def test_a_uri_that_names_no_server_is_told(tmp_path, uri):
    with pytest.raises(StoreUnavailableError, match="tracking server http"):
        open_ledger(uri, root=tmp_path)


@contextlib.contextmanager
def web_server(answer: Callable[[BaseHTTPRequestHandler], tuple[int, str, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", b"<html>welcome</html>"),
        (200, "application/json", b"[1, 2"),
        (401, "text/plain", b"who are you"),
        (403, "application/json", b'{"error_code": "PERMISSION_DENIED", "message": "no"}'),
        (404, "text/html", b"<html>nothing here</html>"),
    ],
)
def test_a_server_that_is_no_tracking_server_never_means_nothing_recorded(tmp_path, status, kind, body):
    with web_server(lambda _: (status, kind, body)) as uri:
        ledger = open_ledger(uri, root=tmp_path, log=tmp_path / "log.txt")
        with pytest.raises(StoreUnavailableError) as refused:
            ledger.complete(["a" * 64])
        ledger.close()
    assert "\n" not in str(refused.value)


STAGES = ("probe", "client")


def asked_of_a_silent_server(stage, folder):
    """Ask a server for records that falls silent at a stage; returns its address and the command as it ended."""

    def serve(connection: socket.socket) -> None:
        asked = connection.recv(4096)
        if stage == "client" and b"/health" in asked:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        until_gone(connection)

    code = """
        import sys
        from pathlib import Path
        from pipespec.errors import StoreUnavailableError
        from pipespec.tracking.reading.open_ledger import open_ledger
        try:
            with open_ledger(sys.argv[1], root=Path(sys.argv[2]), log=Path(sys.argv[2]) / "log.txt") as ledger:
                ledger.complete(["a" * 64])
        except StoreUnavailableError as error:
            print(error)
    """
    with listener(serve) as port:
        address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-c", textwrap.dedent(code), address, str(folder)]
        return address, subprocess.run(command, capture_output=True, text=True, timeout=45)


@pytest.fixture(scope="module")
def silenced(tmp_path_factory):
    """What became of the commands, by stage; they wait at the same time."""
    folders = [tmp_path_factory.mktemp(stage) for stage in STAGES]
    with ThreadPoolExecutor() as pool:
        return dict(zip(STAGES, pool.map(asked_of_a_silent_server, STAGES, folders), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_falls_silent_ends_the_command_within_thirty_seconds(silenced, stage):
    address, done = silenced[stage]
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
    assert address in done.stdout


# ------------------------------------------------------------------------------------ few questions


@pytest.fixture
def searches(world, monkeypatch) -> list[str]:
    """The searches that reach the store."""
    store = world.client._tracking_client.store
    asked: list[str] = []
    original = type(store).search_runs

    def spied(self, experiment_ids, filter_string, *more, **named):
        asked.append(filter_string)
        return original(self, experiment_ids, filter_string, *more, **named)

    monkeypatch.setattr(type(store), "search_runs", spied)
    return asked


def client_ledger(world) -> SearchingLedger:
    uri = world.recorder.tracking_uri
    return SearchingLedger(uri, root=world.root, search=MlflowSearch(uri, world.root / "log.txt"))


def test_a_warm_index_makes_any_number_of_keys_one_search(world, searches):
    records = {world.key(f"{number}"): world.publish(key=f"{number}") for number in range(12)}
    with client_ledger(world) as ledger:
        assert ledger.complete(list(records)) == records
    assert len(searches) == 1
    assert searches[0].startswith("attributes.status = 'FINISHED' AND tags.`pipespec.key` LIKE '%'")
    searches.clear()
    with client_ledger(world) as ledger:
        assert ledger.complete(list(records)) == records
    assert len(searches) == 1
    assert searches[0].startswith("attributes.run_id IN (")


def test_level_by_level_a_plan_is_one_search_as_soon_as_it_was_seen_once(world, searches):
    """The keys of a level are known only when the level above it is."""
    levels = [{world.key(f"{at} {n}"): world.publish(key=f"{at} {n}") for n in range(2)} for at in range(4)]
    for _ in range(3):
        searches.clear()
        with client_ledger(world) as ledger:
            assert [ledger.complete(list(level)) for level in levels] == levels
        assert len(searches) == 1


def test_what_two_plans_share_is_read_with_both(world, searches):
    shared, first, second = ({world.key(name): world.publish(key=name)} for name in ("shared", "1", "2"))
    for _ in range(2):
        for own in (first, second):
            with client_ledger(world) as ledger:
                assert (ledger.complete(list(shared)), ledger.complete(list(own))) == (shared, own)
    searches.clear()
    with client_ledger(world) as ledger:
        assert (ledger.complete(list(shared)), ledger.complete(list(second))) == (shared, second)
    assert len(searches) == 1


def test_what_is_older_than_the_newest_runs_is_looked_up_by_its_key(world, searches, monkeypatch):
    monkeypatch.setattr("pipespec.tracking.reading.searching_ledger._PAGE", 2)
    records = {world.key(f"{number}"): world.publish(key=f"{number}") for number in range(4)}
    with client_ledger(world) as ledger:
        assert ledger.complete([*records, world.key("never")]) == records
        assert (
            len(searches) == 1 + 1 + 3
        )  # the newest runs, whether there are any of earlier versions, each key
        assert set(ledger.finished_before([f"{world.name}-train", "never"])) == {f"{world.name}-train"}


def test_a_plan_of_steps_that_never_ran_is_one_search(world, searches):
    world.publish()
    with client_ledger(world) as ledger:
        for at in range(5):
            assert ledger.complete([world.key(f"{at} never")]) == {}
        assert set(ledger.finished_before([f"never-{at}" for at in range(9)])) == set()
    assert len(searches) == 1


def test_the_runs_of_many_steps_and_deleted_runs_are_read_at_once_from_a_short_history(world, searches):
    numbers = [f"step-{number}" for number in range(6)]
    steps = [f"{world.name}-{number}" for number in numbers]
    records = {f"{world.name}-{number}": world.publish(step=number, key=number) for number in numbers}
    deleted = {
        world.key(f"gone {number}"): world.publish(step=number, key=f"gone {number}")
        for number in numbers[:2]
    }
    with client_ledger(world) as ledger:
        assert ledger.complete([world.key("never")]) == {}
        searches.clear()
        assert set(ledger.history(steps)) == set(steps)
        found = [[run.run_id for run in ledger.finished_runs(step)] for step in steps]
        assert [runs[-1] for runs in found] == [records[step].run_id for step in steps]
        assert len(searches) == 1
        for record in records.values():
            ledger.manifest(record)  # whose run is not asked for again
        for record in deleted.values():
            world.client.delete_run(record.run_id)
        searches.clear()
        gone = ledger.deleted([world.key(f"gone {number}") for number in numbers])
        assert len(searches) == 1
    assert {key: one.run_id for key, one in gone.items()} == {
        key: record.run_id for key, record in deleted.items()
    }


def test_what_was_published_before_a_ledger_was_opened_is_known_for_a_minute(world, monkeypatch):
    published = world.publish(key="one")
    with client_ledger(world) as ledger:
        assert ledger.published_lately() == {published.key}
        monkeypatch.setattr("pipespec.tracking.reading.searching_ledger._PAGE", 1)
        world.publish(key="two")
        assert ledger.published_lately() is None


@pytest.mark.parametrize("look", ["claims", "generations", "running"])
def test_what_was_published_since_the_plan_is_seen_once_a_claim_is_looked_at(world, look):
    with client_ledger(world) as ledger:
        assert ledger.complete([world.key("one")]) == {}
        started = world.start()
        assert ledger.complete([world.key("one")]) == {}
        record = world.recorder.publish(started, world.outcome(started, {}), manifest={})
        asked = {"claims": world.key("one"), "generations": [world.key("one")], "running": world.name}[look]
        getattr(ledger, look)(asked)
        assert ledger.complete([world.key("one")]) == {world.key("one"): record}


def test_a_claim_in_an_experiment_made_since_the_plan_is_seen(world):
    with client_ledger(world) as ledger:
        assert ledger.complete([world.key("one")]) == {}
        started = world.start(experiment=f"{world.name}/new")
        assert [claim.run_id for claim in ledger.claims(world.key("one"))] == [started.run_id]


def test_what_is_noted_when_it_is_published_is_found_without_a_search_for_it(world, searches):
    records = [world.publish(key=f"{number}") for number in range(3)]
    with client_ledger(world) as ledger:
        ledger.note(records)
    with client_ledger(world) as ledger:
        assert len(ledger.complete([record.key for record in records])) == 3
    assert len(searches) == 1


def test_the_index_is_a_guess_and_never_the_truth(world):
    one, other = world.publish(key="one"), world.publish(key="other")
    lies = {one.key: other.run_id, other.key: "0" * 32, world.key("never"): one.run_id}
    index = RunIndex(world.root, world.recorder.tracking_uri)
    index.learn(lies)
    index.save()
    with client_ledger(world) as ledger:
        assert ledger.complete(list(lies)) == {one.key: one, other.key: other}


@pytest.mark.parametrize(
    "torn", ["", "{", "[]", "null", '{"a": 1}', '{"' + "a" * 64 + '": "\' OR 1"}', "\0" * 10]
)
def test_a_torn_index_is_as_good_as_none(world, torn):
    record = world.publish()
    with client_ledger(world) as ledger:
        ledger.complete([record.key])
        file = ledger._index._file
    assert list(json.loads(file.read_text())) == [record.key]
    file.write_text(torn)
    with client_ledger(world) as ledger:
        assert ledger.complete([record.key]) == {record.key: record}
    assert [row[:32] for row in json.loads(file.read_text()).values()] == [record.run_id]


def test_an_index_that_cannot_be_written_is_left_out(world):
    record = world.publish()
    (world.root / ".pipespec").write_text("in the way")
    with client_ledger(world) as ledger:
        assert ledger.complete([record.key]) == {record.key: record}
    assert (world.root / ".pipespec").read_text() == "in the way"


def test_reading_a_database_file_leaves_no_index(world):
    world.publish()
    with world.ledger() as ledger:
        ledger.complete([world.key("one")])
    assert not (world.root / ".pipespec").exists()

"""Files that a tracking server hands out itself: under any name, whole, streamed."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from urllib.parse import unquote

import pytest
from scripted_server import CUT, Asked, Said, ScriptedServer

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.server.server_access import access_to
from pipespec.tracking.server.server_files import ServerFiles, is_handed_out


class Files:
    """The part of a tracking server that keeps files."""

    def __init__(self, server: ScriptedServer) -> None:
        self.kept: dict[str, bytes] = {}
        server.rule = self

    def __call__(self, asked: Asked) -> Said:
        name = unquote(asked.path).partition("/mlflow-artifacts/artifacts/")[2]
        if asked.method == "PUT":
            self.kept[name] = asked.body
            return Said(200, b"")
        if name not in self.kept:
            return Said(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such file"}')
        return Said(200, self.kept[name])


@pytest.fixture
def files(server, client):
    kept = Files(server)
    return kept, ServerFiles(client, "mlflow-artifacts:/7/run/artifacts")


@pytest.mark.parametrize(
    "name", ["a.json", "with space.txt", "model/ü€.bin", "100% sure?#1", "a+b&c=d;e", "'quoted'", "🐟", "~x"]
)
def test_a_file_comes_back_under_its_name_whatever_is_in_it(files, tmp_path, name):
    kept, far = files
    content = name.encode() * 1000
    far.put(content, name)
    (tmp_path / "source").write_bytes(content + b"more")
    far.put(tmp_path / "source", f"folder/{name}")
    far.get(f"folder/{name}", tmp_path / "got")
    assert kept.kept == {
        f"7/run/artifacts/{name}": content,
        f"7/run/artifacts/folder/{name}": content + b"more",
    }
    assert (tmp_path / "got").read_bytes() == content + b"more"


def test_a_file_of_some_megabytes_is_streamed_both_ways(files, tmp_path):
    import tracemalloc

    kept, far = files
    source = tmp_path / "large"
    source.write_bytes(hashlib.sha256(b"x").digest() * (1 << 20))
    tracemalloc.start()
    far.put(source, "large")
    far.get("large", tmp_path / "got")
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "got").read_bytes() == source.read_bytes() == kept.kept["7/run/artifacts/large"]
    assert held < 150 << 20  # the server, in this process, holds it twice; we hold a piece


def test_a_file_that_is_not_there_is_told_as_such(files, tmp_path):
    with pytest.raises(FileNotFoundError):
        files[1].get("none", tmp_path / "got")


@pytest.mark.parametrize("promised", ["9", "3000000"])
def test_a_download_that_is_cut_short_is_made_again(server, files, pauses, tmp_path, promised):
    far = files[1]
    server.first(Said(200, b"abc", {"Content-Length": promised, "Connection": "close"}), Said(200, b"abcdef"))
    far.get("file", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"abcdef"
    assert len(server.asked) == 2


def test_an_upload_whose_answer_is_lost_is_made_again(server, files, pauses, tmp_path):
    far = files[1]
    (tmp_path / "source").write_bytes(b"content")
    server.first(CUT, Said(503, b""))
    far.put(tmp_path / "source", "file")
    assert [asked.body for asked in server.asked] == [b"content"] * 3


def test_a_server_that_refuses_a_file_before_it_has_all_of_it_is_heard(tmp_path, pauses):
    (tmp_path / "large").write_bytes(bytes(30 << 20))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection = listener.accept()[0]
                connection.recv(1 << 16)
                connection.sendall(
                    b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 20):
                    pass

        threading.Thread(target=serve, daemon=True).start()
        with (
            RestClient(access_to(f"http://127.0.0.1:{listener.getsockname()[1]}")) as client,
            pytest.raises(StoreUnavailableError, match="it answers 413 Too Large"),
        ):
            client.put_file("1/large", tmp_path / "large")


def test_a_folder_that_lists_a_path_in_place_of_a_name_is_refused(server, files, tmp_path):
    server.rule = lambda _: Said(200, b'{"files": [{"path": "../../x", "is_dir": false, "file_size": 1}]}')
    with pytest.raises(StoreUnavailableError, match="which is no file's"):
        files[1].get("model/", tmp_path / "got")
    assert not (tmp_path.parent / "x").exists()


@pytest.mark.parametrize(
    ("uri", "is_ours"),
    [
        ("mlflow-artifacts:/1/r/artifacts", True),
        ("mlflow-artifacts://host:5000/1/r/artifacts", True),
        ("mlflow-artifacts://other:5000/1/r/artifacts", False),
        ("s3://bucket/1", False),
        ("http://host:5000/api/2.0/mlflow-artifacts/artifacts/1", False),
    ],
)
def test_only_what_the_server_itself_hands_out_goes_by_its_routes(monkeypatch, uri, is_ours):
    assert is_handed_out(uri, "http://ada:x@host:5000/prefix") is is_ours
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    assert not is_handed_out(uri, "http://host:5000")

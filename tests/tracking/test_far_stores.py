"""What every store of artifacts promises that is no folder here: behind a tracking server, in S3, in S3 behind one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipespec.errors import AlteredContentError, PipespecError, StoreUnavailableError
from pipespec.step.content_digest import digest_file, digest_tree
from pipespec.step.step_job import Artifact
from pipespec.tracking.artifacts import fetch, localise, location, put, read, upload

pytestmark = pytest.mark.servers

STORES = ("mlflow_on_sqlite", "mlflow_on_s3", "bucket")


@pytest.fixture(params=STORES)
def store(request, tmp_path, monkeypatch):
    """The artifact URI of a new run, and the URI of its tracking store."""
    found = request.getfixturevalue(request.param)
    run = tmp_path.parent.name + tmp_path.name
    if request.param != "bucket":
        return f"mlflow-artifacts:/1/{run}/artifacts", found.url
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return f"{found.uri}/runs/{run}/artifacts", "sqlite:////nowhere/mlflow.db"


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_files_and_folders_come_back_whole_under_any_name(store, tmp_path):
    contents = {
        name: name.encode() * 100
        for name in (
            "a.json",
            "sub/b c.txt",
            "sub/deep/ü.bin",
            "50%.csv",
            "a#b/c?d.txt",
            "x\\y",
            "a+b&c=d;e",
            "🐟",
        )
    }
    for name, content in contents.items():
        (tmp_path / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / name).write_bytes(content)
    (tmp_path / "one.bin").write_bytes(b"")
    whole = Artifact(location(store[0], "made/"), digest_tree(tmp_path / "made").digest, "made")
    empty = Artifact(location(store[0], "one.bin"), digest_file(tmp_path / "one.bin")[0], "one.bin")

    upload([(tmp_path / "made", "made/"), (tmp_path / "one.bin", "one.bin")], *store)
    put({"pipespec/log.txt": b"first", "pipespec/step.json": b"{}"}, *store)
    put({"pipespec/log.txt": b"second"}, *store)

    fetch(whole, tmp_path / "got", tmp_path / "downloads", store[1])
    fetch(empty, tmp_path / "got.bin", tmp_path / "downloads", store[1])
    assert files_below(tmp_path / "got") == contents
    assert (tmp_path / "got.bin").read_bytes() == b""
    assert read(store[0], "pipespec/log.txt", store[1]) == b"second"


def test_a_file_that_is_not_there_is_told_as_such(store, tmp_path):
    with pytest.raises(FileNotFoundError):
        read(store[0], "pipespec/step.json", store[1])
    gone = Artifact(location(store[0], "gone.csv"), "0" * 64, "gone.csv")
    with pytest.raises(AlteredContentError, match=r"'gone.csv' no longer exists in the artifact store"):
        localise(gone, tmp_path / "downloads", store[1])


@pytest.mark.parametrize("content", [b"", b"id\n", b"id\n2\n"])
def test_content_that_was_changed_behind_our_back_is_refused(store, tmp_path, content):
    (tmp_path / "ids.csv").write_bytes(b"id\n1\n")
    artifact = Artifact(location(store[0], "ids.csv"), digest_file(tmp_path / "ids.csv")[0], "ids.csv")
    upload([(tmp_path / "ids.csv", "ids.csv")], *store)
    put({"ids.csv": content}, *store)
    with pytest.raises(PipespecError, match=r"'ids.csv' differs from what its run recorded"):
        localise(artifact, tmp_path / "downloads", store[1])


MEASURED = """
import resource, sys
from pathlib import Path
from pipespec.activity import watched_by
from pipespec.tracking.artifacts import upload

class Watcher:
    told = []
    def began(self, activity):
        self.told.append([activity.text, activity.size, 0])
    def advanced(self, activity):
        self.told[-1][2] = max(self.told[-1][2], activity.done)
    def ended(self, activity):
        pass

folder, uri, tracking = Path(sys.argv[1]), *sys.argv[2:]
upload([(folder / "small", "small/")], uri, tracking)  # imports what it takes
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with watched_by(Watcher()):
    upload([(folder / "large.bin", "large.bin"), (folder / "many", "many/")], uri, tracking)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
print(Watcher.told)
"""


def test_large_outputs_are_uploaded_in_bounded_memory_with_one_progress_bar(store, tmp_path):
    size, count = 200 << 20, 300
    for name in ("small", "many"):
        (tmp_path / name).mkdir()
    (tmp_path / "small" / "a").write_bytes(b"a")
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(size)
    for number in range(count):
        (tmp_path / "many" / f"{number}.txt").write_text(str(number) * 10)
    total = size + sum(len(str(number)) * 10 for number in range(count))

    command = [sys.executable, "-c", MEASURED, str(tmp_path), *store]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    grown, told = done.stdout.splitlines()
    assert told == str([["uploading large.bin, many/", total, total]])
    assert int(grown) < 48 << 20  # a few pieces for each thread, never the file


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "S3 at http://127.0.0.1:9 does not answer"),
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "there are no credentials; set AWS_ACCESS_KEY_ID",
        ),
        ({"AWS_PROFILE": "nobody"}, "AWS_PROFILE names a profile that is not there"),
    ],
)
def test_what_keeps_us_from_s3_is_said_in_plain_words(bucket, tmp_path, monkeypatch, change, said):
    environment = {**bucket.environment, "HOME": str(tmp_path), **change}
    for name, value in environment.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    with pytest.raises(StoreUnavailableError) as refused:
        put({"a": b"a"}, f"{bucket.uri}/runs", "sqlite:////nowhere/mlflow.db")
    assert str(refused.value).startswith(f"artifact store {bucket.uri}/runs: {said}")


def test_a_bucket_that_is_not_there_is_said_by_its_name(bucket, monkeypatch):
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreUnavailableError, match=r"there is no bucket 'no-such-bucket'"):
        put({"a": b"a"}, "s3://no-such-bucket/runs", "sqlite:////nowhere/mlflow.db")

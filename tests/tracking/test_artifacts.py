"""Files into a run and back: whole, with their content compared, under names that every store keeps."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.step.content_digest import digest_tree
from pipespec.step.step_job import Artifact
from pipespec.tracking import far_files
from pipespec.tracking.artifact_uris import original_name, require_name, run_folder, stored_name
from pipespec.tracking.artifacts import (
    fetch,
    local_path,
    localise,
    location,
    put,
    read,
    sweep_temporaries,
    upload,
)

URI = "sqlite:////nowhere/mlflow.db"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    folder = tmp_path / "staging"
    (folder / "model" / "sub").mkdir(parents=True)
    (folder / "ids.csv").write_bytes(b"id\n1\n")
    (folder / "model" / "weights.bin").write_bytes(b"\0\1")
    (folder / "model" / "sub" / "vocabulary.txt").write_bytes(b"a b")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "mlartifacts" / "news-train" / "r1" / "artifacts"


# -------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/data/a b", "/data/a b"),
        ("file:///data/a%20b", "/data/a b"),
        ("file:/data", "/data"),
        ("s3://bucket/x", None),
        ("mlflow-artifacts:/1/r/artifacts", None),
        ("http://host/x", None),
    ],
)
def test_a_uri_is_local_or_it_is_not(uri, path):
    assert local_path(uri) == (None if path is None else Path(path))


def test_a_run_is_where_it_was_or_where_the_project_was_moved_to(tmp_path):
    here, there = tmp_path / "here" / "mlartifacts", tmp_path / "there" / "mlartifacts"
    at = "news-train/r1/artifacts"
    (here / at).mkdir(parents=True)
    assert run_folder((here / at).as_uri(), here) == here / at
    assert run_folder((there / at).as_uri(), here) == here / at
    assert run_folder((here / at).as_uri(), there) == here / at
    assert run_folder("file:///data/runs/r1/artifacts", here) == Path("/data/runs/r1/artifacts")
    assert run_folder("s3://bucket/mlartifacts/r1", here) is None


def test_a_location_is_a_path_or_a_uri():
    assert location("file:///data/a%20b/artifacts", "model/") == "/data/a b/artifacts/model/"
    assert location("s3://bucket/r1/artifacts/", "ids.csv") == "s3://bucket/r1/artifacts/ids.csv"


# ------------------------------------------------------------------------------------------- putting


def test_files_come_into_place_under_their_names(staging, run):
    upload([(staging / "ids.csv", "ids.csv"), (staging / "model", "model/")], run.as_uri(), URI)
    assert files_below(run) == {
        "ids.csv": b"id\n1\n",
        "model/weights.bin": b"\0\1",
        "model/sub/vocabulary.txt": b"a b",
    }
    assert not (staging / "ids.csv").exists()


def test_a_file_that_others_share_is_copied_and_not_moved(staging, run):
    os.link(staging / "ids.csv", staging / "shared.csv")
    upload([(staging / "ids.csv", "ids.csv")], run.as_uri(), URI)
    (staging / "shared.csv").write_bytes(b"changed later")
    assert files_below(run) == {"ids.csv": b"id\n1\n"}


def test_a_file_of_another_disk_is_copied(run, tmp_path):
    if not os.access("/dev/shm", os.W_OK) or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second disk here")
    source = Path("/dev/shm") / f"pipespec-{os.getpid()}.csv"
    source.write_bytes(b"x")
    try:
        upload([(source, "ids.csv")], run.as_uri(), URI)
    finally:
        source.unlink()
    assert files_below(run) == {"ids.csv": b"x"}


def test_an_empty_directory_is_there_afterwards(tmp_path, run):
    (tmp_path / "empty").mkdir()
    upload([(tmp_path / "empty", "model/")], run.as_uri(), URI)
    assert (run / "model").is_dir()


def test_nothing_is_put_where_one_name_is_refused(staging, run):
    (staging / "model" / "a\tb.txt").write_text("x")
    with pytest.raises(PipespecError, match=r"has '\\t' in it, which not every artifact store supports"):
        upload([(staging / "ids.csv", "ids.csv"), (staging / "model", "model/")], run.as_uri(), URI)
    assert not run.exists()


@pytest.mark.parametrize("point", ["publish.before-upload", "publish.mid-upload", "publish.after-upload"])
def test_a_process_killed_while_it_uploads_leaves_whole_files_only(staging, run, point):
    code = """
        import sys
        from pathlib import Path
        from pipespec.tracking.artifacts import upload
        staging = Path(sys.argv[1])
        upload([(staging / "ids.csv", "ids.csv"), (staging / "model", "model/")], sys.argv[2], "")
    """
    environment = {**os.environ, "PIPESPEC_FAULT_TESTING": "1", "PIPESPEC_FAULT": f"{point}:kill9"}
    command = [sys.executable, "-c", textwrap.dedent(code), str(staging), run.as_uri()]
    assert subprocess.run(command, env=environment, timeout=60).returncode == -9
    whole = {"ids.csv": b"id\n1\n", "model/weights.bin": b"\0\1", "model/sub/vocabulary.txt": b"a b"}
    assert files_below(run).items() <= whole.items()
    assert (files_below(run) == whole) == (point == "publish.after-upload")


def test_a_small_file_replaces_what_was_there_whole(run):
    put({"pipespec/step.json": b"old and long"}, run.as_uri(), URI)
    put({"pipespec/step.json": b"new"}, run.as_uri(), URI)
    assert files_below(run) == {"pipespec/step.json": b"new"}
    assert read(run.as_uri(), "pipespec/step.json", URI) == b"new"


@pytest.mark.parametrize(
    "name",
    [
        "ids.csv",
        "model/",
        "a/b/c.txt",
        "with space.csv",
        "größe.csv",
        "日本.txt",
        "-dash",
        ".hidden",
        "it's.csv",
        "a&b=c.csv",
        "50%",
        "a#b",
        "why?",
        "a\\b",
    ],
)
def test_a_name_that_every_store_keeps_is_taken(name):
    require_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/etc/passwd",
        "../up",
        "a/../b",
        "a//b",
        "./a",
        "a\nb",
        "a\tb",
        "\ud800",
        "x" * 256,
        "a/" + "ü" * 128,
    ],
)
def test_a_name_that_some_store_loses_is_refused(name):
    with pytest.raises(PipespecError, match=r"^the name "):
        require_name(name)


# ------------------------------------------------------------------------------------------- getting


def test_what_is_local_is_read_where_it_is(tmp_path):
    artifact = Artifact(str(tmp_path / "ids.csv"), sha(b"x"), "ids.csv")
    assert localise(artifact, tmp_path / "downloads", URI) is artifact
    assert not (tmp_path / "downloads").exists()


@pytest.mark.parametrize("damage", [b"", b"id\n", b"id\n2\n"])
def test_a_damaged_file_is_not_handed_out(staging, tmp_path, damage):
    artifact = Artifact(str(staging / "ids.csv"), sha(b"id\n1\n"), "ids.csv")
    to = tmp_path / "out" / "copy.csv"
    fetch(artifact, to, tmp_path / "downloads", URI, replace_other=True)
    assert to.read_bytes() == b"id\n1\n"
    (staging / "ids.csv").write_bytes(damage)
    with pytest.raises(PipespecError, match=r"'ids.csv' differs from what its run recorded"):
        fetch(artifact, to, tmp_path / "downloads", URI, replace_other=True)
    assert to.read_bytes() == b"id\n1\n"
    (staging / "ids.csv").unlink()
    with pytest.raises(PipespecError, match=r"'ids.csv' no longer exists"):
        fetch(artifact, to, tmp_path / "downloads", URI, replace_other=True)


def test_a_directory_is_fetched_whole_and_compared(staging, tmp_path):
    whole = files_below(staging / "model")
    artifact = Artifact(f"{staging}/model/", digest_tree(staging / "model").digest, "model/")
    to = tmp_path / "out"
    fetch(artifact, to, tmp_path / "downloads", URI, replace_other=True)
    (to / "mine.txt").write_text("in the way")
    fetch(artifact, to, tmp_path / "downloads", URI, replace_other=True)
    assert files_below(to) == whole
    (staging / "model" / "sub" / "vocabulary.txt").unlink()
    with pytest.raises(PipespecError, match="differs from what its run recorded"):
        fetch(artifact, to, tmp_path / "downloads", URI, replace_other=True)
    assert files_below(to) == whole


class Store:
    """An artifact repository in a folder, reached by a URI that is not local."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.downloads = 0
        self.keep = None

    def __call__(self, artifact_uri: str, tracking_uri: str) -> Store:
        from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

        store, path = self, self.folder / artifact_uri.removeprefix("far://")

        class Repository(LocalArtifactRepository):
            def log_artifact(self, local_file, artifact_path=None):
                super().log_artifact(local_file, artifact_path)
                if store.keep is not None:
                    stored = path / (artifact_path or "") / Path(local_file).name
                    stored.write_bytes(stored.read_bytes()[: store.keep])

            def download_artifacts(self, artifact_path, dst_path=None):
                store.downloads += 1
                return super().download_artifacts(artifact_path, dst_path)

        return Repository(path.as_uri())


@pytest.fixture
def far(tmp_path, monkeypatch) -> Store:
    store = Store(tmp_path / "far")
    monkeypatch.setattr(far_files, "_repository", store)
    return store


def test_files_come_into_a_far_store_under_their_names(staging, far):
    upload([(staging / "ids.csv", "other.csv"), (staging / "model", "model/")], "far://r1/artifacts", URI)
    put({"pipespec/step.json": b"{}"}, "far://r1/artifacts", URI)
    assert files_below(far.folder / "r1/artifacts") == {
        "other.csv": b"id\n1\n",
        "model/weights.bin": b"\0\1",
        "model/sub/vocabulary.txt": b"a b",
        "pipespec/step.json": b"{}",
    }
    assert read("far://r1/artifacts", "pipespec/step.json", URI) == b"{}"


def test_a_far_store_that_cuts_files_is_found_out(staging, far):
    far.keep = 2
    with pytest.raises(StoreUnavailableError, match=r"has 2 bytes of 'ids.csv', which has 5"):
        upload([(staging / "ids.csv", "ids.csv")], "far://r1/artifacts", URI)


def test_a_download_is_compared_kept_and_not_repeated(staging, far, tmp_path):
    upload([(staging / "ids.csv", "ids.csv")], "far://r1/artifacts", URI)
    artifact = Artifact("far://r1/artifacts/ids.csv", sha(b"id\n1\n"), "ids.csv")
    downloads = tmp_path / "downloads"
    got = [localise(artifact, downloads, URI) for _ in range(3)]
    assert {one.location for one in got} == {str(downloads / sha(b"id\n1\n"))}
    assert Path(got[0].location).read_bytes() == b"id\n1\n"
    assert far.downloads == 1
    Path(got[0].location).write_bytes(b"damaged")
    assert Path(localise(artifact, downloads, URI).location).read_bytes() == b"id\n1\n"
    assert far.downloads == 2


def test_a_directory_is_downloaded_whole(staging, far, tmp_path):
    whole, digest = files_below(staging / "model"), digest_tree(staging / "model").digest
    upload([(staging / "model", "model/")], "far://r1/artifacts", URI)
    artifact = Artifact("far://r1/artifacts/model/", digest, "model/")
    got = [localise(artifact, tmp_path / "downloads", URI) for _ in range(2)]
    assert files_below(Path(got[1].location)) == whole
    assert got[1].location.endswith("/")
    assert far.downloads == 1


@pytest.mark.parametrize("content", [b"id\n", b"\0\0\0\0\0"])
def test_a_download_that_is_not_what_was_recorded_is_refused(staging, far, tmp_path, content):
    upload([(staging / "ids.csv", "ids.csv")], "far://r1/artifacts", URI)
    (far.folder / "r1/artifacts/ids.csv").write_bytes(content)
    artifact = Artifact("far://r1/artifacts/ids.csv", sha(b"id\n1\n"), "ids.csv")
    with pytest.raises(PipespecError, match="differs from what its run recorded"):
        localise(artifact, tmp_path / "downloads", URI)
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_far_file_that_is_gone_is_gone_and_a_store_that_fails_is_unavailable(far, monkeypatch, capfd):
    with pytest.raises(FileNotFoundError):
        read("far://r1/artifacts", "pipespec/step.json", URI)
    assert capfd.readouterr() == ("", "")

    def fails(*_):
        raise ConnectionError("reset by\npeer")

    monkeypatch.setattr(far_files, "_repository", fails)
    with pytest.raises(StoreUnavailableError, match=r"artifact store far://r1/artifacts: reset by$"):
        read("far://r1/artifacts", "x", URI)


@given(st.text() | st.text("~%#?\\25F37E/", max_size=12))
def test_name_in_a_far_store_has_nothing_that_gets_lost_and_is_read_back(name):
    stored = stored_name(name)

    assert original_name(stored) == name
    assert not set("%#?\\") & set(stored)
    assert stored.count("/") == name.count("/")
    assert stored == name or set("~%#?\\") & set(name)


def test_names_with_any_characters_come_back_from_a_far_store(far, tmp_path):
    contents = {
        name: name.encode() for name in ("50%.csv", "a#b/c?d.txt", "x\\y", "a~25", "a%25", "~", "ü &+")
    }
    for name, content in contents.items():
        (tmp_path / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / name).write_bytes(content)
    digest = digest_tree(tmp_path / "made").digest
    upload([(tmp_path / "made", "made/")], "far://r1/artifacts", URI)
    artifact = Artifact(location("far://r1/artifacts", "made/"), digest, "made")
    part = Artifact(location("far://r1/artifacts", "made/a#b/c?d.txt"), sha(b"a#b/c?d.txt"), "c?d.txt")

    fetch(artifact, tmp_path / "got", tmp_path / "downloads", URI)
    fetch(part, tmp_path / "part", tmp_path / "downloads", URI)

    assert files_below(tmp_path / "got") == contents
    assert (tmp_path / "part").read_bytes() == b"a#b/c?d.txt"
    assert sorted(files_below(far.folder / "r1/artifacts/made")) == sorted(map(stored_name, contents))


def test_programs_can_be_executed_again_after_a_far_store_that_forgets_it(far, tmp_path):
    (tmp_path / "made/bin").mkdir(parents=True)
    for name in ("bin/tool", "text"):
        (tmp_path / "made" / name).write_text("#!/bin/sh\n")
    (tmp_path / "made/bin/tool").chmod(0o755)
    digest = digest_tree(tmp_path / "made").digest
    upload([(tmp_path / "made", "made/")], "far://r1/artifacts", URI)
    (far.folder / "r1/artifacts/made/bin/tool").chmod(0o644)
    artifact = Artifact("far://r1/artifacts/made/", digest, "made", ("bin/tool",))

    local = Path(localise(artifact, tmp_path / "downloads", URI).location)
    fetch(artifact, tmp_path / "got", tmp_path / "downloads", URI)

    for place in (local, tmp_path / "got"):
        assert [os.access(place / name, os.X_OK) for name in ("bin/tool", "text")] == [True, False]


names = st.text(st.characters(blacklist_categories=("C",), blacklist_characters="/"), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, st.binary(max_size=20), max_size=4))
def test_every_name_that_is_taken_comes_back_as_it_was(tmp_path_factory, wanted):
    import unicodedata

    taken = {}
    for name, content in wanted.items():
        try:
            require_name(name)
        except PipespecError:
            continue
        taken[unicodedata.normalize("NFC", name)] = content
    base = tmp_path_factory.mktemp("names")
    (base / "model").mkdir()
    for name, content in taken.items():
        (base / "model" / name).write_bytes(content)
    whole = digest_tree(base / "model")
    upload([(base / "model", "model/")], (base / "run").as_uri(), URI)
    assert files_below(base / "run" / "model") == taken
    fetch(Artifact(f"{base}/run/model/", whole.digest, "model/"), base / "out", base / "downloads", URI)
    assert files_below(base / "out") == taken


def test_nothing_half_written_stays_where_a_file_could_not_be_put(tmp_path):
    (tmp_path / "taken" / "inside").mkdir(parents=True)

    with pytest.raises(OSError):
        put({"first": b"1", "taken": b"2"}, tmp_path.as_uri(), URI)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "taken"]


def test_what_a_killed_writer_left_half_written_is_removed(tmp_path):
    (tmp_path / "model").mkdir()
    for name in (".pipespec-1f", "model/.pipespec-2e", "model/kept", ".kept"):
        (tmp_path / name).touch()

    sweep_temporaries(tmp_path.as_uri())

    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(left) == [".kept", "model/kept"]

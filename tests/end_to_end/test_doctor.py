"""`pipespec doctor`: damage that was done to a real store and to the project's folder is found, with its place."""

import json
import shutil
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/doctor.schema.json").read_text(encoding="utf-8"))
AGAIN = "the next 'pipespec run' makes it again, if it is still needed; 'pipespec gc' finds what is not"


@pytest.fixture
def sound(complete_project, tmp_path, project_at):
    shutil.copytree(complete_project.folder, tmp_path / "project")
    return project_at(tmp_path / "project")


def found(project, *words, code=1, **variables):
    answer = project.pipespec("doctor", *words, "--format", "json", **variables)
    assert answer.code == code, answer.err + answer.out
    Draft202012Validator(SCHEMA).validate(answer.json)
    return [(one["code"], one["place"], one["message"]) for one in answer.json["findings"]]


def run_of(project, step):
    rows = project.query("select run_uuid from tags where key = 'pipespec.step' and value = ?", step)
    return rows[0][0]


def artifact(project, step, name):
    (path,) = project.folder.glob(f"mlartifacts/*/{run_of(project, step)}/artifacts/{name}")
    return path


def test_nothing_is_found_where_nothing_is_wrong(sound):
    text = sound.pipespec("doctor")

    assert (text.code, text.out) == (
        0,
        (
            "nothing is wrong\n"
            "looked at: 4 runs, 3 of them complete, the folder .pipespec\n"
            "store: sqlite:///mlflow.db\n"
        ),
    )
    assert found(sound, "--verify", code=0) == []


class Closed(BaseHTTPRequestHandler):
    """An S3 that lets nobody in."""

    def do_GET(self):
        asked.append(self.path)
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        return


asked: list[str] = []


def test_artifacts_that_cannot_be_read_are_told_once_for_each_store_and_the_others_are_verified(sound):
    pytest.importorskip("boto3")
    squares = artifact(sound, "squares", "squares.json")
    squares.write_text(squares.read_text().replace("0", "1", 1))
    run = run_of(sound, "squares")
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server,
        sqlite3.connect(sound.folder / "mlflow.db") as db,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        move = "update runs set artifact_uri = ? || run_uuid where run_uuid = ?"
        db.execute(move, ("s3://closed/", run_of(sound, "numbers")))
        db.execute(move, ("s3://closed/", run_of(sound, "total")))
        db.commit()
        told = found(
            sound,
            "--verify",
            MLFLOW_S3_ENDPOINT_URL=f"http://127.0.0.1:{server.server_port}",
            AWS_ACCESS_KEY_ID="wrong",
            AWS_SECRET_ACCESS_KEY="wrong",
            AWS_DEFAULT_REGION="us-east-1",
        )
        server.shutdown()
    assert [(code, place) for code, place, _ in told] == [
        ("altered-artifact", f"run {run} of step 'squares'"),
        ("unreadable-artifacts", "s3://closed"),
    ]
    assert told[1][2].endswith("; what 2 runs left there was not verified")
    assert len(asked) == 1


def test_missing_cut_and_altered_artifacts_are_found(sound):
    artifact(sound, "total", "total.json").unlink()
    artifact(sound, "numbers", "numbers.json").write_text("[")
    squares = artifact(sound, "squares", "squares.json")
    squares.write_text(squares.read_text().replace("0", "1", 1))

    told = found(sound)
    verified = found(sound, "--verify")

    expected = {
        (
            "missing-artifact",
            f"run {run_of(sound, 'total')} of step 'total'",
            "output 'total': 'total.json' no longer exists",
        ),
        (
            "missing-artifact",
            f"run {run_of(sound, 'numbers')} of step 'numbers'",
            "output 'numbers': 'numbers.json' has 1 bytes, not 20",
        ),
    }
    assert {(code, place) for code, place, _ in told} == {(code, place) for code, place, _ in expected}
    assert {code for code, *_ in verified} == {"missing-artifact", "altered-artifact"}
    text = sound.pipespec("doctor").out
    assert f"   help: {AGAIN}\n" in text


def test_runs_left_running_are_found(sound):
    killed = sound.pipespec(
        "run",
        *("--force", "total"),
        PIPESPEC_FAULT="publish.before-batch:kill9",
        PIPESPEC_FAULT_TESTING="1",
    )
    assert killed.code == -9

    told = found(sound)

    left = {message for code, _, message in told if code == "left-running"}
    assert left == {
        "step 'total' is RUNNING in MLflow, but its process is gone",
        "an invocation is RUNNING in MLflow, but its process is gone",
    }
    assert [place for code, place, _ in told if code == "stale-lock"] != []
    sound.run("--force", "total")
    assert found(sound, code=0) == []


def test_a_run_of_a_host_that_cannot_be_seen_is_told_after_a_day(sound):
    run_id = run_of(sound, "total")
    owner = '{"host":"far","boot":"b","namespace":"n","pid":1,"started":"1"}'
    with sqlite3.connect(sound.folder / "mlflow.db") as opened:
        opened.execute(
            "update tags set value = ? where key like '%pipespec.owner' and run_uuid = ?", (owner, run_id)
        )
        for started, is_told in ((int(time.time() * 1000), False), (1, True)):
            opened.execute(
                "update runs set status = 'RUNNING', end_time = null, start_time = ? where run_uuid = ?",
                (started, run_id),
            )
            opened.commit()
            codes = [code for code, *_ in found(sound, code=int(is_told))]
            assert codes == (["long-running"] if is_told else [])


def test_a_store_that_cannot_be_asked_is_a_finding(sound):
    ((code, place, message),) = found(sound, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert (code, place) == ("store-unavailable", "http://127.0.0.1:9")
    assert "connection refused" in message

    with sqlite3.connect(sound.folder / "mlflow.db") as opened:
        opened.execute("update alembic_version set version_num = 'feedbeef'")
    ((code, place, message),) = found(sound)
    assert (code, place) == ("store-unavailable", "sqlite:///mlflow.db")
    assert "was made by a version of mlflow other than the installed" in message

    (sound.folder / "mlflow.db").write_bytes(b"no database at all, whatever its name says")
    assert [code for code, *_ in found(sound)] == ["store-unavailable"]


def test_caches_that_lie_and_results_that_wait_are_found(sound):
    state = sound.folder / ".pipespec"
    (state / "downloads").mkdir(exist_ok=True)
    (state / "downloads" / ("0" * 64)).write_text("other content")
    (state / "unpublished").mkdir(exist_ok=True)
    (state / "unpublished" / "abc").mkdir()
    (state / "digests.sqlite").write_bytes(b"torn")

    told = {(code, place) for code, place, _ in found(sound, "--verify")}

    assert told == {
        ("lying-cache", f".pipespec/downloads/{'0' * 64}"),
        ("unpublished-result", ".pipespec/unpublished/abc"),
        ("damaged-cache", ".pipespec/digests.sqlite"),
    }


def test_a_digest_that_is_remembered_wrongly_is_found(sound):
    file = sound.write("data.csv", "a\n1\n")
    status = file.stat()
    with sqlite3.connect(sound.folder / ".pipespec/digests.sqlite") as opened:
        opened.execute(
            "CREATE TABLE IF NOT EXISTS digests_1 (path BLOB PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER,"
            " inode INTEGER, digest TEXT) WITHOUT ROWID"
        )
        row = (
            str(file).encode(),
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
            "0" * 64,
        )
        opened.execute("insert into digests_1 values (?, ?, ?, ?, ?, ?)", row)

    ((code, place, message),) = found(sound, "--verify")

    assert (code, place) == ("lying-cache", ".pipespec/digests.sqlite")
    assert f"'{file}'" in message

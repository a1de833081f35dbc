"""What every writer promises of a store that is well, busy, broken or gone; and which writer a store gets."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.tracking import sqlite_schema
from pipespec.tracking.writing import sqlite_writer
from pipespec.tracking.writing.client_writer import ClientWriter
from pipespec.tracking.writing.experiments import Experiments
from pipespec.tracking.writing.opening import open_writer
from pipespec.tracking.writing.sqlite_writer import SqliteWriter

UNKNOWN = "0" * 32


@pytest.fixture
def world(world_of_each_writer):
    return world_of_each_writer


@pytest.fixture
def writer(world):
    return world.recorder._writer


@contextlib.contextmanager
def database(project):
    with contextlib.closing(sqlite3.connect(project / "mlflow.db", isolation_level=None)) as connection:
        yield connection


def execute(project, statement: str) -> list[tuple]:
    with database(project) as connection:
        return connection.execute(statement).fetchall()


# ----------------------------------------------------------------------------------------- refusals


def test_an_experiment_that_was_taken_back_with_its_transaction_is_made_again(world, writer, tmp_path):
    experiments = Experiments(writer, tmp_path, None)

    def write_and_fail():
        with writer.at_once():
            with experiments.named("new"):
                pass
            raise LookupError

    with pytest.raises(LookupError):
        write_and_fail()

    with experiments.named("new") as made:
        writer.create_run(made, tags={"mlflow.runName": "run"}, params={}, started=1)

    assert [run.info.experiment_id for run in world.client.search_runs([made])] == [made]


def test_an_experiment_is_found_by_its_very_name_deleted_or_not(world, writer):
    made = writer.make_experiment("News 'A'", "file:///tmp/a")
    assert writer.make_experiment("News 'A'", "file:///tmp/b") is None
    found = writer.find_experiment("News 'A'")
    assert (found.experiment_id, found.artifact_location, found.is_active) == (made, "file:///tmp/a", True)
    world.client.delete_experiment(made)
    assert writer.find_experiment("News 'A'").is_active is False
    assert writer.make_experiment("News 'A'", "file:///tmp/c") is None
    assert writer.find_experiment("news 'a'") is None
    assert writer.find_experiment("News _A_") is None


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (lambda writer: writer.end(UNKNOWN, "KILLED", ended=1), "not found"),
        (lambda writer: writer.set_tags(UNKNOWN, {"a": "b"}), "not found"),
        (lambda writer: writer.delete_tags(UNKNOWN, ["a"]), "not found"),
        (lambda writer: writer.tags(UNKNOWN), "not found"),
        (
            lambda writer: writer.publish(UNKNOWN, tags={"a": "b"}, metrics={}, ended=1),
            "not found",
        ),
        (lambda writer: _create(writer, "77"), "No Experiment with id=77 exists"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(writer, deed, said):
    with pytest.raises(PipespecError, match=said) as refused:
        deed(writer)
    assert "\n" not in str(refused.value)
    assert not isinstance(refused.value, StoreUnavailableError)


def _create(writer, experiment_id: str):
    return writer.create_run(experiment_id, tags={"mlflow.runName": "x"}, params={}, started=1)


def test_an_experiment_that_was_deleted_meanwhile_takes_no_run(world, writer):
    experiment = world.start().experiment_id
    world.client.delete_experiment(experiment)
    with pytest.raises(PipespecError, match="Current state is deleted"):
        _create(writer, experiment)


def test_a_tag_that_is_gone_is_not_taken_off_again(world, writer):
    run_id = world.start().run_id
    writer.set_tags(run_id, {"one": "1"})
    writer.delete_tags(run_id, ["one"])
    with pytest.raises(PipespecError, match="No tag with name: one"):
        writer.delete_tags(run_id, ["one"])


def test_a_run_is_renamed_by_its_tag(world, writer):
    run_id = world.start().run_id
    writer.set_tags(run_id, {"mlflow.runName": "another", "team": "nlp"})
    run = world.client.get_run(run_id)
    assert (run.info.run_name, run.data.tags["mlflow.runName"]) == ("another", "another")
    assert writer.tags(run_id) == run.data.tags


def test_what_is_refused_leaves_nothing_behind(world, writer):
    run_id = world.start().run_id
    before = writer.tags(run_id)
    world.client.delete_run(run_id)
    with pytest.raises(PipespecError):
        writer.publish(run_id, tags={"a": "b"}, metrics={"c": 1.0}, ended=1)
    world.client.restore_run(run_id)
    assert writer.tags(run_id) == before
    assert world.client.get_run(run_id).data.metrics == {}


# ------------------------------------------------------------------------------------- other writers


def test_another_writer_is_waited_for(world, project):
    started = world.start()
    with database(project) as holder:
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("UPDATE experiments SET last_update_time = 1")
        other = threading.Thread(target=world.recorder.heartbeat, args=([started],))
        began = time.monotonic()
        other.start()
        other.join(1.0)
        assert other.is_alive()
        holder.execute("COMMIT")
        other.join()
    assert time.monotonic() - began < 20
    assert world.ledger().run(started.run_id).tags["pipespec.lease"] == "1"
    assert execute(project, "SELECT DISTINCT last_update_time FROM experiments") == [(1,)]


def test_a_store_that_stays_locked_is_said_to_be(world_of_sqlite, project, monkeypatch):
    monkeypatch.setattr(sqlite_writer, "PATIENCE_OF_WRITERS", 0.1)
    recorder = world_of_sqlite.reopened()
    started = recorder.start(world_of_sqlite.new())
    with database(project) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="is locked by another process; try again"):
            recorder.heartbeat([started])
    recorder.heartbeat([started])
    recorder.close()


class FailingCommit:
    """A connection whose next COMMIT reports an error, after it was made or instead."""

    def __init__(self, connection: sqlite3.Connection, *, is_made: bool) -> None:
        self._connection, self._is_made, self._is_due = connection, is_made, True

    def __getattr__(self, name: str):
        return getattr(self._connection, name)

    def execute(self, statement: str, *arguments):
        if statement == "COMMIT" and self._is_due:
            self._is_due = False
            self._connection.execute("COMMIT" if self._is_made else "ROLLBACK")
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(statement, *arguments)


CHANGES = {
    "a start": lambda world, started: world.recorder.start(world.new(step="b")),
    "a result": lambda world, started: world.recorder._writer.publish(
        started.run_id, tags={}, metrics={}, ended=7
    ),
    "an end": lambda world, started: world.recorder._writer.end(started.run_id, "FAILED", ended=7),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_made", [True, False])
def test_a_commit_that_reports_an_error_counts_if_it_was_made(world_of_sqlite, project, change, is_made):
    world = world_of_sqlite
    started = world.start()
    before = execute(project, "SELECT status FROM runs ORDER BY 1")
    writer = world.recorder._writer
    writer._connection = FailingCommit(writer._connection, is_made=is_made)

    with (
        contextlib.nullcontext() if is_made else pytest.raises(StoreUnavailableError, match="disk I/O error")
    ):
        CHANGES[change](world, started)

    after = execute(project, "SELECT status FROM runs ORDER BY 1")
    assert (after != before) is is_made


@pytest.mark.slow
def test_processes_that_write_at_once_lose_nothing(project):
    """Two of ours and one that is only MLflow's, on one file."""
    ours = """
        import sys
        from pathlib import Path
        from pipespec.tracking.started_run import NewAttempt
        from pipespec.tracking.writing.recorder import Recorder
        from pipespec.step.step_job import StepOutcome
        with Recorder.open(None, root=Path(sys.argv[1])) as recorder:
            for number in range(40):
                started = recorder.start(NewAttempt("world", "s", "m:f", f"e{number % 4}", None, {"number": number}))
                recorder.publish(started, StepOutcome("s", 1.0, (), {"a": 1.0}), manifest={})
    """
    theirs = """
        import sys, mlflow
        client = mlflow.MlflowClient(f"sqlite:///{sys.argv[1]}/mlflow.db")
        for number in range(40):
            run = client.create_run("0", tags={"theirs": "1"})
            client.log_param(run.info.run_id, "number", str(number))
            client.log_metric(run.info.run_id, "a", 1.0)
            client.set_terminated(run.info.run_id)
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(project)], stderr=subprocess.PIPE, text=True
        )
        for code in (ours, ours, theirs)
    ]
    assert [(process.communicate(timeout=250)[1], process.returncode) for process in processes] == [
        ("", 0)
    ] * 3
    assert execute(project, "PRAGMA integrity_check") == [("ok",)]
    assert execute(project, "SELECT status, count(*) FROM runs GROUP BY 1") == [("FINISHED", 120)]
    assert execute(project, "SELECT count(*) FROM params WHERE key = 'number'") == [(120,)]
    assert execute(project, "SELECT count(*) FROM latest_metrics WHERE key = 'a'") == [(120,)]
    assert execute(project, "SELECT count(*) FROM experiments") == [(5,)]


# ------------------------------------------------------------------------------------ states of a file


def test_a_file_in_wal_mode_is_written_and_stays_so(world, project):
    assert execute(project, "PRAGMA journal_mode = WAL") == [("wal",)]
    recorder = world.reopened()
    recorder.start(world.new())
    recorder.close()
    assert execute(project, "PRAGMA journal_mode") == [("wal",)]
    assert len(world.ledger().claims(world.key("one"))) == 1


def test_no_journal_stays_behind(world_of_sqlite, project):
    world_of_sqlite.publish()
    world_of_sqlite.recorder.close()
    assert [path.name for path in project.iterdir() if path.name.startswith("mlflow.db")] == ["mlflow.db"]
    world_of_sqlite.recorder = world_of_sqlite.reopened()


def test_a_file_that_cannot_be_written_is_said_to_be_so(world_of_sqlite, monkeypatch):
    connect = sqlite_schema._connect
    monkeypatch.setattr(sqlite_schema, "_connect", lambda path, _, patience: connect(path, "ro", patience))
    recorder = world_of_sqlite.reopened()
    with pytest.raises(StoreUnavailableError, match="is read-only; make the file and its folder writable"):
        recorder.start(world_of_sqlite.new())
    recorder.close()


def test_a_file_that_is_damaged_is_said_to_be_so_and_not_made_worse(world, project):
    world.publish()
    world.recorder.close()
    (root,) = execute(project, "SELECT rootpage FROM sqlite_master WHERE name = 'tags'")[0]
    (size,) = execute(project, "PRAGMA page_size")[0]
    with (project / "mlflow.db").open("r+b") as file:
        file.seek(24)  # the counter of changes, so that nobody trusts what it remembers of the file
        file.write(b"\x7f\xff\xff\xf0")
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    before = (project / "mlflow.db").read_bytes()
    world.recorder = world.reopened()
    said = (
        "is damaged .*malformed" if world.kind == "sqlite" else "tracking store"
    )  # MLflow's words come and go
    with pytest.raises(StoreUnavailableError, match=said):
        world.start()
    assert (project / "mlflow.db").read_bytes()[(root - 1) * size : root * size] == b"\xff" * size
    assert len(before) == (project / "mlflow.db").stat().st_size


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_taken_away_takes_no_more(world_of_sqlite, project, empty_store, replaced):
    started = world_of_sqlite.start()
    (project / "mlflow.db").rename(project / "away.db")
    if replaced:
        (project / "mlflow.db").write_bytes(empty_store.read_bytes())
    with pytest.raises(StoreUnavailableError, match="was taken away while it was in use"):
        world_of_sqlite.recorder.heartbeat([started])
    (project / "away.db").replace(project / "mlflow.db")
    world_of_sqlite.recorder.heartbeat([started])


# ---------------------------------------------------------------------------------- which writer it is


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT 1", SqliteWriter),
        ("ALTER TABLE runs ADD COLUMN colour TEXT", ClientWriter),
        ("ALTER TABLE metrics ADD COLUMN colour TEXT", ClientWriter),
        ("DELETE FROM experiments", ClientWriter),
        ("CREATE TABLE articles (id INTEGER)", SqliteWriter),
    ],
)
def test_only_a_file_whose_tables_are_known_is_written_without_mlflow(project, statement, kind):
    execute(project, statement)
    writer = open_writer(f"sqlite:///{project}/mlflow.db", log=project / "log.txt")
    writer.close()
    assert type(writer) is kind


def test_a_revision_that_was_never_tried_is_written_by_mlflows_client(project, monkeypatch):
    monkeypatch.setattr(sqlite_schema, "_TRIED", frozenset())
    writer = open_writer(f"sqlite:///{project}/mlflow.db", log=project / "log.txt")
    writer.close()
    assert type(writer) is ClientWriter


def test_a_store_with_workspaces_is_left_to_mlflow(project):
    execute(
        project,
        "INSERT INTO experiments (name, lifecycle_stage, workspace) VALUES ('theirs', 'active', 'another')",
    )
    with pytest.raises(PipespecError, match="workspaces") as refused:
        open_writer(f"sqlite:///{project}/mlflow.db", log=project / "log.txt")
    assert "\n" not in str(refused.value)


def test_a_step_is_two_transactions(world_of_sqlite):
    world_of_sqlite.publish("train", "warm up")
    statements: list[str] = []
    world_of_sqlite.recorder._writer._connection.set_trace_callback(statements.append)
    world_of_sqlite.publish("train", "one", params={"epochs": 3}, metrics={"accuracy": 1.0})
    assert [text for text in statements if text.split()[0] in ("BEGIN", "COMMIT", "ROLLBACK")] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ] * 2

"""Reading a database file: without mlflow, in few statements, and never mistaking a broken file for an empty one."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipespec.errors import StoreUnavailableError
from pipespec.tracking import sqlite_schema
from pipespec.tracking.reading import sqlite_ledger, sqlite_statements
from pipespec.tracking.reading.open_ledger import open_ledger
from pipespec.tracking.reading.searching_ledger import SearchingLedger
from pipespec.tracking.writing.recorder import Recorder

KEY = hashlib.sha256(b"one").hexdigest()


def run_python(code: str, *arguments: str, timeout: float = 60) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
    )
    return done.stdout


def test_reading_imports_neither_mlflow_nor_sqlalchemy_nor_pandas(world):
    record = world.publish()
    code = """
        import sys
        from pathlib import Path
        from pipespec.tracking.reading.open_ledger import open_ledger
        with open_ledger(None, root=Path(sys.argv[1])) as ledger:
            print(ledger.complete([sys.argv[2]])[sys.argv[2]].run_id)
            ledger.attempts(["train"]), ledger.history(["train"]), ledger.running(), ledger.claims(sys.argv[2])
        print([name for name in ("mlflow", "sqlalchemy", "pandas", "luigi", "numpy", "http.client") if name in sys.modules])
    """
    assert run_python(code, str(world.root), world.key("one")).split("\n")[:2] == [record.run_id, "[]"]


def test_a_file_that_is_not_there_means_nothing_recorded_and_is_not_made(tmp_path, empty_store):
    with open_ledger("sqlite:///store/deep.db", root=tmp_path) as ledger:
        assert ledger.complete([KEY]) == {}
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "store").mkdir()
        shutil.copy(empty_store, tmp_path / "store" / "deep.db")
        assert ledger.complete([KEY]) == {}


def test_a_store_that_comes_to_be_is_seen_by_a_ledger_that_is_open(project, make_world):
    store = project / "mlflow.db"
    away = store.rename(project / "away.db")
    with open_ledger(None, root=project) as ledger:
        assert ledger.complete([KEY]) == {}
        away.rename(store)
        recorder = Recorder.open(None, root=project, log=project / "log.txt")
        world = make_world(project, recorder, lambda: ledger)
        record = world.publish()
        assert ledger.complete([world.key("one")]) == {world.key("one"): record}
        recorder.close()


@pytest.mark.parametrize("count", [1, 1000])
def test_any_number_of_keys_costs_the_same_statements(world, count):
    record = world.publish()
    ledger = world.ledger()
    keys = [world.key("one"), *(world.key(f"unknown {number}") for number in range(count))]
    ledger.complete(keys)
    asked: list[str] = []
    ledger._connection.set_trace_callback(asked.append)
    assert ledger.complete(keys) == {world.key("one"): record}
    assert len(asked) == 2


def test_only_the_statement_for_running_runs_scans_a_table(project):
    connection = sqlite3.connect(project / "mlflow.db")
    values = {
        "sought": "[]",
        "runs": "[]",
        "pipeline": None,
        "tag": "",
        "run_id": "",
        "prefix": "",
        "status": None,
        "latest": 1,
        "beginning": "",
        "active": "active",
    }
    scanning = {
        name
        for name in sqlite_statements.__all__
        for row in connection.execute(f"EXPLAIN QUERY PLAN {getattr(sqlite_statements, name)}", values)
        if row[3].split()[:2] in (["SCAN", table] for table in "rtekmogaspl")
    }
    connection.close()
    assert scanning == {"RUNNING", "ONE"}  # the latter scans the one id that it is given


def test_readers_do_not_write(world):
    world.publish()
    with world.ledger() as ledger:
        ledger.complete([KEY])
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            ledger._connection.execute("DELETE FROM runs")


# ------------------------------------------------------------------------------------- broken stores


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not an MLflow tracking store"),
        (b"SQLite format 3\0" + b"\0" * 84, "damaged"),
        (b"name,age\nAda,36\n" * 100, "damaged"),
    ],
)
def test_a_file_that_is_no_store_is_refused(tmp_path, content, said):
    (tmp_path / "mlflow.db").write_bytes(content)
    with pytest.raises(StoreUnavailableError, match=said) as refused:
        open_ledger(None, root=tmp_path)
    assert "\n" not in str(refused.value)
    with pytest.raises(StoreUnavailableError, match=said):
        Recorder.open(None, root=tmp_path, log=tmp_path / "log.txt")
    assert (tmp_path / "mlflow.db").read_bytes() == content


def test_a_database_of_someone_else_is_refused_and_left_as_it_is(tmp_path):
    connection = sqlite3.connect(tmp_path / "mlflow.db")
    connection.execute("CREATE TABLE articles (id INTEGER)")
    connection.close()
    before = (tmp_path / "mlflow.db").read_bytes()
    for opening in (open_ledger, Recorder.open):
        with pytest.raises(StoreUnavailableError, match="exists but is not an MLflow tracking store"):
            opening(None, root=tmp_path, log=tmp_path / "log.txt")
    assert (tmp_path / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("451aebb31d03", "is older than the installed mlflow"),
        ("ffffffffffff", "was made by a version of mlflow other than"),
    ],
)
def test_a_store_of_another_version_is_refused_and_not_migrated(project, revision, said):
    connection = sqlite3.connect(project / "mlflow.db")
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.execute("DROP TABLE traces") if "traces" in _tables(connection) else None
    connection.close()
    before = (project / "mlflow.db").read_bytes()
    for opening in (open_ledger, Recorder.open):
        with pytest.raises(StoreUnavailableError, match=said):
            opening(None, root=project, log=project / "log.txt")
    assert (project / "mlflow.db").read_bytes() == before


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def test_the_installed_mlflow_is_one_whose_tables_were_tried(project):
    connection, familiar = sqlite_schema.open_database(project / "mlflow.db")
    connection.close()
    assert familiar


def test_a_store_with_tables_that_were_never_tried_is_read_by_the_client(world, monkeypatch):
    record = world.publish()
    monkeypatch.setattr(sqlite_schema, "_TRIED", frozenset())
    ledger = world.ledger()
    assert ledger.complete([world.key("one")]) == {world.key("one"): record}
    assert isinstance(ledger._client, SearchingLedger)


def test_a_locked_store_is_said_to_be_locked(world, monkeypatch):
    world.publish()
    monkeypatch.setattr(sqlite_schema, "_PATIENCE", 0.1)
    holder = sqlite3.connect(world.root / "mlflow.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailableError, match="is locked by another process"):
        world.ledger()
    holder.execute("ROLLBACK")
    assert list(world.ledger().complete([world.key("one")])) == [world.key("one")]
    holder.close()


def test_what_a_killed_process_half_wrote_is_undone_by_the_next_reader(world):
    record = world.publish()
    code = """
        import os, sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM tags")
        connection.executemany(
            "INSERT INTO tags VALUES (?, ?, ?)", [(f"k{n}", "x" * 4000, sys.argv[2]) for n in range(500)]
        )
        os.kill(os.getpid(), 9)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(world.root / "mlflow.db"), record.run_id],
        timeout=60,
    )
    assert (world.root / "mlflow.db-journal").stat().st_size > 0
    assert world.ledger().complete([world.key("one")]) == {world.key("one"): record}


def test_a_store_taken_away_while_in_use_is_no_empty_store(world, empty_store):
    world.publish()
    ledger = world.ledger()
    (world.root / "mlflow.db").unlink()
    with pytest.raises(StoreUnavailableError, match="was removed while it was in use"):
        ledger.complete([world.key("one")])
    shutil.copy(empty_store, world.root / "mlflow.db")
    with pytest.raises(StoreUnavailableError, match="was removed while it was in use"):
        ledger.complete([world.key("one")])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), flips=st.integers(1, 400), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused_in_one_line(damaged_copy, seed, flips, cut):
    path, key, record = damaged_copy
    content = bytearray(path.with_suffix(".good").read_bytes())
    chance = random.Random(seed)
    if cut:
        content = content[: chance.randrange(len(content))]
    else:
        page = chance.randrange(0, len(content), 4096)  # one page, so that some damage hits what is read
        for _ in range(flips):
            content[page + chance.randrange(4096)] = chance.randrange(256)
    path.write_bytes(bytes(content))
    said = ""
    try:
        with open_ledger(None, root=path.parent) as ledger:
            ledger.complete([key])
            ledger.attempts([record.step])
            ledger.running()
    except StoreUnavailableError as error:
        said = str(error)
    assert "\n" not in said


@pytest.fixture
def damaged_copy(world):
    record = world.publish()
    world.recorder.close()
    path = world.root / "mlflow.db"
    shutil.copy(path, path.with_suffix(".good"))
    return path, world.key("one"), record


# ----------------------------------------------------------------------------------- moved projects


def test_a_project_that_was_moved_keeps_its_records_and_takes_new_ones(world, tmp_path, make_world):
    old = world.publish("train", "old", files={"table.csv": b"a\n", "model/": b"x"})
    world.recorder.close()
    moved = world.root.rename(tmp_path / "moved here & there")
    with open_ledger(None, root=moved) as ledger:
        found = ledger.complete([world.key("old")])[world.key("old")]
        assert found.artifact_uri.startswith((moved / "mlartifacts").as_uri())
        assert (found.run_id, found.outputs) == (old.run_id, old.outputs)
        assert ledger.manifest(found)["run_id"] == old.run_id
    recorder = Recorder.open(None, root=moved, log=moved / "log.txt")
    again = make_world(moved, recorder, lambda: open_ledger(None, root=moved))
    new = again.publish("train", "new")
    assert again.ledger().complete([again.key("new")]) == {again.key("new"): new}
    assert (moved / "mlartifacts" / "world-train-2" / new.run_id / "artifacts" / "table.csv").is_file()
    assert again.client.get_experiment_by_name("world/train~2").lifecycle_stage == "active"
    assert not world.root.exists()
    again.close()


def test_a_copy_of_a_project_stands_on_its_own(world, tmp_path, make_world):
    old = world.publish()
    copy = Path(shutil.copytree(world.root, tmp_path / "copy"))
    shutil.rmtree(world.folder(old))
    recorder = Recorder.open(None, root=copy, log=copy / "log.txt")
    there = make_world(copy, recorder, lambda: open_ledger(None, root=copy))
    new = there.publish("train", "new")
    found = there.ledger().complete([there.key("one"), there.key("new")])
    assert set(found) == {there.key("one"), there.key("new")}
    assert new.artifact_uri.startswith(copy.as_uri())
    assert world.ledger().complete([world.key("one")]) == {}
    there.close()


def test_a_project_reached_by_a_link_is_the_same_project(world, tmp_path, make_world):
    old = world.publish()
    link = tmp_path / "link"
    link.symlink_to(world.root)
    recorder = Recorder.open(None, root=link, log=link / "log.txt")
    linked = make_world(link, recorder, lambda: open_ledger(None, root=link))
    found = linked.ledger().complete([world.key("one")])[world.key("one")]
    assert (found.run_id, found.outputs) == (old.run_id, old.outputs)
    assert linked.start("train", "new").experiment_id == world.start("train", "other").experiment_id
    linked.close()


@pytest.mark.parametrize("name", ["with space", "has#hash", "日本", "quo'te", "a&b=c"])
def test_a_project_folder_may_have_any_name(tmp_path, empty_store, make_world, name):
    root = tmp_path / name
    root.mkdir()
    shutil.copy(empty_store, root / "mlflow.db")
    recorder = Recorder.open(None, root=root, log=root / "log.txt")
    world = make_world(root, recorder, lambda: open_ledger(None, root=root))
    record = world.publish()
    assert world.ledger().complete([world.key("one")]) == {world.key("one"): record}
    assert (root / "mlartifacts" / "world-train" / record.run_id / "artifacts/table.csv").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]
    world.close()


def test_statements_are_only_ever_asked_with_bound_values():
    source = Path(sqlite_ledger.__file__).read_text(encoding="utf-8")
    assert "execute(f" not in source
    assert os.linesep.join(line for line in source.splitlines() if ".format(" in line) == ""

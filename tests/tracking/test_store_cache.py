"""An empty store is made by MLflow once for a user, and copied: whole, from a file that can be believed, or not at all."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipespec import user_folder
from pipespec.tracking.writing import new_store, store_cache
from pipespec.tracking.writing.new_store import make_store
from pipespec.tracking.writing.store_cache import StoreCache, is_empty_store


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pipespec"


@pytest.fixture
def made(monkeypatch, empty_store):
    """MLflow makes stores, told by their paths; here they are copies of one that it made before."""
    paths: list[Path] = []

    def build(path, log):
        paths.append(path)
        shutil.copyfile(empty_store, path)

    monkeypatch.setattr(new_store, "_build", build)
    return paths


def kept(cache: Path) -> list[Path]:
    return sorted(cache.iterdir())


def rows(database: Path) -> dict[str, list[tuple]]:
    connection = sqlite3.connect(database)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {table: connection.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}
    # Its migrations write the constraints of a table in an order that changes from one time to the next.
    found["schema"] = [
        (kind, name, sorted(line.strip(" ,\t") for line in (statement or "").splitlines()))
        for kind, name, statement in connection.execute(
            "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
        )
    ]
    connection.close()
    return found


def test_the_second_project_gets_a_copy(tmp_path, cache, made):
    make_store(tmp_path / "one" / "mlflow.db")
    make_store(tmp_path / "two" / "mlflow.db")
    assert len(made) == 1
    (path,) = kept(cache)
    assert re.fullmatch(r"mlflow-[\d.]+-[0-9a-f]{12}-[0-9a-f]{32}\.db", path.name)
    assert (path.stat().st_mode & 0o777, cache.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [file.name for file in (tmp_path / "two").iterdir()] == ["mlflow.db"]


def test_a_copy_is_what_mlflow_would_have_made_there(tmp_path, cache):
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for name in ("filled", "copied"):
        make_store(tmp_path / name / "mlflow.db")
    (tmp_path / "own").mkdir()
    SqlAlchemyStore(f"sqlite:///{tmp_path}/own/mlflow.db", (tmp_path / "own" / "mlartifacts").as_uri())
    own = rows(tmp_path / "own" / "mlflow.db")
    for name in ("filled", "copied"):
        found = rows(tmp_path / name / "mlflow.db")
        (default,), (reference,) = found.pop("experiments"), own["experiments"]
        assert found == {table: content for table, content in own.items() if table != "experiments"}
        assert default[:2] == (0, "Default")
        assert default[2] == (tmp_path / name / "mlartifacts" / "0").as_uri()
        assert reference[2] == (tmp_path / "own" / "mlartifacts" / "0").as_uri()
        assert default[3] == reference[3] == "active"
        assert abs(default[4] - reference[4]) < 120_000
        assert default[4] == default[5]
        assert default[6:] == reference[6:]


def test_a_project_with_a_copy_imports_no_mlflow(tmp_path, cache):
    code = """
        import sys
        from pathlib import Path
        from pipespec.tracking.started_run import NewAttempt
        from pipespec.tracking.writing.recorder import Recorder
        with Recorder.open(None, root=Path(sys.argv[1])) as recorder:
            recorder.start(NewAttempt("p", "s", "m:f", "e", None))
        print("mlflow" in sys.modules, "sqlalchemy" in sys.modules)
    """
    make_store(tmp_path / "one" / "mlflow.db")
    (tmp_path / "two").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "two")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("False False\n", "")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def _zeroed(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\0" * 4096 + content[12288:])


def _another_file(path: Path) -> None:
    path.write_bytes(b"name,age\nAda,36\n")


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _open_to_others(path: Path) -> None:
    path.chmod(0o620)


def _huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 30)


def _under_its_digest(statement: str):
    def change(path: Path) -> None:
        connection = sqlite3.connect(path)
        with connection:
            connection.execute(statement)
        connection.close()
        path.rename(path.with_name(StoreCache()._name(path.read_bytes())))

    return change


STRANGE = {
    "cut": _cut,
    "zeroed": _zeroed,
    "another file": _another_file,
    "a link": _link,
    "open to others": _open_to_others,
    "huge": _huge,
    "a pipe": _pipe,
    "a folder": _folder,
    "another revision": _under_its_digest("UPDATE alembic_version SET version_num = '451aebb31d03'"),
    "another table": _under_its_digest("ALTER TABLE runs ADD COLUMN colour TEXT"),
    "a run": _under_its_digest("INSERT INTO runs (run_uuid, experiment_id) VALUES ('x', 0)"),
    "an experiment": _under_its_digest("INSERT INTO experiments (name) VALUES ('x')"),
    "a table less": _under_its_digest("DROP TABLE tags"),
}


@pytest.mark.parametrize("change", STRANGE.values(), ids=STRANGE)
def test_a_cache_that_is_not_as_it_was_left_is_not_believed(tmp_path, cache, made, change):
    make_store(tmp_path / "one" / "mlflow.db")
    change(kept(cache)[0])
    make_store(tmp_path / "two" / "mlflow.db")
    assert len(made) == 2
    assert is_empty_store(tmp_path / "two" / "mlflow.db")
    (tmp_path / "two" / "mlflow.db").unlink()
    make_store(tmp_path / "two" / "mlflow.db")
    assert len(made) == 2


def test_a_cache_that_others_may_write_is_neither_read_nor_written(tmp_path, cache, made):
    make_store(tmp_path / "one" / "mlflow.db")
    before = kept(cache)
    cache.chmod(0o777)
    make_store(tmp_path / "two" / "mlflow.db")
    assert (len(made), kept(cache)) == (2, before)


def test_a_cache_of_another_user_is_neither_read_nor_written(tmp_path, cache, made, monkeypatch):
    make_store(tmp_path / "one" / "mlflow.db")
    before, own = kept(cache), os.geteuid()
    monkeypatch.setattr(user_folder.os, "geteuid", lambda: own + 1)
    make_store(tmp_path / "two" / "mlflow.db")
    assert (len(made), kept(cache)) == (2, before)


def test_a_store_is_made_where_there_can_be_no_cache(tmp_path, monkeypatch, made):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    make_store(tmp_path / "one" / "mlflow.db")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    make_store(tmp_path / "two" / "mlflow.db")
    assert len(made) == 2
    assert is_empty_store(tmp_path / "one" / "mlflow.db")
    assert is_empty_store(tmp_path / "two" / "mlflow.db")


def test_each_version_of_mlflow_has_a_store_of_its_own(tmp_path, cache, made, monkeypatch):
    make_store(tmp_path / "one" / "mlflow.db")
    monkeypatch.setattr(store_cache, "version", lambda _: "99.0")
    make_store(tmp_path / "two" / "mlflow.db")
    monkeypatch.undo()
    assert len(made) == 2
    assert [path.name.split("-")[1] for path in kept(cache)][-1] == "99.0"
    assert len(kept(cache)) == 2

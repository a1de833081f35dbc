"""A disk that is full, read-only, or a store that another program locks: one line says so, and afterwards all goes on."""

import contextlib
import re
import sqlite3
import subprocess

import pytest
from tests.conftest import new_project

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.writing.client_writer import ClientWriter

pytestmark = pytest.mark.faults

STEPS = """
def one(n: int) -> dict:
    return {"n": n}


def two(one: dict) -> dict:
    return one
"""
PIPELINE = """\
pipespec: 1
name: small
params: {n: 1}
steps:
  one: {call: "steps:one", params: {n: "${params.n}"}, outputs: {out: out.json}}
  two: {call: "steps:two", inputs: {one: one}, outputs: {out: out.json}}
"""
FULL = "no space left on device; make room, and run again"
READ_ONLY = (
    " is read-only; make the file and its folder writable, or set mlflow.tracking_uri to a store that is"
)


@pytest.fixture
def project(small_disk):
    made = new_project(small_disk.folder / "project")
    made.write("steps.py", STEPS)
    made.write("pipeline.yaml", PIPELINE)
    made.run()
    return made


def complaints(answer):
    """Return what is said on stderr beside the progress."""
    return [line for line in answer.err.splitlines() if not line.startswith(("start ", "["))]


def is_sound(project):
    """Run what failed, and see that no run is left open."""
    assert project.run("--set", "params.n=2") == {"one": "ran", "two": "ran"}
    assert project.query("SELECT count(*) FROM runs WHERE status = 'RUNNING'") == [(0,)]


@pytest.mark.parametrize("room", [0, 8, 24, 40, 64, 100])
def test_a_full_disk_is_one_line(small_disk, project, room):
    small_disk.fill(room << 10)

    answer = project.pipespec("run", "pipeline.yaml", "--set", "params.n=2")

    small_disk.empty()
    assert (answer.code, complaints(answer)) in [
        (3, [f"error: the tracking store '{project.folder}/mlflow.db' cannot be written: {FULL}"]),
        (1, ["error: No space left on device; free some space, and run again: what was published is kept"]),
        (0, []),
    ]
    is_sound(project)


def test_a_disk_that_is_read_only_is_one_line(small_disk, project):
    small_disk.allow_writing(False)

    answer = project.pipespec("run", "pipeline.yaml", "--set", "params.n=2")
    idle = project.pipespec("run", "pipeline.yaml")
    plan = project.pipespec("plan", "pipeline.yaml")

    small_disk.allow_writing(True)
    [line] = complaints(answer)
    assert answer.code == 1
    assert line.startswith(f"error: Read-only file system ('{project.folder}/.pipespec/")
    assert line.endswith("'); the project's folder '.pipespec' and the store must be writable")
    assert (idle.code, idle.err, plan.code, plan.err) == (0, "", 0, "")
    is_sound(project)


def test_a_store_that_is_read_only_is_one_line(project):
    store = project.folder / "mlflow.db"
    subprocess.run(["mount", "--bind", store, store], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", store], check=True)

    answer = project.pipespec("run", "pipeline.yaml", "--set", "params.n=2")

    subprocess.run(["umount", store], check=True)
    assert answer.code == 3
    assert complaints(answer) == [f"error: the tracking store '{store}'{READ_ONLY}"]
    is_sound(project)


def test_a_store_that_stays_locked_is_one_line(project):
    store = project.folder / "mlflow.db"
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")

        answer = project.pipespec("run", "pipeline.yaml", "--set", "params.n=2")

    assert answer.code == 3
    assert complaints(answer) == [
        f"error: the tracking store '{store}' is locked by another process; try again when it has finished"
    ]
    is_sound(project)


FILLING = """
def filling() -> dict:
    with open("filler", "wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 12))
"""


def test_a_step_that_fills_the_disk_so_that_it_cannot_report_it_is_told(small_disk, tmp_path):
    project = new_project(small_disk.folder / "project")
    project.write("steps.py", FILLING)
    project.write(
        "pipeline.yaml",
        "pipespec: 1\nname: filling\nsteps:\n  fill: {call: 'steps:filling', outputs: {out: out.json}}\n"
        f"mlflow: {{tracking_uri: 'sqlite:///{tmp_path}/mlflow.db'}}\n",
    )

    answer = project.pipespec("run", "pipeline.yaml", "--format", "json")

    [step] = answer.json["steps"]
    assert (answer.code, step["state"]) == (1, "failed")
    assert re.fullmatch(
        rf"exited with code 1; the file system of its folder '{project.folder}/\.pipespec/staging/\w+/\w+' is full:"
        " make room, and run again",
        step["error"],
    )


@contextlib.contextmanager
def full(disk, store):
    disk.fill()
    yield
    disk.empty()


@contextlib.contextmanager
def locked(disk, store):
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield


@contextlib.contextmanager
def read_only(disk, store):
    disk.allow_writing(False)
    yield
    disk.allow_writing(True)


def with_client(store, deed):
    """Do something by MLflow's own client."""
    writer = ClientWriter.open(f"sqlite:///{store}", log=store.with_name("log.txt"))
    try:
        deed(writer)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("harmed", "said"),
    [
        (full, f" cannot be used: {FULL}"),
        (locked, " is locked by another process; try again when it has finished"),
        (read_only, READ_ONLY),
    ],
)
def test_what_lies_beneath_an_error_of_the_client_is_said(small_disk, project, harmed, said):
    store = project.folder / "mlflow.db"
    with harmed(small_disk, store):
        for deed in (
            lambda writer: writer.create_run("0", tags={"a": "b"}, params={"n": "1"}, started=1),
            lambda writer: writer.make_experiment("new", None),
        ):
            with pytest.raises(StoreUnavailableError) as raised:
                with_client(store, deed)

            assert str(raised.value) == f"the tracking store '{store}'{said}"

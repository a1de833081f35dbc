"""A system that gives no files, threads or memory, and folders that are gone or in the way: one line says what helps."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipespec.cli.complaints import complain

COMMAND = [Path(sys.executable).with_name("pipespec"), "run", "pipeline.yaml"]


def run(project, prepare=lambda: None):
    """Run after some preparation in the command's own process; return its code and what it said."""
    done = subprocess.run(
        COMMAND,
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=prepare,
    )
    return done.returncode, done.stderr


def file_in_place_of_state(folder):
    (folder / ".pipespec").touch()


def file_in_place_of_artifacts(folder):
    (folder / "mlartifacts").touch()


def folder_in_place_of_store(folder):
    (folder / "mlflow.db").mkdir()


@pytest.mark.parametrize(
    ("put", "code", "said"),
    [
        (file_in_place_of_state, 1, "File exists ('{}/.pipespec'); move away what is there"),
        (file_in_place_of_artifacts, 1, "'); move away what is there"),
        (
            folder_in_place_of_store,
            3,
            "'{}/mlflow.db' is a folder, not an MLflow tracking store; move it away, or set mlflow.tracking_uri",
        ),
    ],
)
def test_what_is_in_the_way_is_named(project, put, code, said):
    put(project.folder)

    ended, err = run(project)

    assert ended == code
    assert err.count("\n") == 1
    assert err.endswith(said.format(project.folder) + "\n")


def test_a_current_folder_that_was_deleted_is_named(project):
    gone = project.folder / "gone"
    gone.mkdir()

    def enter():
        os.chdir(gone)
        gone.rmdir()

    assert run(project, enter) == (
        1,
        "error: the current folder was deleted; change to one that exists\n",
    )


def test_too_few_open_files_are_named(project):
    code, err = run(project, lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8)))

    assert code == 1
    assert err.endswith("use fewer workers (-j); what was published is kept\n")
    assert "Too many open files" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            MemoryError(),
            "there is no memory left for pipespec; give it more, or use fewer workers (-j); what was published is kept",
        ),
        (
            OSError(errno.EAGAIN, "no thread could be started"),
            "no thread could be started; allow more processes (ulimit -u), or use fewer workers (-j); what was published is kept",
        ),
    ],
)
def test_what_the_system_lacks_is_said_with_what_helps(capsys, error, said):
    complain(error)

    assert capsys.readouterr().err == f"error: {said}\n"

"""Rendered modules with a real luigid and a real tracking server, and where nothing of ours is installed but the runtime."""

from __future__ import annotations

import subprocess
import sys
import venv

import pytest

pytestmark = pytest.mark.servers

ALL = ["numbers", "squares", "total"]


def test_a_luigid_hands_out_the_tasks_and_is_never_believed(made, luigid):
    made.render()
    watched = {"scheduler": "--scheduler-host=127.0.0.1"}
    port = f"--scheduler-port={luigid.port}"

    assert made.executed(port, "--workers", "2", **watched) == ALL
    assert made.executed(port, **watched) == []
    for run, (step, _) in made.runs().items():
        if step == "squares":
            made.project.query("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", run)
    # It has just been told that this is done; what MLflow says counts, at once.
    assert made.executed(port, **watched) == ["squares"]
    assert made.project.ran() == set()


def test_records_on_a_server_are_shared_as_well(rendered_of, own_project, mlflow_on_sqlite):
    made = rendered_of(own_project)
    made.project.edit(
        "pipeline.yaml",
        "pipespec: 1\n",
        "pipespec: 1\nmlflow: {tracking_uri: '${env:MLFLOW_TRACKING_URI, sqlite:///mlflow.db}'}\n",
    )
    made.render()
    there = {"MLFLOW_TRACKING_URI": mlflow_on_sqlite.url}

    first, second = made.luigi("--workers", "2", **there), made.luigi(**there)

    assert first.code == 0, first.said
    assert "4 ran successfully" in first.said
    assert second.code == 0, second.said
    assert "Did not run any tasks" in second.said
    assert made.project.ran(**there) == set()
    assert made.runs() == {}
    assert made.left_over() == []


def test_a_module_runs_where_only_luigi_mlflow_and_the_runtime_are_installed(
    made, rendered_of, wheel, tmp_path
):
    folder = tmp_path / "bare"
    venv.create(folder, symlinks=True, with_pip=True)
    python = folder / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True, timeout=1200)
    asked = ["pipespec_runtime", "pipespec", "rich", "jsonschema", "ruamel"]
    found = subprocess.run(
        [
            python,
            "-c",
            f"import importlib.util as u; print([bool(u.find_spec(name)) for name in {asked}])",
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert found == "[True, False, False, False, False]\n"
    bare = rendered_of(made.project, python)
    assert made.project.ran() == set(ALL)

    bare.render()
    assert bare.executed() == []
    bare.render("--set", "params.count=7")
    assert bare.executed("--workers", "2") == ALL
    assert made.project.ran("--set", "params.count=7") == set()


def test_the_python_of_this_test_has_pipespec_itself(made):
    made.render()
    done = subprocess.run(
        [sys.executable, "-c", "import made; print(made.runtime.__name__)"],
        cwd=made.project.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout == "pipespec.runtime\n"

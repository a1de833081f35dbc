"""`pipespec run` with records on a tracking server, over sqlite and over PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from remote import ask

pytestmark = pytest.mark.servers

ALL = {"numbers", "squares", "total"}


def test_what_ran_is_recorded_reused_and_can_be_had_back(remote):
    project = remote.project
    assert project.ran("-j", "2") == ALL

    runs = {run["tags"].get("pipespec.step"): run for run in remote.records.runs()}
    assert set(runs) == {*ALL, None}
    assert {run["status"] for run in runs.values()} == {"FINISHED"}
    assert runs["numbers"]["params"] == {"count": "5", "salt": remote.salt}
    assert runs["numbers"]["metrics"]["seen"] == 5  # by bare mlflow.log_metric
    assert runs["total"]["metrics"]["total"] == 30
    assert runs["total"]["artifact_uri"].startswith("mlflow-artifacts:")
    listed = ask(remote.records.url, f"artifacts/list?run_id={runs['total']['run_id']}")["files"]
    assert {file["path"] for file in listed} == {"pipespec", "table", "total.json"}
    invocation = runs["numbers"]["tags"]["mlflow.pipespec.invocation"]
    assert invocation == runs[None]["run_id"]

    again = project.pipespec("run", "pipeline.yaml", "--format", "json")
    assert (again.code, again.json["invocation"]) == (0, None)
    assert {step["state"] for step in again.json["steps"]} == {"reused"}
    assert {step["step"]: step["run_id"] for step in again.json["steps"]} == {
        step: runs[step]["run_id"] for step in ALL
    }

    got = project.pipespec("get", "pipeline.yaml", "total.table", "there")
    assert got.code == 0, got.err
    assert (project.folder / "there/squares.txt").read_text() == "0 1 4 9 16"
    assert "counting to 5" in project.pipespec("logs", "pipeline.yaml", "numbers").out
    remote.fresh_clone()
    assert "counting to 5" in project.pipespec("logs", "pipeline.yaml", "numbers").out
    state = project.pipespec("status", "pipeline.yaml", "--format", "json").json["steps"]
    assert {step["step"]: step["state"] for step in state} == dict.fromkeys(ALL, "complete")
    assert {step["step"]: step["metrics"] for step in state}["total"]["total"] == 30


def test_a_run_is_reproduced_from_what_the_server_keeps_and_nothing_is_added_there(remote):
    project = remote.project
    (project.folder / ".gitignore").write_text("/.pipespec\n__pycache__\n")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "First"],
    ):
        subprocess.run(["git", "-C", project.folder, *command], check=True)
    invocation = project.pipespec("run", "pipeline.yaml", "--format", "json").json["invocation"]
    before = {run["run_id"] for run in remote.records.runs()}
    [squares] = remote.records.runs("squares")
    read = ask(remote.records.url, f"runs/get?run_id={squares['run_id']}")["run"]["inputs"]["dataset_inputs"]
    answer = project.pipespec("reproduce", "pipeline.yaml", invocation, "--format", "json")

    assert answer.code == 0, answer.err + answer.out
    assert {step["step"] for step in answer.json["steps"]} == ALL
    assert {run["run_id"] for run in remote.records.runs()} == before
    assert [(one["dataset"]["name"], one["tags"][0]["value"]) for one in read] == [
        ("numbers.numbers", "input"),
        ("squares.squares", "output"),
    ]


def test_a_run_deleted_on_the_server_runs_again_and_what_reads_it_is_reused(remote):
    project = remote.project
    assert project.ran() == ALL
    [squares] = remote.records.runs("squares")

    ask(remote.records.url, "runs/delete", {"run_id": squares["run_id"]})

    assert project.planned() == {"numbers": "reuse", "squares": "run", "total": "wait"}
    assert project.ran() == {"squares"}
    assert remote.executed == ["numbers", "squares", "total", "squares"]


def test_a_deleted_experiment_is_left_alone_and_another_made_beside_it(remote):
    project = remote.project
    assert project.ran() == ALL
    name = f"{remote.records.pipeline}/squares"
    [experiment] = [one for one in remote.records.experiments() if one["name"] == name]

    ask(remote.records.url, "experiments/delete", {"experiment_id": experiment["experiment_id"]})

    assert project.ran() == {"squares"}
    names = {one["name"] for one in remote.records.experiments()}
    assert names == {remote.records.pipeline} | {
        f"{remote.records.pipeline}/{step}" for step in ("numbers", "squares~2", "total")
    }
    assert project.ran() == set()


def test_an_altered_artifact_is_not_handed_on(mlflow_on_sqlite, empty_project, make_remote):
    remote = make_remote(empty_project, mlflow_on_sqlite.url)
    assert remote.project.ran("squares") == {"numbers", "squares"}
    [run] = remote.records.runs("squares")
    path = run["artifact_uri"].removeprefix("mlflow-artifacts:").lstrip("/")
    (mlflow_on_sqlite.folder / "artifacts" / path / "squares.json").write_text("[0, 1, 4, 9, 17]")
    remote.fresh_clone()

    answer = remote.project.pipespec("run", "pipeline.yaml", "--format", "json")

    assert answer.code == 1
    assert {step["step"]: step["state"] for step in answer.json["steps"]}["total"] == "failed"
    assert "squares.json' differs from what its run recorded" in answer.out
    assert remote.project.ran("--verify") == {"squares", "total"}
    assert json.loads(remote.project.pipespec("get", "pipeline.yaml", "squares", "-").out) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("reader", ["run", "get"])
def test_an_artifact_that_the_server_lost_is_made_anew(mlflow_on_sqlite, empty_project, make_remote, reader):
    remote = make_remote(empty_project, mlflow_on_sqlite.url)
    assert remote.project.ran("squares") == {"numbers", "squares"}
    [run] = remote.records.runs("squares")
    path = run["artifact_uri"].removeprefix("mlflow-artifacts:").lstrip("/")
    (mlflow_on_sqlite.folder / "artifacts" / path / "squares.json").unlink()
    remote.fresh_clone()

    command = ("run", "pipeline.yaml") if reader == "run" else ("get", "pipeline.yaml", "squares", "-")
    answer = remote.project.pipespec(*command)

    assert answer.code == 1
    assert "'squares.json' no longer exists in the artifact store" in " ".join(
        (answer.out + answer.err).split()
    )
    assert remote.project.ran() == {"squares", "total"}


def test_artifacts_of_a_store_that_was_away_count_again_when_it_is_back(
    mlflow_on_sqlite, empty_project, make_remote, tmp_path
):
    remote = make_remote(empty_project, mlflow_on_sqlite.url)
    assert remote.project.ran("squares") == {"numbers", "squares"}
    [run] = remote.records.runs("squares")
    path = run["artifact_uri"].removeprefix("mlflow-artifacts:").lstrip("/")
    folder = mlflow_on_sqlite.folder / "artifacts" / path
    folder.rename(tmp_path / "away")
    remote.fresh_clone()

    assert remote.project.pipespec("get", "pipeline.yaml", "squares", "-").code == 1
    assert remote.project.pipespec("run", "pipeline.yaml").code == 1
    (tmp_path / "away").rename(folder)

    assert remote.project.pipespec("get", "pipeline.yaml", "squares", "-").code == 0
    assert remote.project.ran() == {"total"}


def test_invocations_at_once_execute_each_step_once_though_its_experiment_is_new(remote):
    command = ("run", "pipeline.yaml", "--format", "json")
    processes = [remote.project.start(*command) for _ in range(3)]
    ended = [(*process.communicate(timeout=170), process.returncode) for process in processes]

    assert [code for _, _, code in ended] == [0, 0, 0], ended
    assert sorted(remote.executed) == sorted(ALL)
    states = [step["state"] for out, _, _ in ended for step in json.loads(out)["steps"]]
    assert sorted(states) == ["ran"] * 3 + ["reused"] * 6
    assert {step: len(remote.records.published(step)) for step in ALL} == dict.fromkeys(ALL, 1)
    assert {run["status"] for run in remote.records.runs()} <= {"FINISHED", "KILLED"}


LIGHT = """
import os
from pathlib import Path


def made(count: int, table: Path) -> dict:
    table.mkdir(exist_ok=True)
    (table / "zwölf Stück & mehr;=+.txt").write_text("12")
    for name in ("50%.csv", "no #1?.txt", "a~25", "run.sh"):
        (table / name).write_text(name)
    (table / "run.sh").chmod(0o755)
    return {"count": count}


def read(made: dict, table: Path) -> list:
    names = sorted(path.name for path in table.iterdir())
    return [made["count"], names, [name for name in names if os.access(table / name, os.X_OK)]]
"""

LIGHT_PIPELINE = """\
pipespec: 1
name: {name}
mlflow: {{tracking_uri: "{uri}"}}
steps:
  made:
    call: light:made
    params: {{count: 3}}
    outputs: {{made: "made,of=it@(1)+.json", table: "table(1)/"}}
  read:
    call: light:read
    inputs: {{made: made.made, table: made.table}}
    outputs: {{read: read.json}}
"""


def test_neither_a_run_nor_its_steps_nor_what_looks_at_it_imports_mlflow(
    mlflow_on_sqlite, empty_project, make_remote
):
    """An mlflow that cannot be imported stands before the real one; names that need quoting come through all the same."""
    remote = make_remote(empty_project, mlflow_on_sqlite.url)
    empty_project.write("light.py", LIGHT)
    empty_project.write(
        "pipeline.yaml", LIGHT_PIPELINE.format(name=remote.records.pipeline, uri=mlflow_on_sqlite.url)
    )
    empty_project.write("first/mlflow/__init__.py", "raise ImportError('nobody is to import mlflow')\n")
    first = {"PYTHONPATH": str(empty_project.folder / "first")}

    assert empty_project.ran(**first) == {"made", "read"}
    assert empty_project.ran(**first) == set()
    assert empty_project.ran("--force", "read", **first) == {"read"}
    for verb in (
        ["status"],
        ["plan"],
        ["explain", "read"],
        ["logs", "made"],
        ["get", "read.read", "got.json"],
    ):
        verb.insert(1, "pipeline.yaml")
        answer = empty_project.pipespec(*verb, **first)
        assert (answer.code, "Traceback" in answer.err) == (0, False), answer
    names = ["50%.csv", "a~25", "no #1?.txt", "run.sh", "zwölf Stück & mehr;=+.txt"]
    assert json.loads((empty_project.folder / "got.json").read_text()) == [3, names, ["run.sh"]]
    assert empty_project.pipespec("get", "pipeline.yaml", "made.table", "table", **first).code == 0
    assert sorted(os.listdir(empty_project.folder / "table")) == names
    assert os.access(empty_project.folder / "table/run.sh", os.X_OK)
    assert empty_project.pipespec("get", "pipeline.yaml", "made.table/no #1?.txt", "-").out == "no #1?.txt"
    assert empty_project.pipespec("get", "pipeline.yaml", "made.table/run.sh", "tool", **first).code == 0
    assert os.access(empty_project.folder / "tool", os.X_OK)
    [made] = remote.records.published("made")
    listed = ask(mlflow_on_sqlite.url, f"artifacts/list?run_id={made['run_id']}")["files"]
    assert {file["path"] for file in listed} == {"made,of=it@(1)+.json", "table(1)", "pipespec"}

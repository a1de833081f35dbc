"""`pipespec run` with records on a tracking server, over sqlite and over PostgreSQL."""

from __future__ import annotations

import json

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
    invocation = runs["numbers"]["tags"]["pipespec.invocation"]
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
    assert "squares.json' is not what its run recorded" in answer.out
    assert remote.project.ran("--verify") == {"squares", "total"}
    assert json.loads(remote.project.pipespec("get", "pipeline.yaml", "squares", "-").out) == [0, 1, 4, 9, 16]


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

"""`pipespec gc`: what nothing reaches is told, and deleted where that is asked for; everything else stays."""

import json
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/gc.schema.json").read_text(encoding="utf-8"))
NOW = ("--older-than", "0s", "--keep-last", "0")


@pytest.fixture(scope="module")
def used_up(tmp_path_factory, project_at, complete_project):
    """`sums` that ran with three counts, of which the file has the first; only to be copied."""
    folder = tmp_path_factory.mktemp("gc") / "project"
    shutil.copytree(complete_project.folder, folder)
    project = project_at(folder)
    for count in (6, 7):
        project.run("--set", f"params.count={count}")
    return project


@pytest.fixture
def old(used_up, tmp_path, project_at):
    shutil.copytree(used_up.folder, tmp_path / "project")
    return project_at(tmp_path / "project")


def garbage(project, *words):
    answer = project.pipespec("gc", *words, "--format", "json")
    assert answer.code == 0, answer.err
    Draft202012Validator(SCHEMA).validate(answer.json)
    return answer.json


def names(told):
    return sorted((run["step"] or "-") for run in told["unreached"])


def run_of(project, count, step):
    rows = project.query(
        "select r.run_uuid from runs r join tags s on s.run_uuid = r.run_uuid and s.key = 'pipespec.step'"
        " where s.value = ? order by r.start_time",
        step,
    )
    return rows[count - 5][0]


def active(project):
    return {run for (run,) in project.query("select run_uuid from runs where lifecycle_stage = 'active'")}


def test_what_the_pipeline_uses_now_is_kept_and_the_rest_is_told(old):
    before = active(old)

    told = garbage(old, *NOW)

    assert names(told) == ["-", "-", "numbers", "numbers", "squares", "squares", "total", "total"]
    assert all(run["bytes"] > 0 and run["status"] == "FINISHED" for run in told["unreached"])
    reasons = [one["reason"] for one in told["kept"]]
    assert reasons[:3] == [
        f"step '{step}' of pipeline.yaml uses it" for step in ("numbers", "squares", "total")
    ]
    assert reasons[3].startswith("the invocation of run ")
    assert (told["deleted"], active(old)) == (False, before)


def test_by_default_the_last_invocations_and_young_runs_are_kept(old):
    assert (names(garbage(old)), names(garbage(old, "--older-than", "0s"))) == ([], [])
    assert garbage(old, "--keep-last", "0")["younger"] == 8
    assert names(garbage(old, "--older-than", "0s", "--keep-last", "1")) == [
        "-",
        "numbers",
        "squares",
        "total",
    ]


def test_deleted_runs_can_be_restored(old):
    text = old.pipespec("gc", *NOW, "--delete")

    assert text.code == 0, text.err
    assert "8 runs deleted, 4 kept" in text.out
    assert "restore a run with: mlflow runs restore --run-id RUN" in text.out
    assert len(active(old)) == 4
    assert old.planned() == {"numbers": "reuse", "squares": "reuse", "total": "reuse"}
    assert old.planned("pipeline.yaml", "--set", "params.count=6")["numbers"] == "run"
    assert names(garbage(old, *NOW)) == []


def test_purged_runs_are_gone_with_their_files_and_no_others(old):
    run_id = run_of(old, 6, "total")
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{old.folder}/mlflow.db")
    theirs = client.create_experiment("theirs")
    client.delete_experiment(theirs)
    (folder,) = old.folder.glob(f"mlartifacts/*/{run_id}")

    told = garbage(old, *NOW, "--purge")

    assert (told["purged"], len(told["unreached"])) == (True, 8)
    assert old.query("select count(*) from runs") == [(4,)]
    assert not folder.exists()
    assert old.query("select lifecycle_stage from experiments where name = 'theirs'") == [("deleted",)]
    assert old.planned() == {"numbers": "reuse", "squares": "reuse", "total": "reuse"}


def test_files_of_the_project_that_this_one_was_copied_from_are_not_removed(old, used_up):
    for folder in old.folder.glob("mlartifacts/*/*"):
        shutil.rmtree(folder)
    before = sorted(used_up.folder.glob("mlartifacts/**/*"))

    assert old.pipespec("gc", *NOW, "--purge").code == 0

    assert sorted(used_up.folder.glob("mlartifacts/**/*")) == before


def test_tags_registered_models_and_readers_keep_runs_with_all_that_they_read(old):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{old.folder}/mlflow.db")
    client.set_tag(run_of(old, 6, "total"), "baseline", "prod")
    registered = run_of(old, 7, "squares")
    client.create_registered_model("squares")
    client.create_model_version("squares", f"runs:/{registered}/squares.json", registered)

    told = garbage(old, *NOW)

    assert names(told) == ["total"]
    reasons = {one["run_id"]: one["reason"] for one in told["kept"]}
    assert reasons[run_of(old, 6, "total")] == "tag baseline=prod"
    assert reasons[registered] == "a registered model was made from it"
    read = f"run {registered[:8]}, which is kept, has read it"
    assert reasons[run_of(old, 7, "numbers")] == read
    client.set_tag(run_of(old, 7, "total"), "team", "nlp")
    assert names(garbage(old, *NOW, "--keep-tag", "team=nlp")) == []
    assert names(garbage(old, *NOW, "--keep-tag", "team=other")) == ["total"]


def test_environments_keep_what_they_use_and_other_pipelines_are_left_alone(old):
    old.write("pipeline.prod.yaml", "params: {count: 7}\n")
    assert names(garbage(old, *NOW)) == ["-", "numbers", "squares", "total"]

    old.write("other.yaml", (old.folder / "pipeline.yaml").read_text().replace("name: sums", "name: other"))
    told = garbage(old, "other.yaml", *NOW)
    assert (told["pipelines"], told["unreached"]) == (["other"], [])


def test_what_cannot_be_decided_deletes_nothing(old):
    before = active(old)
    old.write("pipeline.prod.yaml", "params: {cuont: 7}\n")
    answer = old.pipespec("gc", "pipeline.yaml", *NOW, "--delete")
    assert (answer.code, "params.cuont" in answer.err) == (2, True)
    (old.folder / "pipeline.prod.yaml").unlink()

    for words, said in (
        (["--older-than", "soon"], "'--older-than soon' is not a duration; write for example 12h or 30d"),
        (["--keep-tag", "=x"], "'--keep-tag =x' names no tag; write NAME or NAME=VALUE"),
    ):
        answer = old.pipespec("gc", *words, "--delete")
        assert (answer.code, answer.err) == (2, f"error: {said}\n")
    assert active(old) == before


def test_leftovers_in_the_project_are_removed_with_the_runs(old):
    state = old.folder / ".pipespec"
    (state / "downloads").mkdir(exist_ok=True)
    (state / "downloads" / ("0" * 64)).write_text("content")
    (state / "unpublished").mkdir(exist_ok=True)
    (state / "unpublished" / "kept").write_text("result")

    kinds = {one["kind"] for one in garbage(old, *NOW)["leftovers"]}
    assert kinds == {"downloads", "logs"}
    old.pipespec("gc", *NOW, "--delete")

    assert [*(state / "downloads").iterdir()] == []
    assert (state / "unpublished" / "kept").exists()

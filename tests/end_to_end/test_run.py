"""`pipespec run` on a small project: what runs, what is reused, what is recorded."""

import json
import shutil

ALL = {"numbers", "squares", "total"}


def outputs(project, step):
    """The artifact folder and outputs of a step's newest finished run, read from MLflow's database."""
    rows = project.query(
        "select r.run_uuid, r.artifact_uri from runs r join tags t on t.run_uuid = r.run_uuid"
        " where t.key = 'pipespec.step' and t.value = ? and r.status = 'FINISHED' order by r.end_time desc",
        step,
    )
    return rows[0]


def test_second_run_executes_nothing_and_says_so(project):
    assert project.ran() == ALL

    answer = project.pipespec("run", "pipeline.yaml", "--format", "json")

    assert answer.code == 0
    assert answer.json["invocation"] is None
    assert {step["state"] for step in answer.json["steps"]} == {"reused"}
    assert project.pipespec("plan", "pipeline.yaml", "--exit-code").code == 0


def test_changes_rerun_what_reads_them_and_no_more(project):
    assert project.ran() == ALL

    project.edit("steps.py", '"""Three small steps: numbers -> squares -> total."""', "# A comment.")
    assert project.ran() == set()

    project.edit("words.py", "text.lower()", "text.casefold()")  # a helper that nothing reaches
    assert project.ran() == set()

    project.edit("words.py", "text.upper()", "text.title()")
    assert project.ran() == {"total"}

    project.edit("pipeline.yaml", "{name: all}", "{name: everything}")
    assert project.ran() == {"total"}

    project.edit("steps.py", "number**power", "pow(number, power)")  # the same values: the wave stops
    assert project.ran() == {"squares"}

    project.edit("pipeline.yaml", "params: {count: 5}", "params: {count: 6}")
    assert project.planned() == {"numbers": "run", "squares": "wait", "total": "wait"}
    assert project.ran() == ALL


def test_run_deleted_in_mlflow_runs_again(project):
    assert project.ran() == ALL
    run_id, _ = outputs(project, "squares")
    project.query("update runs set lifecycle_stage = 'deleted' where run_uuid = ?", run_id)

    assert project.ran() == {"squares"}


def test_lost_output_runs_again_and_altered_output_is_found_by_verify(project):
    assert project.ran() == ALL
    file = next((project.folder / "mlartifacts").rglob("squares.json"))
    whole = file.read_bytes()

    file.write_bytes(whole.replace(b"16", b"61"))
    assert project.ran() == set()
    assert project.ran("--verify") == {"squares"}

    for copy in (project.folder / "mlartifacts").rglob("squares.json"):
        copy.unlink()
    assert project.ran() == {"squares"}


def test_records_hold_params_metrics_manifest_and_log(project):
    assert project.ran() == ALL
    run_id, _ = outputs(project, "total")
    tags = dict(project.query("select key, value from tags where run_uuid = ?", run_id))
    folder = next((project.folder / "mlartifacts").rglob(f"{run_id}/artifacts"))

    assert tags["pipespec.pipeline"] == "sums"
    assert tags["mlflow.pipespec.call"] == "steps:total"
    assert tags[f"mlflow.pipespec.key.{tags['pipespec.key']}"] == "1"
    assert not [key for key in tags if "pipespec.claim." in key]
    assert json.loads(tags["mlflow.pipespec.outputs"])["total"]["files"] == 1
    assert dict(project.query("select key, value from params where run_uuid = ?", run_id)) == {
        "name": "all",
        "numbers.count": "5",  # of a step upstream
    }
    metrics = dict(project.query("select key, value from latest_metrics where run_uuid = ?", run_id))
    assert metrics["total"] == 30.0
    assert metrics["pipespec.seconds"] > 0
    assert json.loads((folder / "total.json").read_text()) == {"name": "ALL", "total": 30}
    assert "adding up 5" in (folder / "pipespec/log.txt").read_text()
    assert (folder / "pipespec/step.json").is_file()


def test_pipelines_share_the_steps_that_are_equal(project):
    assert project.ran() == ALL
    text = (project.folder / "pipeline.yaml").read_text()
    project.write(
        "other.yaml", text.replace("name: sums", "name: others").replace("{name: all}", "{name: some}")
    )

    assert project.ran(file="other.yaml") == {"total"}


def test_force_runs_one_step_and_reuses_what_follows(project):
    assert project.ran() == ALL

    assert project.ran("--force", "numbers") == {"numbers"}
    assert project.ran() == set()


def test_targets_take_what_they_need(project):
    assert project.run("squares") == {"numbers": "ran", "squares": "ran"}


def test_run_works_from_any_folder(project, tmp_path):
    answer = project.pipespec("run", str(project.folder / "pipeline.yaml"), cwd=tmp_path)

    assert answer.code == 0, answer.err
    assert (project.folder / "mlflow.db").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"project"}


def test_moved_project_keeps_its_records(project, tmp_path):
    assert project.ran() == ALL
    shutil.move(project.folder, tmp_path / "elsewhere")
    project.folder = tmp_path / "elsewhere"

    assert project.ran() == set()
    assert project.pipespec("get", "pipeline.yaml", "total.total", "-").out.strip().startswith("{")
    project.edit("pipeline.yaml", "{name: all}", "{name: moved}")
    assert project.ran() == {"total"}
    assert project.ran() == set()
    assert not (tmp_path / "project").exists()


def test_parallel_run_gives_the_same_results(project):
    assert project.ran("-j", "2") == ALL
    assert project.ran() == set()


MEETING = """
import time
from pathlib import Path


def meet(me: str, other: str) -> str:
    Path(me).touch()
    until = time.monotonic() + 60
    while not Path(other).exists():
        assert time.monotonic() < until, "the other one does not run beside this one"
        time.sleep(0.01)
    return me


def fail() -> str:
    raise ValueError("always")
"""


def test_the_engine_block_says_how_many_steps_run_at_once(empty_project):
    empty_project.write("steps.py", MEETING)
    empty_project.write(
        "pipeline.yaml",
        "pipespec: 1\nengine: {workers: 2}\nsteps:\n"
        "  a: {call: 'steps:meet', params: {me: a, other: b}, outputs: {o: o.txt}}\n"
        "  b: {call: 'steps:meet', params: {me: b, other: a}, outputs: {o: o.txt}}\n",
    )

    assert empty_project.ran() == {"a", "b"}


def test_options_go_before_the_engine_block(empty_project):
    empty_project.write("steps.py", MEETING)
    empty_project.write(
        "pipeline.yaml",
        "pipespec: 1\nengine: {keep_going: true}\nsteps:\n"
        "  a: {call: 'steps:fail', outputs: {o: o.txt}}\n"
        "  b: {call: 'steps:meet', params: {me: b, other: b}, outputs: {o: o.txt}}\n",
    )

    def states(*options):
        answer = empty_project.pipespec("run", "pipeline.yaml", "--force", "b", "--format", "json", *options)
        assert answer.code == 1
        return {step["step"]: step["state"] for step in answer.json["steps"]}

    assert states("--no-keep-going") == {"a": "failed", "b": "cancelled"}
    assert states() == {"a": "failed", "b": "ran"}


def test_every_verb_tells_the_same_duration_of_a_step(project):
    def seconds(verb, *arguments):
        answer = project.pipespec(verb, "pipeline.yaml", *arguments, "--format", "json")
        assert answer.code == 0, answer.err
        return {step["step"]: step["seconds"] for step in answer.json["steps"]}

    ran = seconds("run")

    recorded = project.query("select value from metrics where key = 'pipespec.seconds' order by value")
    assert [value for (value,) in recorded] == sorted(ran.values())
    assert seconds("run") == seconds("status") == ran
    explained = project.pipespec("explain", "pipeline.yaml", "total", "--format", "json").json
    assert explained["nearest"]["seconds"] == ran["total"]
    forced = project.pipespec("plan", "pipeline.yaml", "--force", "total", "--format", "json").json
    assert {step["step"]: step["expected_seconds"] for step in forced["steps"]}["total"] == ran["total"]


def test_duration_of_a_failed_step_is_what_its_run_says(project):
    project.edit("words.py", "return text.upper()", "raise ValueError(text)")
    answer = project.pipespec("run", "pipeline.yaml", "--format", "json")
    ran = {step["step"]: step["seconds"] for step in answer.json["steps"]}

    told = project.pipespec("status", "pipeline.yaml", "--format", "json").json["steps"]

    assert {step["step"]: step["seconds"] for step in told} == ran
    assert told[-1]["state"] == "failed"

"""What MLflow's environment variables do to `pipespec`: each row of the table in `docs/mlflow.md` has a test here."""

import json
import os
import re
import sqlite3
from pathlib import Path

import pytest
from scripted_server import Said, ScriptedServer

from pipespec.errors import UsageError
from pipespec.project.environment_variables import variable
from pipespec.tracking.server.server_access import access_to, needs_mlflow
from pipespec.tracking.writing.run_tags import context_tags

PAGE = Path(__file__).parents[2] / "docs/mlflow.md"
SEEN = """
import os


def seen() -> dict:
    return {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}
"""
PIPELINE = """\
pipespec: 1
name: seen
steps:
  seen: {call: "seen:seen", outputs: {seen: seen.json}, identity: none}
"""


@pytest.fixture
def seen(empty_project):
    """A project with one step that tells which of MLflow's variables it sees."""
    empty_project.write("seen.py", SEEN)
    empty_project.write("pipeline.yaml", PIPELINE)
    return empty_project


@pytest.fixture
def server():
    made = ScriptedServer()
    yield made
    made.close()


def seen_by_step(project, **variables):
    """Run, and return what the step saw; of what a run sets itself, nothing."""
    project.run(**variables)
    answer = project.pipespec("get", "pipeline.yaml", "seen.seen", "-", **variables)
    return {name: value for name, value in json.loads(answer.out).items() if name in variables}


def stores_of(project, *args, **variables):
    """The store that `plan`, `status` and `run` name, in text and in JSON; all of them name the same."""
    named = set()
    for verb in ("plan", "status", "run"):
        text = project.pipespec(verb, "pipeline.yaml", *args, **variables)
        assert text.code == 0, text.err
        answer = project.pipespec(verb, "pipeline.yaml", "--format", "json", *args, **variables).json
        named.add((re.search(r"^store: (.*)$", text.out, re.MULTILINE)[1], answer["store"]))
    (both,) = named
    return both


def tags_in(database):
    with sqlite3.connect(database) as opened:
        return opened.execute("select run_uuid, key, value from tags").fetchall()


def tracking_uri(seen, tmp_path, server):
    there = seen.folder / "team" / "records.db"
    there.parent.mkdir()
    below = seen.folder / "below"
    below.mkdir()
    for uri, short, written in (
        ("sqlite:///team/records.db", "sqlite:///team/records.db", f"sqlite:///{there}"),
        (f"sqlite:///{tmp_path}/far.db", f"sqlite:///{tmp_path}/far.db", f"sqlite:///{tmp_path}/far.db"),
        ("", "sqlite:///mlflow.db", f"sqlite:///{seen.folder}/mlflow.db"),
    ):
        assert stores_of(seen, MLFLOW_TRACKING_URI=uri) == (short, written)
        elsewhere = seen.pipespec("status", "../pipeline.yaml", cwd=below, MLFLOW_TRACKING_URI=uri)
        assert elsewhere.out.splitlines()[-1] == f"store: {short}"
    for database in (there, tmp_path / "far.db", seen.folder / "mlflow.db"):
        assert ("pipespec.step", "seen") in {row[1:] for row in tags_in(database)}
    seen.edit("pipeline.yaml", "name: seen\n", "name: seen\nmlflow: {tracking_uri: 'sqlite:///own.db'}\n")
    assert stores_of(seen, MLFLOW_TRACKING_URI="http://elsewhere")[0] == "sqlite:///own.db"


def sign_in(seen, tmp_path, server):
    server.rule = lambda asked: Said()
    for variables, uri, header in (
        (
            {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "p4ss"},
            server.url,
            "Basic YWRhOnA0c3M=",
        ),
        ({"MLFLOW_TRACKING_TOKEN": "p4ss"}, server.url, "Bearer p4ss"),
        ({}, server.url.replace("://", "://ada:p4ss@"), "Basic YWRhOnA0c3M="),
    ):
        server.asked.clear()
        told = seen.pipespec("plan", "pipeline.yaml", MLFLOW_TRACKING_URI=uri, **variables)
        asked_for = [asked for asked in server.asked if asked.path != "/health"]
        assert {asked.headers.get("Authorization") for asked in asked_for} == {header}
        assert told.out.splitlines()[-1] == f"store: {server.url}"
        answer = seen.pipespec(
            "plan", "pipeline.yaml", "--format", "json", MLFLOW_TRACKING_URI=uri, **variables
        )
        assert answer.json["store"] == server.url
        assert "p4ss" not in told.out + told.err + answer.out + answer.err


def secure_connections(seen, tmp_path, server):
    access = access_to(
        "https://host",
        {"MLFLOW_TRACKING_SERVER_CERT_PATH": "/ca", "MLFLOW_TRACKING_CLIENT_CERT_PATH": "/me.pem"},
    )
    assert (access.verify, access.authorities, access.certificate) == (True, "/ca", "/me.pem")
    trusting = {"MLFLOW_TRACKING_INSECURE_TLS": "true", "MLFLOW_TRACKING_SERVER_CERT_PATH": ""}
    assert access_to("https://host", trusting).verify is False


def other_clients(seen, tmp_path, server):
    access = access_to("http://host")
    for name in ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_WORKSPACE"):
        assert needs_mlflow(access, {name: "true"})
        assert not needs_mlflow(access, {name: ""})


def experiments(seen, tmp_path, server):
    chosen = {"MLFLOW_EXPERIMENT_NAME": "theirs", "MLFLOW_EXPERIMENT_ID": "0"}
    assert seen_by_step(seen, **chosen) == {}
    assert {name for (name,) in seen.query("select name from experiments")} == {
        "Default",
        "seen",
        "seen/seen",
    }


def run_id(seen, tmp_path, server):
    first = seen.pipespec("run", "pipeline.yaml", "--format", "json").json["steps"][0]["run_id"]
    before = seen.query("select * from runs where run_uuid = ?", first)
    (own,) = seen_by_step(seen, MLFLOW_RUN_ID=first).values()
    assert own != first
    assert seen.query("select status from runs where run_uuid = ?", own) == [("FINISHED",)]
    assert seen.query("select * from runs where run_uuid = ?", first) == before


def registry(seen, tmp_path, server):
    assert seen_by_step(seen, MLFLOW_REGISTRY_URI="http://models") == {"MLFLOW_REGISTRY_URI": "http://models"}


def run_context(seen, tmp_path, server):
    seen.edit("pipeline.yaml", "name: seen\n", "name: seen\nmlflow: {tags: {team: nlp}}\n")
    seen.run(MLFLOW_RUN_CONTEXT='{"cluster": "a1", "team": "other"}')
    tags = tags_in(seen.folder / "mlflow.db")
    runs = {run for run, *_ in tags}
    assert len(runs) == 2
    assert {row for row in tags if row[1] in ("cluster", "team")} == {
        (run, *tag) for run in runs for tag in (("cluster", "a1"), ("team", "nlp"))
    }


def asynchronous_logging(seen, tmp_path, server):
    seen.write(
        "seen.py",
        "def seen() -> dict:\n"
        "    import mlflow\n\n"
        "    for step in range(20):\n"
        "        mlflow.log_metric('loss', step, step=step)\n"
        "    return {}\n",
    )
    seen.run(MLFLOW_ENABLE_ASYNC_LOGGING="true")
    of_a_step = "run_uuid in (select run_uuid from tags where key = 'pipespec.step')"
    assert seen.query(f"select count(*) from metrics where key = 'loss' and {of_a_step}") == [(20,)]
    assert seen.query("select distinct status from runs") == [("FINISHED",)]


def patience(seen, tmp_path, server):
    stated = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "7",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "3",
    }
    assert seen_by_step(seen, **stated) == stated


def s3(seen, tmp_path, server):
    seen.edit("pipeline.yaml", "name: seen\n", "name: seen\nmlflow: {artifact_location: 's3://bucket/x'}\n")
    keys = {"AWS_ACCESS_KEY_ID": "ada", "AWS_SECRET_ACCESS_KEY": "p4ss"}
    told = seen.pipespec("run", "pipeline.yaml", MLFLOW_S3_ENDPOINT_URL="http://127.0.0.1:9", **keys)
    assert (told.code, "S3 at http://127.0.0.1:9 does not answer" in told.err) == (3, True)


CHECKS = {
    "MLFLOW_TRACKING_URI": tracking_uri,
    "MLFLOW_TRACKING_USERNAME": sign_in,
    "MLFLOW_TRACKING_INSECURE_TLS": secure_connections,
    "MLFLOW_TRACKING_AUTH": other_clients,
    "MLFLOW_EXPERIMENT_NAME": experiments,
    "MLFLOW_RUN_ID": run_id,
    "MLFLOW_REGISTRY_URI": registry,
    "MLFLOW_RUN_CONTEXT": run_context,
    "MLFLOW_ENABLE_ASYNC_LOGGING": asynchronous_logging,
    "MLFLOW_HTTP_REQUEST_TIMEOUT": patience,
    "MLFLOW_S3_ENDPOINT_URL": s3,
}
ROWS = re.findall(r"^\| `(MLFLOW_\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_table_has_rows():
    assert sorted(ROWS) == sorted(CHECKS)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_table_holds(row, seen, tmp_path, server):
    CHECKS[row](seen, tmp_path, server)


def test_all_other_variables_are_left_to_steps(seen):
    others = {"MLFLOW_PARENT_RUN_ID": "0" * 32, "MLFLOW_S3_ENDPOINT_URL": "http://s3"}
    assert seen_by_step(seen, **others) == others


def test_an_empty_variable_of_mlflow_is_not_set(seen, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setenv("OTHER", "")
    assert (variable("MLFLOW_TRACKING_URI"), variable("OTHER"), variable("NOT_THERE")) == (None, "", None)

    store = "mlflow: {tracking_uri: '${env:MLFLOW_TRACKING_URI, sqlite:///team.db}'}"
    seen.edit("pipeline.yaml", "name: seen\n", f"name: seen\n{store}\n")
    assert stores_of(seen, MLFLOW_TRACKING_URI="")[0] == "sqlite:///team.db"


def test_diff_of_past_runs_reads_the_store_of_the_environment(project):
    team = {"MLFLOW_TRACKING_URI": "sqlite:///team.db"}
    first = project.pipespec("run", "pipeline.yaml", "--format", "json", **team).json["invocation"]

    answer = project.pipespec("diff", f"run:{first}", "pipeline.yaml", **team)

    assert (answer.code, answer.out) == (0, f"run:{first} -> pipeline.yaml: no difference\n")


@pytest.mark.parametrize("text", ["cluster=a1", "[]", '{"cluster": 1}'])
def test_a_context_that_is_no_mapping_of_tags_ends_a_run_before_its_first_step(seen, text):
    with pytest.raises(UsageError, match=r"MLFLOW_RUN_CONTEXT is not a JSON mapping of tags"):
        context_tags(text)

    answer = seen.pipespec("run", "pipeline.yaml", "--format", "json", MLFLOW_RUN_CONTEXT=text)

    assert answer.code == 1
    assert answer.json["steps"][0]["error"] == (
        'MLFLOW_RUN_CONTEXT is not a JSON mapping of tags, such as {"cluster": "a1"}; correct or unset it'
    )


def test_tests_see_no_store_of_whoever_runs_them():
    ours = {"MLFLOW_DISABLE_TELEMETRY", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"}
    assert {name for name in os.environ if name.startswith("MLFLOW_")} <= ours


@pytest.mark.slow
def test_what_a_program_logs_that_a_step_starts_is_in_the_run_of_the_step(seen):
    seen.write("child.py", "import mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('loss', 0.5)\n")
    seen.write(
        "seen.py",
        "import subprocess\nimport sys\n\n\n"
        "def seen() -> dict:\n"
        "    return {'code': subprocess.run([sys.executable, 'child.py']).returncode}\n",
    )

    run_id = seen.pipespec("run", "pipeline.yaml", "--format", "json").json["steps"][0]["run_id"]

    assert (run_id,) in seen.query("select run_uuid from metrics where key = 'loss'")
    assert seen.query("select r.status, e.name from runs r join experiments e using (experiment_id)") == [
        ("FINISHED", "seen"),
        ("FINISHED", "seen/seen"),
    ]

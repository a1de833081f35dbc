"""`--scheduler URL` with a real luigid: what it shows, what it may decide, and how little its death costs."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest
from proxy import Proxy, reply
from services import free_port, luigid_at

pytestmark = pytest.mark.servers

ALL = {"numbers", "squares", "total"}


@pytest.fixture
def watched(empty_project, mlflow_on_sqlite, make_remote):
    return make_remote(empty_project, mlflow_on_sqlite.url)


def tasks(luigid, status, pipeline):
    """What the visualiser's page asks for."""
    asked = urllib.parse.quote(json.dumps({"status": status, "upstream_status": ""}))
    with urllib.request.urlopen(f"{luigid.url}/api/task_list?data={asked}", timeout=30) as answer:
        found = json.load(answer)["response"].values()
    return {
        task["params"].get("step", "the pipeline"): task
        for task in found
        if task["params"]["pipeline"] == pipeline
    }


def finish(process, code=0):
    out, err = process.communicate(timeout=150)
    assert process.returncode == code, err
    return out, err


def test_steps_are_seen_with_pipeline_params_and_state_while_they_run(watched, luigid):
    name = watched.records.pipeline
    watched.hold()
    process = watched.project.start("run", "pipeline.yaml", "--scheduler", luigid.url)
    watched.wait_until_held(process)

    assert set(tasks(luigid, "DONE", name)) == {"numbers"}
    assert set(tasks(luigid, "RUNNING", name)) == {"squares"}
    assert set(tasks(luigid, "PENDING", name)) == {"total", "the pipeline"}
    watched.release()
    finish(process)

    done = tasks(luigid, "DONE", name)
    assert set(done) == {*ALL, "the pipeline"}
    assert {task["name"] for task in done.values()} == {*ALL, name}
    assert [*done["numbers"]["params"].items()][:2] == [("count", "5"), ("salt", watched.salt)]


def test_a_step_that_one_invocation_holds_is_waited_for_by_the_other(watched, luigid):
    watched.hold()
    command = ["run", "pipeline.yaml", "--format", "json", "--scheduler", luigid.url]
    first = watched.project.start(*command)
    watched.wait_until_held(first)
    second = watched.project.start(*command)
    waits_for(second, watched)
    assert set(tasks(luigid, "RUNNING", watched.records.pipeline)) == {"squares"}
    assert second.poll() is None  # the trap: a worker of Luigi is told here that all is done, and ends well
    watched.release()
    states = [
        {step["step"]: step["state"] for step in json.loads(finish(process)[0])["steps"]}
        for process in (first, second)
    ]

    assert sorted(watched.executed) == sorted(ALL)
    assert states[0] == {"numbers": "ran", "squares": "ran", "total": states[0]["total"]}
    assert states[1]["numbers"] == states[1]["squares"] == "reused"
    assert sorted(state["total"] for state in states) == ["ran", "reused"]
    assert {step: len(watched.records.published(step)) for step in ALL} == dict.fromkeys(ALL, 1)


def waits_for(process, watched):
    """Until the second invocation has begun: its run is there beside that of the first and of the step that the first executes."""
    import time

    until = time.monotonic() + 120
    while sum(run["status"] == "RUNNING" for run in watched.records.runs()) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_luigid_that_is_killed_harms_nothing_that_executes(watched, tmp_path):
    folder = tmp_path / "luigid"
    folder.mkdir()
    watched.hold()
    with luigid_at(folder) as luigid:
        process = watched.project.start("run", "pipeline.yaml", "--scheduler", luigid.url)
        watched.wait_until_held(process)
        luigid.kill()
        watched.release()
        out, err = process.communicate(timeout=120)

    assert process.returncode == 3
    assert err.count("error: ") == 1
    assert f"the scheduler at {luigid.url} does not answer" in err
    assert "Traceback" not in err + out
    assert len(watched.records.published("squares")) == 1
    assert watched.project.ran() == {"total"}


@pytest.mark.parametrize(
    "scheme", ["http://127.0.0.1:{port}", "127.0.0.1:{port}", "http://no.such.host.invalid:{port}"]
)
def test_a_luigid_that_is_not_there_is_told_in_one_line_and_nothing_executes(watched, scheme):
    url = scheme.format(port=free_port())

    answer = watched.project.pipespec("run", "pipeline.yaml", "--scheduler", url)

    assert answer.code == 3
    assert [
        line for line in answer.err.splitlines() if line.startswith("error: ")
    ] == answer.err.splitlines()[-1:]
    assert url in answer.err
    assert "Traceback" not in answer.err
    assert watched.executed == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome</html>",
        b"{}",
        b"[]",
        b'{"response": {"a": 1}}',
        b'{"response": []}',
        b'{"response": {}}',
        b'{"response": null}',
    ],
)
def test_a_service_that_is_no_luigid_is_told_in_one_line_and_nothing_executes(watched, body):
    proxy = Proxy(target=0, rule=lambda _: reply(200, body))
    proxy.up()
    try:
        answer = watched.project.pipespec("run", "pipeline.yaml", "--scheduler", proxy.url)
    finally:
        proxy.down()

    assert answer.code == 3
    assert answer.err.count("\n") == 1
    assert answer.err.startswith(f"error: the scheduler at {proxy.url} does not answer: ")
    assert watched.executed == []


@pytest.mark.browser
def test_the_visualiser_shows_the_steps(watched, luigid, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    assert watched.project.ran("--scheduler", luigid.url) == ALL
    page = f"{luigid.url}/static/visualiser/index.html#tab=tasks&search__search={watched.records.pipeline}"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    options += ["--window-size=1500,1000", "--virtual-time-budget=20000"]

    def chrome(*more):
        command = [chromium, *options, *more, page]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=True, cwd=tmp_path
        ).stdout

    shown = chrome("--dump-dom")
    chrome(f"--screenshot={tmp_path / 'visualiser.png'}")

    table = shown.partition('id="taskTable"')[2].partition("</table>")[0]
    assert "pipespec.StepTask" not in table.partition("<tbody")[0]
    for text in (*ALL, watched.records.pipeline, watched.salt):
        assert text in table, text
    assert (tmp_path / "visualiser.png").stat().st_size > 20_000

"""`gc` and `doctor` where the records are on a real tracking server that others use, too."""

from __future__ import annotations

import os
import signal
import urllib.request

import pytest
from remote import ask

pytestmark = pytest.mark.servers

NOW = ("--older-than", "0s", "--keep-last", "0")
STEPS = ["numbers", "squares", "total"]


@pytest.fixture
def used(remote):
    """The project after two runs with different counts, and the ids of the older runs and of those that it uses."""
    remote.project.run("--set", "params.count=3")
    old = {run["run_id"] for run in remote.records.runs()}
    remote.project.run()
    return remote, old, {run["run_id"] for run in remote.records.runs()} - old


def findings(project, *words, code):
    answer = project.pipespec("doctor", *words, "--format", "json")
    assert code in (None, answer.code), answer.err + answer.out
    return [(one["code"], one["place"], one["message"]) for one in answer.json["findings"]]


def test_gc_deletes_what_nothing_reaches_and_leaves_other_pipelines_alone(
    used, make_remote, new_project_at, tmp_path
):
    remote, old, new = used
    other = make_remote(new_project_at(tmp_path / "other"), remote.records.url)
    other.project.run()

    told = remote.project.pipespec("gc", *NOW, "--format", "json")
    assert (told.code, told.json["deleted"]) == (0, False)
    assert {run["run_id"] for run in told.json["unreached"]} == old
    assert all(run["bytes"] > 0 for run in told.json["unreached"] if run["step"])
    refused = remote.project.pipespec("gc", *NOW, "--purge")
    assert (refused.code, refused.out) == (2, "")
    assert "--delete" in refused.err
    assert {run["run_id"] for run in remote.records.runs()} == old | new

    deleted = remote.project.pipespec("gc", *NOW, "--delete", "--format", "json")
    assert (deleted.code, deleted.json["deleted"]) == (0, True)
    assert {run["run_id"] for run in remote.records.runs()} == new
    stages = [
        ask(remote.records.url, f"runs/get?run_id={run}")["run"]["info"]["lifecycle_stage"] for run in old
    ]
    assert stages == ["deleted"] * len(old)
    assert remote.project.run() == dict.fromkeys(STEPS, "reused")
    assert other.project.run() == dict.fromkeys(STEPS, "reused")


def test_doctor_finds_what_was_altered_and_what_was_left_running(used):
    remote, _, _ = used
    project, url = remote.project, remote.records.url
    ours = {run["run_id"] for run in remote.records.runs()}
    found = findings(project, "--verify", code=None)  # other tests alter results on this server
    assert [one for one in found if any(run in one[1] for run in ours)] == []

    (total, *_) = remote.records.published("total")
    place = total["artifact_uri"].partition("mlflow-artifacts:/")[2].lstrip("/")
    changed = urllib.request.Request(
        f"{url}/api/2.0/mlflow-artifacts/artifacts/{place}/total.json", b'{"total": 0}', method="PUT"
    )
    urllib.request.urlopen(changed, timeout=30).close()
    remote.hold()
    process = project.start("run", "pipeline.yaml", "--set", "params.count=7")
    remote.wait_until_held(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    remote.release()
    left = {run["run_id"] for run in remote.records.runs() if run["status"] == "RUNNING"}

    found = findings(project, "--verify", code=1)

    own = [one for one in found if any(run in one[1] for run in (*left, total["run_id"]))]
    assert sorted((code, where) for code, where, _ in own) == sorted(
        [
            ("altered-artifact", f"run {total['run_id']} of step 'total'"),
            *(("left-running", f"run {run}") for run in left),
        ]
    )
    assert {message for code, _, message in own if code == "left-running"} == {
        "step 'squares' is RUNNING in MLflow, but its process is gone",
        "an invocation is RUNNING in MLflow, but its process is gone",
    }
    assert project.ran("--verify", "--set", "params.count=7") >= {"squares", "total"}
    assert not left & {run["run_id"] for run in remote.records.runs() if run["status"] == "RUNNING"}


def test_a_server_that_is_away_is_a_finding_and_nothing_is_deleted(proxied, proxy):
    proxied.project.run()
    proxy.down()

    found = findings(proxied.project, code=1)
    refused = proxied.project.pipespec("gc", *NOW, "--delete")
    shown = proxied.project.pipespec("ui")

    assert [code for code, _, _ in found] == ["store-unavailable"]
    assert (refused.code, shown.code) == (3, 3)
    assert proxy.url in refused.err
    assert len(proxied.records.runs()) == 4

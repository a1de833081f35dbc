"""A real luigid shows a run and hands out its steps; its word is worth nothing, and its death costs little."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pipespec.engine.luigi.luigi_worker import SchedulerUnavailableError
from pipespec.errors import StoreUnavailableError


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def luigid(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [Path(sys.executable).with_name("luigid"), "--address", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "luigid.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--state-path", tmp_path / "state.pickle"], cwd=tmp_path, stdout=log, stderr=log
        )
    process.url = url
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except urllib.error.URLError:
            assert process.poll() is None, (tmp_path / "luigid.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.02)
    yield process
    process.kill()
    process.wait()


def test_a_luigid_hands_out_the_steps_and_shows_them(sums, luigid):
    assert sums.states(scheduler=luigid.url) == {"numbers": "ran", "squares": "ran", "total": "ran"}

    asked = json.dumps({"status": "DONE", "upstream_status": ""})
    with urllib.request.urlopen(
        f"{luigid.url}/api/task_list?data={urllib.request.quote(asked)}", timeout=30
    ) as answer:
        tasks = json.load(answer)["response"].values()
    shown = {task["name"]: next(iter(task["params"].items())) for task in tasks}
    assert set(shown) == {"numbers", "squares", "total", sums.spec().name}
    assert shown["numbers"] == ("count", "5")


def test_a_luigid_shows_reused_steps_as_done(sums, luigid):
    sums.states(targets=("squares",))
    sums.states(scheduler=luigid.url)

    asked = json.dumps({"status": "DONE", "upstream_status": ""})
    with urllib.request.urlopen(
        f"{luigid.url}/api/task_list?data={urllib.request.quote(asked)}", timeout=30
    ) as answer:
        tasks = json.load(answer)["response"].values()
    assert {task["name"] for task in tasks} == {"numbers", "squares", "total", sums.spec().name}


def test_what_a_luigid_remembers_as_done_runs_again_when_its_record_is_gone(sums, luigid):
    sums.run(scheduler=luigid.url)
    for key in {result.key for result in sums.run(scheduler=luigid.url).steps}:
        with sums.ledger() as ledger:
            folder = ledger.complete([key])[key].artifact_uri.removeprefix("file://")
        (Path(folder) / "pipespec/step.json").unlink()

    assert sums.states(scheduler=luigid.url) == {"numbers": "ran", "squares": "ran", "total": "ran"}


def test_a_failure_keeps_back_what_depends_on_it(sums, luigid):
    sums.write(
        "steps.py",
        (sums.root / "steps.py").read_text().replace("return [number**2", "return 1 / 0; [number**2"),
    )

    assert sums.states(scheduler=luigid.url) == {"numbers": "ran", "squares": "failed", "total": "blocked"}


def test_a_luigid_that_is_not_there_is_said_in_one_line_before_anything_executes(sums):
    url = f"http://127.0.0.1:{free_port()}"

    before = time.monotonic()
    with pytest.raises(SchedulerUnavailableError, match=rf"^the scheduler at {url} does not answer: "):
        sums.run(scheduler=url)

    assert time.monotonic() - before < 60
    assert sums.told.events == []
    sums.require_clean()


def test_where_a_luigid_dies_what_executes_is_published(sums, luigid):
    sums.told.on_start["squares"] = lambda: os.kill(luigid.pid, signal.SIGKILL)

    with pytest.raises(StoreUnavailableError):
        sums.run(scheduler=luigid.url)

    sums.require_clean()
    assert sums.statuses("squares") == ["FINISHED"]
    assert sums.states() == {"numbers": "reused", "squares": "reused", "total": "ran"}

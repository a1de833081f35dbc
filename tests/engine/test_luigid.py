"""A real luigid shows a run and hands out its steps; its word is worth nothing, and its death costs little."""

from __future__ import annotations

import json
import os
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


class Luigid:
    """A daemon with settings of its own, which can be killed and started again at the same address, and then knows nothing."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self, **settings):
        lines = ["[scheduler]", *(f"{name} = {value}" for name, value in settings.items())]
        (self.folder / "luigid.cfg").write_text("\n".join(lines))
        command = [
            Path(sys.executable).with_name("luigid"),
            "--address",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        with (self.folder / "luigid.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--state-path", self.folder / "state.pickle"],
                cwd=self.folder,
                env={**os.environ, "LUIGI_CONFIG_PATH": str(self.folder / "luigid.cfg")},
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
            except urllib.error.URLError:
                assert self.process.poll() is None, (self.folder / "luigid.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.02)
            else:
                return

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, command, **arguments):
        """Ask as a worker of Luigi does."""
        asked = urllib.request.quote(json.dumps(arguments))
        with urllib.request.urlopen(f"{self.url}/api/{command}?data={asked}", timeout=30) as answer:
            return json.load(answer)["response"]

    def tasks(self, status):
        """The tasks in a state, by the name of their step, as the visualiser asks for them."""
        found = self.ask("task_list", status=status, upstream_status="")
        return {task["name"]: {**task, "task_id": task_id} for task_id, task in found.items()}


@pytest.fixture
def luigid(tmp_path):
    daemon = Luigid(tmp_path)
    daemon.start()
    yield daemon
    daemon.kill()


def test_a_luigid_hands_out_the_steps_and_shows_them(sums, luigid):
    assert sums.states(scheduler=luigid.url) == {"numbers": "ran", "squares": "ran", "total": "ran"}

    shown = {task["name"]: next(iter(task["params"].items())) for task in luigid.tasks("DONE").values()}
    assert set(shown) == {"numbers", "squares", "total", sums.spec().name}
    assert shown["numbers"] == ("count", "5")


def test_a_luigid_shows_reused_steps_as_done(sums, luigid):
    sums.states(targets=("squares",))
    sums.states(scheduler=luigid.url)

    assert {task["name"] for task in luigid.tasks("DONE").values()} == {
        "numbers",
        "squares",
        "total",
        sums.spec().name,
    }


def test_what_a_luigid_remembers_as_done_runs_again_when_its_record_is_gone(sums, luigid):
    luigid.kill()
    luigid.start(stable_done_cooldown_secs=3600)  # 10 s by default, which a busy machine may take
    sums.run(scheduler=luigid.url)
    for key in {result.key for result in sums.run(scheduler=luigid.url).steps}:
        with sums.ledger() as ledger:
            folder = ledger.complete([key])[key].artifact_uri.removeprefix("file://")
        (Path(folder) / "pipespec/step.json").unlink()
    known = luigid.tasks("DONE")["total"]["task_id"]
    luigid.ask("add_task", task_id=known, worker="another", status="PENDING")
    assert (
        luigid.tasks("DONE")["total"]["task_id"] == known
    )  # the trap: who asks for it again is told that it is done

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
    sums.told.on_start["squares"] = luigid.kill

    with pytest.raises(StoreUnavailableError):
        sums.run(scheduler=luigid.url)

    sums.require_clean()
    assert sums.statuses("squares") == ["FINISHED"]
    assert sums.states() == {"numbers": "reused", "squares": "reused", "total": "ran"}


def test_a_luigid_that_comes_back_with_nothing_in_the_middle_gets_what_is_left(sums, luigid):
    def restart():
        luigid.kill()
        luigid.start()

    sums.told.on_start["squares"] = restart

    assert sums.states(scheduler=luigid.url) == {"numbers": "ran", "squares": "ran", "total": "ran"}
    assert luigid.tasks("DONE").keys() >= {"total"}


def test_a_luigid_that_is_paused_hands_out_nothing_and_the_run_says_so(sums, luigid):
    luigid.ask("pause")

    found = sums.run(scheduler=luigid.url)

    assert {(result.step, result.state.value, result.error) for result in found.steps} == {
        (step, "cancelled", "the scheduler did not start it") for step in ("numbers", "squares", "total")
    }
    assert not found.succeeded


def test_a_luigid_that_took_the_run_for_dead_meanwhile_gets_its_steps_all_the_same(sums, luigid):
    luigid.kill()
    luigid.start(worker_disconnect_delay=0)

    def take_for_dead():
        luigid.ask("prune")
        assert luigid.tasks("RUNNING") == {}

    sums.told.on_start["squares"] = take_for_dead

    assert sums.states(scheduler=luigid.url) == {"numbers": "ran", "squares": "ran", "total": "ran"}
    assert sums.statuses("squares") == ["FINISHED"]

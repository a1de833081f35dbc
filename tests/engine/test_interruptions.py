"""Runs that are ended from outside: by signals, by kill -9 at every point, and beside each other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipespec.fault_points import POINTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

STEPS = """
import os, signal, subprocess, time
from pathlib import Path

def quick(x: int):
    with Path("executed").open("a") as file:
        file.write(f"{x}\\n")
    return x

def slow(x: int, here: str, stubborn: bool):
    if stubborn:
        signal.signal(signal.SIGTERM, lambda *_: Path(here + ".asked").touch())
    children = [subprocess.Popen(["sleep", "3600"]), subprocess.Popen(["sleep", "3600"], start_new_session=True)]
    Path(here).touch()
    time.sleep(3600)
    return x

def after(x: int):
    return x
"""


class Run:
    """A run in a process of its own, forked from the nursery."""

    def __init__(self, nursery, engine, number, environment, about):
        self._output, self._answer = (engine.root.parent / f"{kind}{number}" for kind in ("output", "answer"))
        order = {
            "root": str(engine.root),
            "output": str(self._output),
            "answer": str(self._answer),
            "environment": environment,
            "about": about,
        }
        nursery.stdin.write(json.dumps(order) + "\n")
        nursery.stdin.flush()
        self.pid = int(nursery.stdout.readline())

    def is_alive(self):
        return Path(f"/proc/{self.pid}").exists()

    def send(self, signum):
        os.kill(self.pid, signum)

    def wait(self):
        eventually(lambda: not self.is_alive())

    def answer(self):
        self.wait()
        assert self._answer.exists(), self._output.read_text()
        return json.loads(self._answer.read_text())

    def has_ended_well(self):
        """Whether it answered, and every step did its work."""
        return self._answer.exists() and set(self.answer()["states"].values()) <= {"ran", "reused"}

    def until(self, condition):
        """Wait for something that the run brings about."""

        def came():
            assert condition() or self.is_alive(), self._output.read_text()
            return condition()

        eventually(came)


@pytest.fixture(scope="session")
def nursery():
    script = Path(__file__).with_name("nursery.py")
    with subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()
        process.wait()


@pytest.fixture
def start(engine, nursery):
    """Start a run in a process of its own; none survives the test."""
    started = []

    def begin(environment=None, **about):
        started.append(Run(nursery, engine, len(started), environment or {}, about))
        return started[-1]

    yield begin
    for run in started:
        if run.is_alive():
            run.send(signal.SIGKILL)
    engine.require_clean_processes()


def eventually(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)


@pytest.fixture
def slow(engine):
    engine.write("steps.py", STEPS)
    engine.here = engine.root / "here"

    def write(*, stubborn=False):
        engine.write(
            "pipeline.yaml",
            f"""\
            pipespec: 1
            name: slow
            steps:
              quick: {{call: 'steps:quick', params: {{x: 1}}, outputs: {{x: x.json}}}}
              slow: {{call: 'steps:slow', inputs: {{x: quick}}, params: {{here: {engine.here}, stubborn: {str(stubborn).lower()}}}, outputs: {{x: x.json}}}}
              after: {{call: 'steps:after', inputs: {{x: slow}}, outputs: {{x: x.json}}}}
            """,
        )

    engine.let = write
    return engine


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_executes_and_the_report_says_so(slow, start, signum):
    slow.let()
    run = start()
    run.until(slow.here.exists)

    run.send(signum)

    assert run.answer() == {
        "states": {"quick": "ran", "slow": "cancelled", "after": "cancelled"},
        "errors": dict.fromkeys(("slow", "after"), f"interrupted by {signal.Signals(signum).name}"),
        "interrupted_by": signum,
    }
    assert slow.statuses("slow") == ["KILLED"]
    assert slow.query("select status from runs where status not in ('FINISHED', 'KILLED')") == []


def test_what_ignores_sigterm_is_killed_after_the_grace(slow, start):
    slow.let(stubborn=True)
    run = start(grace=0.3)
    run.until(slow.here.exists)

    run.send(signal.SIGTERM)

    assert run.answer()["states"]["slow"] == "cancelled"


def test_a_second_signal_kills_at_once(slow, start):
    slow.let(stubborn=True)
    run = start(grace=3600)
    run.until(slow.here.exists)

    run.send(signal.SIGINT)
    run.until(Path(f"{slow.here}.asked").exists)
    assert run.is_alive()
    run.send(signal.SIGINT)

    assert run.answer()["interrupted_by"] == signal.SIGINT
    assert slow.statuses("slow") == ["KILLED"]


def test_an_interrupted_run_goes_on_where_it_was(slow, start):
    slow.let()
    run = start()
    run.until(slow.here.exists)
    run.send(signal.SIGINT)
    run.answer()
    slow.write("steps.py", STEPS.replace("time.sleep(3600)", ""))

    assert slow.states() == {"quick": "reused", "slow": "ran", "after": "ran"}


@pytest.mark.parametrize("whom", ["the run", "its process group"])
def test_kill_9_leaves_no_process_and_the_next_run_clears_up(slow, start, whom):
    slow.let()
    run = start()
    run.until(slow.here.exists)
    assert len(slow.processes()) >= 4  # template, step, two children

    (os.kill if whom == "the run" else os.killpg)(run.pid, signal.SIGKILL)
    run.wait()
    slow.require_clean_processes()
    assert len(list((slow.state / "staging").iterdir())) == 2
    slow.write("steps.py", STEPS.replace("time.sleep(3600)", ""))

    assert slow.states() == {"quick": "reused", "slow": "ran", "after": "ran"}
    assert slow.query("select count(*) from runs where status = 'RUNNING'") == [(0,)]
    assert slow.statuses("slow") == ["KILLED", "FINISHED"]


CHAIN = """\
pipespec: 1
name: chain
steps:
  a: {call: 'steps:quick', params: {x: 1}, outputs: {x: x.json}}
  b: {call: 'steps:quick', inputs: {x: a}, outputs: {x: x.json}}
"""


def published(engine):
    """Of each key of a finished run with a manifest, how many there are."""
    return engine.query(
        "select k.value, count(*) from runs r join tags k on k.run_uuid = r.run_uuid and k.key = 'pipespec.key'"
        " join tags m on m.run_uuid = r.run_uuid and m.key = 'pipespec.manifest' where r.status = 'FINISHED' group by 1"
    )


@pytest.mark.faults
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_kill_9_at_any_point_leaves_a_whole_result_or_none(engine, start, point, nth):
    engine.write("steps.py", STEPS)
    engine.write("pipeline.yaml", CHAIN)
    run = start({"PIPESPEC_FAULT_TESTING": "1", "PIPESPEC_FAULT": f"{point}:{nth}:kill9"})
    run.wait()
    assert nth == 2 or not run.has_ended_well()
    engine.require_clean_processes()
    before, running = published(engine), "select count(*) from runs where status = 'RUNNING'"
    ((left,),) = engine.query(running)

    after = engine.states()

    assert set(after.values()) <= {"ran", "reused"}
    assert sum(state == "reused" for state in after.values()) == len(before)
    assert [count for _, count in published(engine)] == [1, 1]
    # A run that finds everything complete writes nothing: the dead invocation is left to the next that executes.
    assert left < 3
    assert engine.query(running) == [(left if set(after.values()) == {"reused"} else 0,)]
    assert engine.states() == {"a": "reused", "b": "reused"}


@pytest.mark.parametrize(
    "point", ["step.before-call", "step.after-save", "publish.mid-upload", "step.before-result"]
)
def test_a_worker_that_dies_fails_its_step_and_publishes_nothing(engine, start, point):
    engine.write("steps.py", STEPS)
    engine.write("pipeline.yaml", CHAIN)

    found = start({"PIPESPEC_FAULT_TESTING": "1", "PIPESPEC_FAULT": f"{point}:exit0"}).answer()

    assert found["states"] == {"a": "failed", "b": "blocked"}
    assert found["errors"]["a"] == "exited without a result"
    assert published(engine) == []
    assert engine.states() == {"a": "ran", "b": "ran"}


def test_of_runs_that_want_the_same_keys_one_executes_and_the_others_take_its_results(engine, start):
    lines = ["pipespec: 1", "name: crowd", "steps:"]
    lines += [
        f"  s{x}: {{call: 'steps:quick', params: {{x: {x}}}, outputs: {{x: x.json}}}}" for x in range(6)
    ]
    engine.write("steps.py", STEPS)
    engine.write("pipeline.yaml", "\n".join(lines))

    runs = [start(workers=2) for _ in range(4)]
    found = [run.answer()["states"] for run in runs]

    assert {state for states in found for state in states.values()} <= {"ran", "reused"}
    assert sorted((engine.root / "executed").read_text().split()) == [str(x) for x in range(6)]
    assert sum(state == "ran" for states in found for state in states.values()) == 6
    assert [count for _, count in published(engine)] == [1] * 6
    assert engine.query("select count(*) from runs where status != 'FINISHED'") == [(0,)]


FAILING = """\
pipespec: 1
name: failing
steps:
  bad: {call: 'steps:bad', outputs: {x: x.json}}
  after: {call: 'steps:quick', inputs: {x: bad}, outputs: {x: x.json}}
"""


def test_runs_that_wait_for_a_step_that_fails_fail_with_it(engine, start):
    engine.write(
        "steps.py",
        STEPS
        + """
def bad():
    with Path("executed").open("a") as file:
        file.write("bad\\n")
    until = time.monotonic() + 60
    while not Path("go").exists() and time.monotonic() < until:
        time.sleep(0.01)
    raise ValueError("no")
""",
    )
    engine.write("pipeline.yaml", FAILING)
    runs = [start() for _ in range(4)]
    invocations = "select count(*) from tags where key = 'pipespec.command'"
    for run in runs:
        run.until(lambda: engine.query(invocations) == [(4,)])
    (engine.root / "go").touch()

    found = [run.answer() for run in runs]

    assert [answer["states"] for answer in found] == [{"bad": "failed", "after": "blocked"}] * 4
    assert (engine.root / "executed").read_text() == "bad\n"
    errors = sorted(answer["errors"]["bad"] for answer in found)
    [(run_id,)] = engine.query("select run_uuid from tags where key = 'pipespec.step'")
    assert errors[0] == "ValueError: no"
    assert all(error.startswith(f"ValueError: no (in run {run_id[:8]} of process ") for error in errors[1:])
    assert engine.statuses("bad") == ["FAILED"]


def test_a_run_waits_for_another_and_takes_over_when_that_dies(slow, start):
    slow.let()
    first = start()
    first.until(slow.here.exists)
    slow.here.unlink()
    second = start()
    about = "select count(*) from tags where key = 'mlflow.pipespec.owner' and value like ?"
    second.until(lambda: slow.query(about, f'%"pid":{second.pid},%') == [(1,)])
    assert not slow.here.exists()

    os.kill(first.pid, signal.SIGKILL)
    second.until(slow.here.exists)
    second.send(signal.SIGTERM)

    assert second.answer()["states"] == {"quick": "reused", "slow": "cancelled", "after": "cancelled"}
    assert set(slow.statuses("slow")) == {"KILLED"}

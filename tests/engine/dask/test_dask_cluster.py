"""Steps on a real Dask cluster: a scheduler and two workers, each in a process of its own, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from services import dask_cluster

pytest.importorskip("distributed", reason="there is no Dask: pip install -e '.[test]'")
from distributed import Client

from pipespec.engine.dask import dask_executor, open_dask
from pipespec.engine.dask.open_dask import opened_dask
from pipespec.errors import ClusterUnavailableError, UsageError
from pipespec.spec.engine_spec import ClusterSpec

pytestmark = [pytest.mark.servers, pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")]

STEPS = """
import os, subprocess, sys, time
from pathlib import Path


def worker():
    # The process of a step is forked from a template, which the worker started.
    template = os.getppid()
    return int(Path(f"/proc/{template}/stat").read_text().rpartition(")")[2].split()[1])


def note(step):
    with open("executed.txt", "a") as file:
        print(step, worker(), os.getpid(), file=file)


def numbers(count: int) -> list:
    note("numbers")
    print("counting to", count)
    return list(range(count))


def squares(numbers: list, k: int) -> list:
    note(f"squares-{k}")
    return [k * number**2 for number in numbers]


def total(squares: dict) -> dict:
    note("total")
    return {"total": sum(map(sum, squares.values()))}


def held(numbers: list) -> list:
    note("held")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    Path("child.txt").write_text(str(child.pid))
    Path("held").touch()
    until = time.monotonic() + 100
    while Path("hold").exists() and time.monotonic() < until:
        time.sleep(0.02)
    child.kill()
    return numbers


def ending(k: int, out: Path) -> None:
    # Returns, and stops while the output is taken, until `freeing` runs.
    import signal, threading
    with out.open("wb") as file:
        file.truncate(300_000_000)

    def stop():
        while out.exists():
            time.sleep(0.001)
        Path(f"ending-{k}.txt").write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)

    threading.Thread(target=stop, daemon=True).start()


def freeing() -> int:
    import signal
    places = [Path(f"ending-{k}.txt") for k in (1, 2)]
    until = time.monotonic() + 60
    while not all(place.exists() and place.read_text() for place in places) and time.monotonic() < until:
        time.sleep(0.01)
    for place in places:
        os.kill(int(place.read_text()), signal.SIGCONT)
    return 1


def short(k: int) -> int:
    time.sleep(0.02)
    return k


def lacking() -> int:
    import not_there_at_all
"""

ODD = """

def unsaved() -> object:
    import threading
    return threading.Lock()


def huge() -> bytes:
    return bytes(600_000_000)


def killed() -> int:
    import signal
    os.kill(os.getpid(), signal.SIGKILL)


class Outer:
    @staticmethod
    def inner() -> int:
        return (lambda: 1)()
"""

SUMS = """\
pipespec: 1
name: sums
steps:
  numbers: {call: 'steps:numbers', params: {count: 5}, outputs: {numbers: numbers.json}}
  squares:
    call: steps:squares
    matrix: {k: [1, 2, 3, 4, 5, 6]}
    inputs: {numbers: numbers}
    outputs: {squares: squares.json}
  total: {call: 'steps:total', inputs: {squares: 'squares[*]'}, outputs: {total: total.json}, metrics: total}
"""

HELD = """\
pipespec: 1
name: held
steps:
  numbers: {call: 'steps:numbers', params: {count: 5}, outputs: {numbers: numbers.json}}
  held:
    call: steps:held
    inputs: {numbers: numbers}
    outputs: {numbers: numbers.json}
    %s
"""


ENDING = """\
pipespec: 1
name: ending
steps:
  ending: {call: 'steps:ending', matrix: {k: [1, 2]}, outputs: {out: out.bin}, priority: 5, timeout: 90s}
  freeing: {call: 'steps:freeing', outputs: {n: n.json}}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with dask_cluster(tmp_path_factory.mktemp("dask"), (), ("--resources", "GPU=1 memory=4e9")) as started:
        yield started


@pytest.fixture
def on_dask(engine, cluster):
    """A project, and how its steps run on the cluster."""
    engine.write("steps.py", STEPS)
    engine.about = on_cluster(cluster)
    return engine


def on_cluster(cluster):
    return {"executor": "dask", "open_cluster": opened_dask, "cluster": ClusterSpec(cluster.address)}


def executed(engine):
    """The steps that executed, in order, each with the process of its worker."""
    lines = (engine.root / "executed.txt").read_text().splitlines()
    return [(line.split()[0], int(line.split()[1])) for line in lines]


def until_there(path):
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, path
        time.sleep(0.02)


def states_of(report):
    return {result.step: result.state.value for result in report.steps}


def start_command(engine, where, *options):
    command = [sys.executable, "-m", "pipespec", "run", "pipeline.yaml", "--dask", str(where), *options]
    return subprocess.Popen(
        command,
        cwd=engine.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_steps_execute_on_all_workers_and_are_recorded_as_those_of_this_machine(on_dask):
    on_dask.write("pipeline.yaml", SUMS)

    report = on_dask.run(**on_dask.about)

    assert set(states_of(report).values()) == {"ran"}
    done = executed(on_dask)
    assert sorted(step for step, _ in done) == ["numbers", *(f"squares-{k}" for k in range(1, 7)), "total"]
    assert len({worker for _, worker in done}) == 2
    assert on_dask.query("select distinct value from latest_metrics where key = 'total'") == [(630.0,)]
    assert {status for (status,) in on_dask.query("select status from runs")} == {"FINISHED"}
    [log] = [Path(result.log) for result in report.steps if result.step == "numbers"]
    assert log.read_text() == "counting to 5\n"
    notes = [event for event in on_dask.told.events if event[0] == "note"]
    address = on_dask.about["cluster"].address
    assert notes == [("note", f"Dask at {address}: 2 workers with 2 threads, in the project's own folder")]

    local = {result.step: result.record.key for result in report.steps}
    assert {step: decision.key.hex for step, decision in on_dask.plan().decisions.items()} == local
    again = on_dask.run(**on_dask.about)
    assert set(states_of(again).values()) == {"reused"}
    assert executed(on_dask) == done


def test_steps_of_one_run_execute_there_and_here(on_dask, cluster):
    on_dask.write(
        "pipeline.yaml", SUMS.replace("outputs: {total:", "engine: {executor: local}, outputs: {total:")
    )
    with Client(cluster.address, set_as_default=False) as client:
        workers = set(client.run(os.getpid).values())

    process = start_command(on_dask, cluster.address)
    _, said = process.communicate(timeout=200)

    assert process.returncode == 0, said
    done = dict(executed(on_dask))
    assert done.pop("total") == process.pid
    assert set(done.values()) == workers


def test_a_step_whose_worker_is_killed_is_tried_again(on_dask):
    on_dask.write("pipeline.yaml", HELD % "retry: {times: 1}")
    (on_dask.root / "hold").touch()

    def kill():
        until_there(on_dask.root / "held")
        (on_dask.root / "held").unlink()
        os.kill(executed(on_dask)[-1][1], signal.SIGKILL)
        until_there(on_dask.root / "held")
        (on_dask.root / "hold").unlink()

    killer = threading.Thread(target=kill)
    killer.start()
    report = on_dask.run(**on_dask.about)
    killer.join()

    assert states_of(report) == {"numbers": "ran", "held": "ran"}
    assert on_dask.statuses("held") == ["FAILED", "FINISHED"]
    assert [step for step, _ in executed(on_dask)] == ["numbers", "held", "held"]
    [error] = [path.read_text() for path in on_dask.root.rglob("pipespec/error.txt")]
    assert "was lost while it ran; out of memory, killed or cut off?" in error


def test_a_step_whose_worker_is_killed_fails_without_retry_and_executes_once(on_dask):
    on_dask.write("pipeline.yaml", HELD % "")
    (on_dask.root / "hold").touch()

    def kill():
        until_there(on_dask.root / "held")
        os.kill(executed(on_dask)[-1][1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    result = on_dask.result("held", **on_dask.about)
    killer.join()

    assert (result.state.value, result.error.partition(" tcp")[0]) == ("failed", "the Dask worker")
    assert on_dask.statuses("held") == ["FAILED"]
    assert [step for step, _ in executed(on_dask)] == ["numbers", "held"]


def test_a_step_over_its_time_ends_with_its_children(on_dask):
    on_dask.write("pipeline.yaml", HELD % "timeout: 1s")
    (on_dask.root / "hold").touch()

    result = on_dask.result("held", **on_dask.about)

    assert (result.state.value, result.error) == ("failed", "exceeded its timeout of 1 s")
    assert not Path(f"/proc/{(on_dask.root / 'child.txt').read_text()}/cwd").exists()


def test_ctrl_c_ends_the_work_on_the_cluster(on_dask, cluster):
    on_dask.write("pipeline.yaml", HELD % "")
    (on_dask.root / "hold").touch()
    process = start_command(on_dask, cluster.address)
    until_there(on_dask.root / "held")

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    on_dask.require_clean_processes()
    assert on_dask.statuses("held") == ["KILLED"]
    (on_dask.root / "hold").unlink()
    assert on_dask.states(**on_dask.about) == {"numbers": "reused", "held": "ran"}


def test_a_user_process_that_is_killed_takes_its_steps_on_the_cluster_along(on_dask, cluster):
    on_dask.write("pipeline.yaml", HELD % "")
    (on_dask.root / "hold").touch()
    process = start_command(on_dask, cluster.address)
    until_there(on_dask.root / "held")
    [held] = [
        line.split() for line in (on_dask.root / "executed.txt").read_text().splitlines() if "held" in line
    ]

    process.kill()
    process.communicate(timeout=60)

    until = time.monotonic() + 60
    while Path(f"/proc/{held[2]}").exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_scheduler_that_goes_away_ends_the_run_and_a_local_one_resumes_it(on_dask, tmp_path):
    (on_dask.root / "hold").touch()
    on_dask.write("pipeline.yaml", HELD % "")
    with dask_cluster(tmp_path, ()) as own:

        def kill():
            until_there(on_dask.root / "held")
            own.scheduler.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(ClusterUnavailableError) as raised:
            on_dask.run(is_alone=False, **on_cluster(own))
        killer.join()

        assert str(raised.value) == (
            f"the Dask scheduler at {own.address} went away; what was published is kept; run again to continue"
        )
        assert on_dask.statuses("held") == ["KILLED"]
        assert on_dask.query("select status from runs where status = 'RUNNING'") == []
    (on_dask.root / "hold").unlink()
    assert on_dask.states() == {"numbers": "reused", "held": "ran"}


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def scheduler(cluster):
    with Client(cluster.address, set_as_default=False) as client:
        return client.run_on_scheduler(os.getpid)


def test_a_scheduler_that_stops_for_a_moment_is_waited_for(on_dask, scheduler):
    (on_dask.root / "hold").touch()
    on_dask.write("pipeline.yaml", HELD % "")

    def stop():
        until_there(on_dask.root / "held")
        with stopped(scheduler):
            (on_dask.root / "hold").unlink()
            time.sleep(2)

    stopper = threading.Thread(target=stop)
    stopper.start()
    report = on_dask.run(**on_dask.about)
    stopper.join()

    assert states_of(report) == {"numbers": "ran", "held": "ran"}
    assert [step for step, _ in executed(on_dask)] == ["numbers", "held"]


def test_a_scheduler_that_stays_stopped_is_given_up(on_dask, cluster, scheduler, monkeypatch):
    monkeypatch.setattr(dask_executor, "_SILENCE", 3.0)
    (on_dask.root / "hold").touch()
    on_dask.write("pipeline.yaml", HELD % "")
    ended = threading.Event()

    def stop():
        until_there(on_dask.root / "held")
        with stopped(scheduler):
            assert ended.wait(60)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(ClusterUnavailableError) as raised:
        on_dask.run(is_alone=False, **on_dask.about)
    ended.set()
    stopper.join()

    assert str(raised.value) == (
        f"the Dask scheduler at {cluster.address} has not answered for 3 s; what was published is kept; run again to continue"
    )
    assert on_dask.statuses("held") == ["KILLED"]
    assert on_dask.query("select status from runs where status = 'RUNNING'") == []
    # Once it goes on, the step that a worker still executes is ended.
    child = Path("/proc", (on_dask.root / "child.txt").read_text())
    until = time.monotonic() + 60
    while child.exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_run_does_not_begin_on_a_scheduler_that_stops_before_workers_are_told(
    on_dask, cluster, scheduler, monkeypatch
):
    on_dask.write("pipeline.yaml", SUMS)
    monkeypatch.setattr(open_dask, "_ANSWER_LIMIT", 1.0)
    monkeypatch.setattr(open_dask, "_TOLD_LIMIT", 1.0)
    with contextlib.ExitStack() as stack:
        tell = open_dask._tell

        def tell_stopped(*about, **more):
            stack.enter_context(stopped(scheduler))
            tell(*about, **more)

        monkeypatch.setattr(open_dask, "_tell", tell_stopped)
        with pytest.raises(ClusterUnavailableError) as raised:
            on_dask.run(**on_dask.about)

    assert str(raised.value) == (
        f"no worker of the Dask cluster at {cluster.address} has answered for 1 s; nothing was run, repeat the command once they do"
    )
    assert on_dask.query("select * from runs") == []


@contextlib.contextmanager
def nobody():
    yield "tcp://127.0.0.1:9"


@contextlib.contextmanager
def silence():
    """What takes connections and says nothing, as a scheduler that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as taking:
        yield f"tcp://127.0.0.1:{taking.getsockname()[1]}"


@pytest.mark.parametrize(
    ("place", "why"), [(nobody, ""), (silence, "it accepted the connection, but sent nothing for ")]
)
def test_a_cluster_that_is_not_there_is_said_in_one_line_within_ten_seconds(on_dask, place, why):
    on_dask.write("pipeline.yaml", SUMS)
    with place() as address:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pipespec", "run", "pipeline.yaml", "--dask", address],
            cwd=on_dask.root,
            capture_output=True,
            text=True,
            timeout=60,
        )
        took = time.monotonic() - began

    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: the Dask scheduler at {address} does not answer ({why}")
    assert line.endswith("); nothing was run, repeat the command once it does")
    assert took < 20  # of which Dask has 8
    assert on_dask.query("select * from runs") == []


def test_a_service_that_is_no_scheduler_is_said_to_be_none(on_dask):
    on_dask.write("pipeline.yaml", SUMS)
    with socketserver.TCPServer(("127.0.0.1", 0), _Web) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        address = f"tcp://127.0.0.1:{web.server_address[1]}"

        with pytest.raises(ClusterUnavailableError) as raised:
            on_dask.run(**{**on_dask.about, "cluster": ClusterSpec(address)})

        web.shutdown()
    assert str(raised.value) == (
        f"what answers at {address} is no Dask scheduler; nothing was run, check the port, which is often 8786"
    )


class _Web(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(100)
        self.request.sendall(b"HTTP/1.0 400 Bad request syntax\r\nConnection: close\r\n\r\n")


def test_a_run_begins_without_a_worker_that_hangs(engine, tmp_path):
    engine.write("steps.py", STEPS)
    engine.write("pipeline.yaml", SUMS)
    with dask_cluster(tmp_path, (), ()) as own:
        with Client(own.address, set_as_default=False) as client:
            worker, pid = next(iter(client.run(os.getpid).items()))
        os.kill(pid, signal.SIGSTOP)
        try:
            done, said = start_command(engine, tmp_path / "scheduler.json").communicate(timeout=120)
        finally:
            os.kill(pid, signal.SIGCONT)

    assert done.startswith("8 ran, 0 reused, 0 failed, 0 blocked"), said
    assert f"Dask worker {worker} is not used: it has not answered for 10 s" in said
    assert len({worker for _, worker in executed(engine)}) == 1


def test_resources_that_no_worker_offers_are_said_at_once(on_dask, cluster):
    on_dask.write("pipeline.yaml", HELD % "resources: {GPU: 2, memory: 2GB}")

    with pytest.raises(UsageError) as raised:
        on_dask.run(**on_dask.about)

    assert str(raised.value) == (
        "step 'held' needs 2 of resource 'GPU', 2GB of resource 'memory', which no worker of the Dask cluster at"
        f" {cluster.address} offers; start one with: dask worker {cluster.address} --resources 'GPU=2 memory=2000000000'"
    )
    assert on_dask.query("select * from runs") == []


def test_a_step_runs_on_the_worker_that_has_its_resources(on_dask):
    on_dask.write(
        "pipeline.yaml", SUMS.replace("    matrix:", "    resources: {GPU: 1, memory: 4GB}\n    matrix:")
    )

    assert set(on_dask.states(resources={"memory": 1}, **on_dask.about).values()) == {"ran"}

    assert len({worker for step, worker in executed(on_dask) if step.startswith("squares")}) == 1


def test_a_total_of_the_run_counts_on_the_cluster_too(on_dask):
    on_dask.write("pipeline.yaml", HELD % "resources: {database: 1}")

    assert on_dask.states(resources={"database": 1}, **on_dask.about) == {"numbers": "ran", "held": "ran"}


def test_workers_with_other_packages_are_refused(on_dask, cluster):
    on_dask.write("pipeline.yaml", HELD % "identity: {packages: [click]}")
    plan = on_dask.plan()
    plan = replace(plan, facts=replace(plan.facts, packages={"click": "0.1"}))

    with pytest.raises(UsageError) as raised:
        on_dask.run(plan=plan, **on_dask.about)

    head, _, tail = str(raised.value).partition(": tcp://")
    assert head == f"no worker of the Dask cluster at {cluster.address} can run the steps"
    assert tail.endswith(", and this run 0.1: pip install click==0.1")


def test_a_package_that_the_worker_lacks_is_said_with_the_worker(on_dask):
    on_dask.write(
        "pipeline.yaml",
        "pipespec: 1\nname: lacking\nsteps: {lacking: {call: 'steps:lacking', outputs: {x: x.json}}}\n",
    )

    error = on_dask.result("lacking", **on_dask.about).error

    assert error.startswith("ModuleNotFoundError: No module named 'not_there_at_all'")
    assert error.endswith(": install what is missing there")


def test_values_that_cannot_be_saved_or_do_not_fit_fail_their_steps_and_not_the_worker(on_dask, cluster):
    """A function is sent by its name, and values are files: neither has to go through a pickle or through Dask's memory."""
    on_dask.write("steps.py", STEPS + ODD)
    on_dask.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: odd
        engine: {limit_memory: true}
        steps:
          unsaved: {call: 'steps:unsaved', outputs: {x: x.joblib}}
          huge: {call: 'steps:huge', resources: {memory: 300MB}, outputs: {x: x.joblib}}
          killed: {call: 'steps:killed', outputs: {x: x.json}}
          inner: {call: 'steps:Outer.inner', outputs: {x: x.json}}
        """,
    )
    with Client(cluster.address, set_as_default=False) as client:
        before = client.run(os.getpid)
        results = {result.step: result for result in on_dask.run(keep_going=True, **on_dask.about).steps}
        assert client.run(os.getpid) == before

    assert results["inner"].state.value == "ran"
    assert "'x'" in results["unsaved"].error
    assert "lock" in results["unsaved"].error
    assert results["huge"].error.startswith("exceeded its memory of 300MB (")
    assert results["killed"].error == "was killed by signal 9 (SIGKILL); out of memory?"


def test_hundreds_of_steps_are_under_way_without_a_thread_or_a_process_each(on_dask):
    values = json.dumps(list(range(150)))
    on_dask.write(
        "pipeline.yaml",
        f"pipespec: 1\nname: many\nsteps: {{short: {{call: 'steps:short', matrix: {{k: {values}}}, outputs: {{k: k.json}}}}}}\n",
    )
    threads = []
    on_dask.told.tick = lambda: threads.append((threading.active_count(), len(children())))
    before, processes = threading.active_count(), len(children())

    report = on_dask.run(cluster_places=150, **on_dask.about)

    assert [result.state.value for result in report.steps] == ["ran"] * 150
    assert max(count for count, _ in threads) - before <= 12
    assert max(count for _, count in threads) == processes


def children():
    found = []
    with contextlib.suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            found += (task / "children").read_text().split()
    return found


SCRIPT = """
import pipespec

with open("begun.txt", "a") as file:
    file.write("begun\\n")
report = pipespec.load("pipeline.yaml").run(executor="dask", workers=2, progress=False)
print(sorted(step.state.value for step in report.steps), __file__.endswith("script.py"))
"""


def test_a_step_begins_while_the_one_before_it_still_ends(on_dask):
    """Both workers have one thread, and the processes of both first steps stop after they have said that they are done."""
    on_dask.write("pipeline.yaml", ENDING)

    report = on_dask.run(**on_dask.about)

    assert states_of(report) == {"ending[k=1]": "ran", "ending[k=2]": "ran", "freeing": "ran"}


def test_a_script_starts_a_cluster_for_its_run_without_being_run_by_the_workers(engine):
    engine.write("steps.py", STEPS)
    of_machine = "resources: {gpu: 1, memory: 1MB}, params: {count: 5}"
    engine.write("pipeline.yaml", SUMS.replace("params: {count: 5}", of_machine))
    engine.write("script.py", SCRIPT)

    done = subprocess.run(
        [sys.executable, "script.py"], cwd=engine.root, capture_output=True, text=True, timeout=200
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{['ran'] * 8} True\n"
    assert (engine.root / "begun.txt").read_text() == "begun\n"
    assert len({worker for _, worker in executed(engine)}) == 2
    engine.require_clean()


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (
            ClusterSpec(call="no_such_package:Cluster"),
            "'engine.cluster.class' is 'no_such_package:Cluster', but there is no module 'no_such_package': pip install no-such-package",
        ),
        (
            ClusterSpec(call="dask.distributed:Clutser"),
            "'engine.cluster.class' is 'dask.distributed:Clutser', but module 'dask.distributed' has no 'Clutser'",
        ),
        (
            ClusterSpec(arguments={"workers": 2}),
            "'engine.cluster': 'dask.distributed:LocalCluster' does not take its arguments: ",
        ),
        (ClusterSpec("http//nowhere"), "http//nowhere is no address of a scheduler: "),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(engine, cluster, said):
    engine.write("steps.py", STEPS)
    engine.write("pipeline.yaml", SUMS)

    with pytest.raises((UsageError, ClusterUnavailableError)) as raised:
        engine.run(executor="dask", open_cluster=opened_dask, cluster=cluster)

    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)

"""Steps that misbehave, executed as any user's step is: each fails alone, and leaves nothing."""

from __future__ import annotations

import secrets
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

MODULE = """
import os, sys, time, signal, threading, subprocess, ctypes, multiprocessing
from pathlib import Path

def well(x):
    return x

def neighbour(until: str):
    # Executes for as long as any of the beasts does.
    Path(until + ".begun").touch()
    end = time.monotonic() + 120
    while not Path(until).exists():
        assert time.monotonic() < end
        time.sleep(0.005)
    return 1

def square(x):
    return x * x
"""


def run(engine, beasts, more="", workers=3, **about):
    """Run all these bodies as steps, beside an innocent one, and return what became of each."""
    until = engine.root / secrets.token_hex(4)  # a param of the innocent one, which so runs each time
    module, lines = MODULE, ["pipespec: 1", "name: zoo", "steps:"]
    for number, body in enumerate(beasts):
        module += f"\ndef beast{number}():\n" + textwrap.indent(textwrap.dedent(body), "    ")
        lines.append(f"  beast{number}: {{call: 'zoo:beast{number}', outputs: {{o: o.json}}{more}}}")
        lines.append(
            f"  below{number}: {{call: 'zoo:well', inputs: {{x: beast{number}}}, outputs: {{o: o.json}}}}"
        )
    lines.append(
        f"  neighbour: {{call: 'zoo:neighbour', params: {{until: {until}}}, outputs: {{o: o.json}}, priority: 1}}"
    )
    lines.append("  last: {call: 'zoo:well', params: {x: 1}, outputs: {o: o.json}, priority: -1}")
    engine.write("zoo.py", module)
    engine.write("pipeline.yaml", "\n".join(lines))
    waiting = {f"beast{number}" for number in range(len(beasts))}
    told = engine.told.ended

    def ended(result):
        told(result)
        waiting.discard(result.step)
        if not waiting:
            until.touch()

    engine.told.ended = ended
    results = {result.step: result for result in engine.run(workers=workers, keep_going=True, **about).steps}
    engine.told.ended = told
    return results


class Zoo:
    """The outcomes of one run, by the body of each beast."""

    def __init__(self, engine, bodies, **about):
        self.engine, self._names = engine, {body: f"beast{n}" for n, body in enumerate(bodies)}
        self.results = run(engine, list(bodies), **about)

    def __getitem__(self, body):
        return self.results[self._names[body]]

    def below(self, body):
        return self.results[self._names[body].replace("beast", "below")]

    def statuses(self, body):
        return self.engine.statuses(self._names[body])

    def innocent(self):
        return [(self.results[step].state.value, self.results[step].error) for step in ("neighbour", "last")]


WELL = [("ran", None), ("ran", None)]

FAILURES = {
    "os._exit(0)": "exited without a result",
    "os._exit(3)": "exited with code 3",
    "sys.exit(0)": "the function called sys.exit(0) instead of returning",
    "raise SystemExit('no')": "the function called sys.exit('no') instead of returning",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "ctypes.string_at(0)": "was killed by signal 11 (SIGSEGV)",
    "os.abort()": "was killed by signal 6 (SIGABRT)",
    "os.kill(os.getpid(), 9)": "was killed by signal 9 (SIGKILL); out of memory?",
    "os.killpg(0, 15)": "was killed by signal 15 (SIGTERM)",
    "os.kill(os.getpid(), 2); time.sleep(60)": "KeyboardInterrupt",
    "threading.Timer(0.05, os._exit, (0,)).start(); time.sleep(60)": "exited without a result",
    "return lambda: 1": None,
    "return None": None,
}


@pytest.fixture(scope="module")
def failures(shared_engine):
    return Zoo(shared_engine, FAILURES)


@pytest.mark.parametrize("body", FAILURES)
def test_a_step_that_ends_badly_fails_alone(failures, body):
    beast = failures[body]

    assert beast.state == "failed"
    if FAILURES[body] is not None:
        assert beast.error == FAILURES[body]
    assert failures.statuses(body) == ["FAILED"]
    assert failures.below(body).state == "blocked"
    assert failures.innocent() in (WELL, [("ran", None), ("reused", None)])


def test_a_crash_leaves_its_stack_in_the_log(failures):
    assert "Segmentation fault" in Path(failures["ctypes.string_at(0)"].log).read_text()


HANGS = {
    "in Python": "while True: time.sleep(0.01)",
    "in C, with the lock of the interpreter": "ctypes.PyDLL(None).sleep(3600)",
    "ignoring SIGTERM": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)",
    "in a child": "subprocess.run(['sleep', '3600'])",
    "in a child that ignores SIGTERM": "subprocess.run(['sh', '-c', \"trap '' TERM; sleep 3600\"])",
    "stopped": "os.kill(os.getpid(), signal.SIGSTOP)",
    "surviving SIGTERM and returning": "signal.signal(signal.SIGTERM, lambda *_: None); time.sleep(1); time.sleep(0.2)",
}


@pytest.fixture(scope="module")
def hangs(shared_engine):
    return Zoo(shared_engine, HANGS.values(), more=", timeout: 0.5s", grace=0.5)


@pytest.mark.parametrize("hang", HANGS)
def test_a_hang_ends_at_the_timeout(hangs, hang):
    beast = hangs[HANGS[hang]]

    assert (beast.state, beast.error) == ("failed", "exceeded its timeout of 0.5 s")
    assert hangs.statuses(HANGS[hang])[-1] == "FAILED"
    assert hangs.innocent() in (WELL, [("ran", None), ("reused", None)])  # another zoo may have run 'last'


LEFT = {
    "a child": "subprocess.Popen(['sleep', '3600'])",
    "a child with its stdout": "subprocess.Popen(['sh', '-c', 'while :; do echo more; sleep 1; done'])",
    "a child in a session of its own": "subprocess.Popen(['sleep', '3600'], start_new_session=True)",
    "a daemon": "os.fork() or (os.setsid(), os.fork() and os._exit(0), time.sleep(3600))",
    "a child of multiprocessing": "multiprocessing.Process(target=time.sleep, args=(3600,)).start()",
    "a thread": "threading.Thread(target=time.sleep, args=(3600,)).start()",
    "a clean-up that hangs": "import atexit; atexit.register(time.sleep, 3600)",
}


@pytest.fixture(scope="module")
def left(shared_engine):
    return Zoo(shared_engine, [f"{body}\nreturn 1" for body in LEFT.values()])


@pytest.mark.parametrize("what", LEFT)
def test_what_a_step_leaves_running_neither_delays_it_nor_survives_it(left, what):
    beast = left[f"{LEFT[what]}\nreturn 1"]

    assert (beast.state, beast.error) == ("ran", None)
    assert left.below(f"{LEFT[what]}\nreturn 1").state == "ran"
    assert left.engine.processes() == []


WORKS = {
    "fifty megabytes of prints": "for _ in range(50): print('x' * (1 << 20))",
    "bytes that are no text": "os.write(1, bytes(range(256)) * 100)",
    "no standard streams": "for fd in range(3): os.close(fd)",
    "another directory": "os.chdir('/'); os.umask(0o777)",
    "no environment": "os.environ.clear()",
    "a fork that returns": "os.fork()",
    "multiprocessing by fork": "multiprocessing.get_context('fork').Pool(2).map(square, range(4))",
    "multiprocessing by spawn": "multiprocessing.get_context('spawn').Pool(2).map(square, range(4))",
    "multiprocessing by forkserver": "multiprocessing.get_context('forkserver').Pool(2).map(square, range(4))",
    "joblib": "import joblib; joblib.Parallel(n_jobs=2)(joblib.delayed(square)(i) for i in range(4))",
    "an empty signal mask and other handlers": "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
}


@pytest.fixture(scope="module")
def works(shared_engine):
    return Zoo(shared_engine, [f"{body}\nreturn 1" for body in WORKS.values()])


@pytest.mark.parametrize("what", WORKS)
def test_what_a_step_may_well_do_works_and_troubles_nobody(works, what):
    beast = works[f"{WORKS[what]}\nreturn 1"]

    assert (beast.state, beast.error) == ("ran", None)
    assert works.innocent()[1] == ("reused", None)


def test_where_the_template_is_killed_what_runs_is_lost_and_the_rest_goes_on(engine):
    found = Zoo(engine, ["os.kill(os.getppid(), 9); time.sleep(60)"], workers=2)

    lost = found["os.kill(os.getppid(), 9); time.sleep(60)"]
    assert "the process from which steps are forked ended with code -9" in lost.error
    assert [state for state, _ in found.innocent()] == ["failed", "ran"]


def test_a_step_that_removes_our_folder_fails_with_those_beside_it_and_the_rest_goes_on(engine):
    erase = (
        "while not list(Path().glob('*.begun')): time.sleep(0.005)\nimport shutil; shutil.rmtree('.pipespec')"
    )
    found = Zoo(engine, [erase], workers=2)

    (neighbour, last), beast = found.innocent(), found[erase]
    for state, error in (neighbour, (beast.state.value, beast.error)):
        assert state == "failed"
        assert error.startswith(f"its folder '{engine.root}/.pipespec/staging/")
        assert error.endswith(
            "' was deleted while it ran, by this step or one beside it; steps must leave '.pipespec' alone"
        )
    assert last == ("ran", None)
    assert found.statuses(erase) == ["FAILED"]
    assert engine.query("select count(*) from runs where status = 'RUNNING'") == [(0,)]
    assert list((engine.root / ".pipespec" / "staging").iterdir()) == []

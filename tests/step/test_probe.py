import pickle
import textwrap

import pytest

from pipespec.step.questions.probes import ProbeFailedError, ProbeProblem, ProbeRequest, run_probes

PROBES = """
import os, sys, time
from datetime import date

print("printed at import")

def count(database):
    print("printed", flush=True)
    os.write(1, b"{}\\n")
    return {"rows": len(database), "cwd": os.getcwd()}

def newest(since: date, **rest):
    return [since.year, sorted(rest)]

def nothing():
    return None

def broken(n=1):
    return n / 0

def secretive(url):
    if "yes" in url:
        return len(url)
    raise ValueError("no access to " + url)

def huge():
    return "x" * 70_000

def nan():
    return float("nan")

def odd():
    return object()

def die(code=3):
    print("last words of", os.environ.get("TOKEN"), flush=True)
    os._exit(code)

def crash():
    import ctypes
    ctypes.string_at(0)

def hang():
    time.sleep(600)

def leave():
    sys.exit("bye")

def linger():
    import subprocess, threading
    subprocess.Popen(["sleep", "600"])
    threading.Thread(target=time.sleep, args=(600,)).start()
    if os.fork() == 0:
        time.sleep(0)
    os.chdir("/")
    return 1

def typed(n: int):
    return n
"""


@pytest.fixture
def ask(tmp_path):
    (tmp_path / "probes.py").write_text(textwrap.dedent(PROBES))

    def run(*requests, timeout=60.0):
        made = [
            ProbeRequest(f"step{n}", f"probes:{name}", params) for n, (name, params) in enumerate(requests)
        ]
        return run_probes(made, module_folders=(str(tmp_path),), root=str(tmp_path), timeout=timeout)

    return run


def problems(ask, *requests, **options):
    with pytest.raises(ProbeFailedError) as failed:
        ask(*requests, **options)
    return failed.value


def test_probes_answer_by_step_whatever_they_print(ask, tmp_path):
    params = {"database": "sqlite:///x", "since": "2021-10-01", "extra": 1}

    assert ask(("count", params), ("newest", params), ("nothing", {}), ("count", {"database": ""})) == {
        "step0": {"rows": 11, "cwd": str(tmp_path)},
        "step1": [2021, ["database", "extra"]],
        "step2": None,
        "step3": {"rows": 0, "cwd": str(tmp_path)},
    }


def test_no_probes_start_no_process(tmp_path):
    assert run_probes([], module_folders=(), root="/absent", timeout=0) == {}


def test_every_probe_that_fails_is_named_with_its_traceback(ask, tmp_path):
    error = problems(
        ask, ("broken", {}), ("count", {"database": ""}), ("absent", {}), ("count", {}), ("typed", {"n": "1"})
    )

    assert [(problem.step, problem.probe, problem.message) for problem in error.problems] == [
        ("step0", "probes:broken", "ZeroDivisionError: division by zero"),
        ("step2", "probes:absent", f"'probes:absent' is not in '{tmp_path}/probes.py': there is no 'absent'"),
        ("step3", "probes:count", "there is no value for 'database', which the function requires"),
        ("step4", "probes:typed", "param 'n' is '1', which does not fit 'int'"),
    ]
    line = PROBES[: PROBES.index("return n / 0")].count("\n") + 1
    assert error.problems[0].traceback == (
        f'Traceback (most recent call last):\n  File "{tmp_path}/probes.py", line {line}, in broken\n    return n / 0\n'
        "ZeroDivisionError: division by zero"
    )
    assert (
        str(error)
        == "step 'step0': its probe 'probes:broken' failed: ZeroDivisionError: division by zero (and 3 more)"
    )
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("huge", "its answer has 70002 characters, more than 65536; return a digest instead"),
        (
            "nan",
            "its answer cannot be part of a key: the value is nan, which JSON does not support; remove it or return null",
        ),
        ("odd", "its answer cannot be part of a key: the value is a 'object', which is not a JSON value"),
        ("leave", "the function called sys.exit('bye') instead of returning"),
    ],
)
def test_an_answer_is_json_of_bounded_size(ask, name, message):
    assert [problem.message for problem in problems(ask, (name, {})).problems] == [message]


def test_a_process_that_dies_blames_the_probe_it_died_in(ask, monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cret-token")
    error = problems(ask, ("count", {"database": "${secret:TOKEN}"}), ("die", {}), ("nothing", {}))

    assert error.problems == (
        ProbeProblem(
            "step1",
            "probes:die",
            "its process ended with exit code 3",
            "printed at import\nprinted\n{}\nlast words of ${secret:TOKEN}",
        ),
    )


def test_a_crash_leaves_its_signal(ask):
    assert [problem.message for problem in problems(ask, ("crash", {})).problems] == [
        "its process was killed by signal 11"
    ]


def test_a_probe_that_hangs_is_ended(ask):
    error = problems(ask, ("nothing", {}), ("hang", {}), timeout=6)

    assert [(problem.step, problem.message) for problem in error.problems] == [
        ("step1", "it took longer than 6 seconds")
    ]


def test_what_a_probe_leaves_behind_does_not_keep_the_plan(ask, tmp_path):
    assert ask(("linger", {}), ("count", {"database": ""}), timeout=30) == {
        "step0": 1,
        "step1": {"rows": 0, "cwd": str(tmp_path)},
    }


def test_secrets_are_filled_in_and_not_told(ask, monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cret-token")

    assert ask(("secretive", {"url": "yes ${secret:TOKEN}"})) == {"step0": 16}
    error = problems(
        ask, ("secretive", {"url": "${secret:TOKEN}"}), ("secretive", {"url": "${secret:ABSENT}"})
    )
    assert [problem.message for problem in error.problems] == [
        "ValueError: no access to ${secret:TOKEN}",
        "not set in the environment of the step: 'ABSENT'",
    ]
    assert "s3cret" not in repr(error.problems)


def test_the_error_survives_pickling(ask):
    error = problems(ask, ("broken", {}))

    assert pickle.loads(pickle.dumps(error)).problems == error.problems

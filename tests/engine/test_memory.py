"""Memory as a resource: steps run together only while the sum fits, and may be held to what they declare."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipespec.engine.places.machine_memory import machine_memory
from pipespec.errors import UsageError

GIB = 1 << 30

SUMS = """
import fcntl, os, subprocess, sys, time
from pathlib import Path

def counted(k: int, size: int) -> int:
    # The sum of what executes at a time, kept in a file under a lock.
    def add(amount):
        with open("used.txt", "a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            used = int(file.read() or 0) + amount
            file.truncate(0)
            file.write(str(used))
            with open("sums.txt", "a") as sums:
                print(used, file=sums)
    add(size)
    until = time.monotonic() + 60
    # Each waits until another one came, unless it has the memory alone.
    while size < 3 and len(Path("sums.txt").read_text().split()) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    add(-size)
    return k
"""


def test_steps_execute_together_while_their_memory_fits(engine):
    engine.write("steps.py", SUMS)
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: sums
        steps:
          small: {call: 'steps:counted', matrix: {k: [1, 2, 3, 4]}, params: {size: 2}, resources: {memory: 2GiB}, outputs: {k: k.json}}
          large: {call: 'steps:counted', matrix: {k: [5, 6]}, params: {size: 3}, resources: {memory: 3GiB}, outputs: {k: k.json}}
        """,
    )

    states = engine.states(workers=6, resources={"memory": 4 * GIB})

    assert set(states.values()) == {"ran"}
    sums = [int(line) for line in (engine.root / "sums.txt").read_text().split()]
    assert max(sums) == 4
    assert len(sums) == 12


def test_without_a_total_there_is_as_much_as_the_machine_has(engine):
    engine.write("steps.py", "def f() -> int:\n    return 1\n")
    engine.write("pipeline.yaml", ONE % ("f", "2GiB", ""))

    with pytest.raises(UsageError) as raised:
        engine.run(machine={"memory": GIB})
    assert str(raised.value) == "step 'a' needs 2GiB of resource 'memory', but the total is 1GiB"
    assert engine.states(machine={"memory": 2 * GIB}) == {"a": "ran"}


ONE = """\
pipespec: 1
name: one
steps: {a: {call: 'steps:%s', resources: {memory: %s}, outputs: {o: o.json}%s}}
"""

HUNGRY = """
import subprocess, sys

TAKE = "taken = bytearray(600 << 20)"

def direct() -> int:
    exec(TAKE)
    return 1

def wrapped() -> int:
    try:
        exec(TAKE)
    except MemoryError as error:
        raise RuntimeError("the model does not fit") from error
    return 1

def program() -> int:
    subprocess.run([sys.executable, "-c", TAKE], check=True, capture_output=True)
    return 1

def crashing() -> int:
    import ctypes
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    place = libc.malloc(600 << 20)
    ctypes.memset(place or 0, 1, 600 << 20)
    return 1

def modest() -> int:
    taken = bytearray(200 << 20)
    return len(taken) >> 20
"""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux refuses memory that is reserved")


@linux_only
@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("direct", "exceeded its memory of 500MiB (MemoryError)"),
        ("wrapped", "exceeded its memory of 500MiB (RuntimeError: the model does not fit)"),
        ("crashing", "was killed by signal 11 (SIGSEGV); its memory was limited to 500MiB"),
    ],
)
def test_a_step_that_exceeds_its_memory_fails_and_says_so(engine, function, error):
    engine.write("steps.py", HUNGRY)
    engine.write("pipeline.yaml", ONE % (function, "500MiB", ", engine: {limit_memory: true}"))

    result = engine.result("a", resources={"memory": GIB})

    assert (result.state.value, result.error) == ("failed", error)


@linux_only
def test_a_program_that_a_step_starts_has_the_limit_too(engine):
    engine.write("steps.py", HUNGRY)
    engine.write("pipeline.yaml", ONE % ("program", "500MiB", ", engine: {limit_memory: true}"))

    error = engine.result("a", resources={"memory": GIB}).error

    assert error.endswith("ended with exit code 1: MemoryError")


@linux_only
@pytest.mark.parametrize(
    ("function", "size", "more"),
    [
        ("direct", "500MiB", ""),
        ("direct", "500MiB", ", engine: {limit_memory: false}"),
        ("direct", "1GiB", ", engine: {limit_memory: true}"),
        ("modest", "500MiB", ", engine: {limit_memory: true}"),
    ],
)
def test_a_step_within_its_memory_or_without_a_limit_runs(engine, function, size, more):
    engine.write("steps.py", HUNGRY)
    engine.write("pipeline.yaml", ONE % (function, size, more))

    assert engine.states(resources={"memory": GIB}) == {"a": "ran"}


@linux_only
def test_the_limit_of_the_pipeline_is_that_of_steps_that_do_not_say(engine):
    engine.write("steps.py", HUNGRY)
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: one
        engine: {limit_memory: true}
        steps:
          held: {call: 'steps:direct', resources: {memory: 500MiB}, outputs: {o: o.json}}
          free: {call: 'steps:direct', resources: {memory: 500MiB}, engine: {limit_memory: false}, outputs: {o: o.json}}
          open: {call: 'steps:direct', outputs: {o: o.json}}
        """,
    )

    assert engine.states(resources={"memory": GIB}, keep_going=True) == {
        "held": "failed",
        "free": "ran",
        "open": "ran",
    }


@linux_only
def test_a_machine_has_the_memory_of_its_kernel_at_most():
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024

    assert 0 < machine_memory() <= total

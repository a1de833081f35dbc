"""Ctrl-C at any moment, again and again: the command ends soon, leaves no process, and its records are sound.

Four times in CI, a hundred times with `PIPESPEC_FAULTS=all`; `PIPESPEC_FAULTS_SEED` draws other moments.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from fault_judge import PIPELINE, with_steps

pytestmark = pytest.mark.faults

TIMES = 100 if os.environ.get("PIPESPEC_FAULTS") == "all" else 4
SOON = 7.0
"""The grace of 5 s that a step has, and two more."""
LATEST = 3.0
"""Seconds from the start to the last moment at which it may come."""


def processes_with(mark):
    """The processes that inherited a variable, but for those that only wait to be reaped."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environment.read_bytes():
                found.append(environment.parent.name)
        except OSError:
            continue
    return found


def test_a_command_that_is_interrupted_ends_soon_and_leaves_nothing(empty_project):
    chance = random.Random(int(os.environ.get("PIPESPEC_FAULTS_SEED", "5")))
    project = with_steps(empty_project)
    project.edit("steps.py", "import os\n", "import os, time\n")
    project.edit("steps.py", '    note("second")\n', '    note("second")\n    time.sleep(1)\n')
    seconds, wrong = [], []
    for number in range(TIMES):
        project.write("pipeline.yaml", PIPELINE.replace("{count: 3}", f"{{count: {number + 10}}}"))
        mark = f"INTERRUPTED_OFTEN={os.getpid()}-{number}"
        process = project.start("run", "pipeline.yaml", **dict([mark.split("=")]))
        time.sleep(chance.uniform(0.3, LATEST))  # the moment is the point of the test
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        seconds.append(time.monotonic() - began)
        # Python itself is interrupted before the command begins, and after it has ended.
        is_python_itself = process.returncode == -signal.SIGINT and ("start " not in err or "[3/3]" in err)
        if not is_python_itself and (process.returncode not in (0, 130) or "Traceback" in err):
            wrong.append((number, process.returncode, err))
        if left := processes_with(mark):
            wrong.append((number, "left", left))

    print(f"{TIMES} interrupted; the slowest ended in {max(seconds):.1f} s")
    assert wrong == [], wrong
    assert max(seconds) < SOON
    project.write("pipeline.yaml", PIPELINE)
    project.run("--force", "*")
    assert project.query("select count(*) from runs where status = 'RUNNING'") == [(0,)]

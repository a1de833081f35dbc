"""Many invocations of one pipeline at the same moment, on one host: each step executes once, and is published once.

`PIPESPEC_FAULTS=all` starts 32 of them, CI 8.
"""

import json
import os
from collections import Counter

import pytest
from tests.conftest import new_project

pytestmark = pytest.mark.faults

IS_WHOLE = os.environ.get("PIPESPEC_FAULTS") == "all"
INVOCATIONS = 32 if IS_WHOLE else 8
STEPS = 12

CODE = """
import os, time


def note(line):
    path = os.path.join(os.path.dirname(__file__), "executions.txt")
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{line}\\n".encode())
    os.close(file)


def made(number: int, before: int = 0) -> int:
    note(f"START {number}")
    time.sleep(0.05)
    note(f"END {number}")
    return number + before
"""


def pipeline(tracking):
    """A fan of steps, each with one below it."""
    lines = ["pipespec: 1", "name: many", *tracking, "steps:"]
    for number in range(STEPS // 2):
        lines.append(
            f"  a{number}: {{call: 'steps:made', params: {{number: {number}}}, outputs: {{a: a.json}}}}"
        )
        lines.append(
            f"  b{number}: {{call: 'steps:made', inputs: {{before: a{number}}}, params: {{number: {number + 100}}},"
            " outputs: {b: b.json}}"
        )
    return "\n".join(lines) + "\n"


def test_each_step_executes_once_and_is_published_once(tmp_path):
    project = new_project(tmp_path / "project")
    project.write("steps.py", CODE)
    project.write("pipeline.yaml", pipeline([]))

    running = [
        project.start("run", "pipeline.yaml", "-j", "2", "--format", "json") for _ in range(INVOCATIONS)
    ]
    ended = [(*process.communicate(timeout=900), process.returncode) for process in running]

    assert [code for _, _, code in ended] == [0] * INVOCATIONS, [err for _, err, code in ended if code]
    counted = Counter((project.folder / "executions.txt").read_text().splitlines())
    assert counted == {
        f"{word} {number + more}": 1
        for word in ("START", "END")
        for number in range(STEPS // 2)
        for more in (0, 100)
    }
    told = Counter(step["state"] for out, _, _ in ended for step in json.loads(out)["steps"])
    assert told == {"ran": STEPS, "reused": (INVOCATIONS - 1) * STEPS}
    of_steps = "SELECT status, count(*) FROM runs JOIN tags t USING (run_uuid) WHERE t.key = 'pipespec.step' GROUP BY 1"
    assert project.query(of_steps) == [("FINISHED", STEPS)]
    assert project.query("SELECT count(*) FROM runs WHERE status = 'RUNNING'") == [(0,)]

"""Many invocations of one pipeline at the same moment, on one host and on two: each step executes once, and is published once.

`PIPESPEC_FAULTS=all` starts 32 of them on one host and 16 on each of two, CI 8 and 3.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from many_steps import CODE, noted_name, noted_once, pipeline
from soak_hosts import namespace_command
from tests.conftest import new_project

pytestmark = pytest.mark.faults

IS_WHOLE = os.environ.get("PIPESPEC_FAULTS") == "all"
INVOCATIONS, ON_EACH_HOST = (32, 16) if IS_WHOLE else (8, 3)
STEPS = 12
STEPS_ON_TWO = 12 if IS_WHOLE else 4


def test_each_step_executes_once_and_is_published_once(tmp_path):
    project = new_project(tmp_path / "project")
    project.write("steps.py", CODE)
    project.write("pipeline.yaml", pipeline([], STEPS))

    running = [
        project.start("run", "pipeline.yaml", "-j", "2", "--format", "json") for _ in range(INVOCATIONS)
    ]
    ended = [(*process.communicate(timeout=900), process.returncode) for process in running]

    assert [code for _, _, code in ended] == [0] * INVOCATIONS, [err for _, err, code in ended if code]
    assert Counter((project.folder / "executions.txt").read_text().splitlines()) == noted_once(STEPS)
    told = Counter(step["state"] for out, _, _ in ended for step in json.loads(out)["steps"])
    assert told == {"ran": STEPS, "reused": (INVOCATIONS - 1) * STEPS}
    of_steps = "SELECT status, count(*) FROM runs JOIN tags t USING (run_uuid) WHERE t.key = 'pipespec.step' GROUP BY 1"
    assert project.query(of_steps) == [("FINISHED", STEPS)]
    assert project.query("SELECT count(*) FROM runs WHERE status = 'RUNNING'") == [(0,)]


@pytest.mark.skipif(namespace_command() is None, reason="network namespaces may not be made here")
def test_on_two_hosts_each_step_executes_once_but_for_lost_leases_and_is_published_once(tmp_path):
    script = Path(__file__).with_name("many_on_two_hosts.py")
    arguments = [str(tmp_path / "hosts"), str(ON_EACH_HOST), str(STEPS_ON_TWO)]
    done = subprocess.run(
        [*namespace_command(), sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=2000,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    print(done.stdout)

    invocations = 2 * ON_EACH_HOST
    assert found["codes"] == {"0": invocations}, found["failed"]
    assert found["failed"] == []
    lost = {noted_name(name): count for name, count in found["lost"].items()}
    for line, once in noted_once(STEPS_ON_TWO).items():
        assert once <= found["noted"][line] <= once + lost.get(line.split()[1], 0), found
    assert found["noted"].keys() == noted_once(STEPS_ON_TWO).keys()
    assert found["told"] == [STEPS_ON_TWO, (invocations - 1) * STEPS_ON_TWO]
    names = [f"{kind}{number}" for kind in "ab" for number in range(STEPS_ON_TWO // 2)]
    finished = [run for run in found["runs"] if run[1] == "FINISHED"]
    assert finished == [[name, "FINISHED", 1] for name in sorted(names)]
    assert found["running"] == 0

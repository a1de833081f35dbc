"""A soak, shortly: on two hosts where namespaces may be made, else on one. `soak.py` says what it does, and goes on for longer.

`PIPESPEC_SOAK_SECONDS`, `PIPESPEC_SOAK_SEED` and `PIPESPEC_SOAK_PIPELINE` change what is run here.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from soak_hosts import namespace_command
from soak_judge import executions_wrong

pytestmark = pytest.mark.faults

SOAK = Path(__file__).with_name("soak.py")
APART = namespace_command() is not None


def soak(*options):
    seconds = os.environ.get("PIPESPEC_SOAK_SECONDS", "40")
    arguments = ["--seconds", seconds, "--seed", os.environ.get("PIPESPEC_SOAK_SEED", "17")]
    arguments += ["--pipeline", os.environ.get("PIPESPEC_SOAK_PIPELINE", "small")]
    done = subprocess.run(
        [sys.executable, SOAK, *arguments, *options], capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not APART, reason="network namespaces may not be made here; one host is soaked instead")
def test_two_hosts_whose_processes_are_killed_leave_the_records_of_one_clean_run():
    soak()


@pytest.mark.skipif(APART, reason="two hosts can be made here, which does the same and more")
def test_one_host_whose_processes_are_killed_leaves_the_records_of_one_clean_run():
    soak("--one-host")


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["ROUND 1", "START a ada", "END a ada"], []),
        (["ROUND 1", "START a ada", "STRIKE run ada", "START a bob", "END a bob"], []),
        (["ROUND 1", "START a ada", "END a ada", "ROUND 2", "START a bob", "END a bob"], []),
        (["ROUND 1", "START a ada"], ["round 1: nothing ended, in a clean run a"]),
        (
            ["ROUND 1", "START a ada", "END a ada", "STRIKE run bob", "START a bob", "END a bob"],
            ["round 1: a began on bob, though ada had done it unharmed"],
        ),
        (
            ["ROUND 1", "START a ada", "STRIKE step ada", "BESIDE a bob", "START a bob", "END a bob"],
            ["round 1: a began on bob while it executed elsewhere"],
        ),
    ],
)
def test_the_judge_of_executions_notices(lines, wrong):
    clean = ["ROUND 1", "START a clean", "END a clean", "ROUND 2", "START a clean", "END a clean"]
    assert executions_wrong(lines, clean)[0] == wrong

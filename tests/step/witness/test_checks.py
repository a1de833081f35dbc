"""Checks of files that a step does not open, in a process as a step has it, while others change the files."""

import json
import os
import subprocess
import sys

import pytest

WATCH = """
import json, os, subprocess, sys
root = os.getcwd()
sys.path.insert(0, root)
import looking
from pipespec.step.witness.take_witness import WitnessTaking
from pipespec.step.witness.witness_job import WitnessJob
job = WitnessJob(root, counted_files=(os.path.join(root, "looking.py"),))

def others(command):  # a program: what it writes is not noted
    subprocess.run(["sh", "-c", command], check=True)

with WitnessTaking(job) as taking:
    exec(sys.argv[1])
    found = taking.witness().touched
print(json.dumps({one.path: [one.trace, bool(one.digest)] for one in found if one.trace != "folder"}))
"""
LOOKING = """
import os

def is_there(): return os.path.exists("data.txt")
def size(): return os.path.getsize("data.txt")
"""


@pytest.mark.parametrize(
    ("code", "witness"),
    [
        ("looking.size()", {"data.txt": ["size", True]}),
        ("looking.is_there()", {"data.txt": ["kind", True]}),
        # What it saw is not there any more: such a record never counts.
        ("looking.size(); others('for f in data*; do echo more >> $f; done')", {"data.txt": ["size", False]}),
        # It is still there, as it was.
        (
            "looking.is_there(); others('for f in data*; do echo more >> $f; done')",
            {"data.txt": ["kind", True]},
        ),
    ],
)
def test_what_others_change_while_a_step_runs_is_no_later_state(tmp_path, code, witness):
    (tmp_path / "looking.py").write_text(LOOKING)
    (tmp_path / "data.txt").write_text("data")

    done = subprocess.run(
        [sys.executable, "-c", WATCH, code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == witness

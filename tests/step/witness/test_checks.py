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
def are_there(): return [os.path.exists(f"made{number}.txt") for number in range(9)]
def size(): return os.path.getsize("data.txt")
"""


@pytest.mark.parametrize(
    ("code", "witness"),
    [
        ("looking.size()", {"data.txt": ["size", True]}),
        ("looking.is_there()", {"data.txt": ["kind", True]}),
        # What it saw is not there any more: such a record never counts.
        ("looking.size(); others('n=data; echo more >> $n.txt')", {"data.txt": ["size", False]}),
        # What a program is handed counts as it leaves it.
        ("others('echo more >> data.txt')", {"data.txt": ["file", True]}),
        # A program of the step made them, within the tick of the clock in which the step began.
        ("[others(f'echo > made{n}.txt') for n in range(9)]; looking.are_there()", {}),
        (
            "[os.posix_spawn('/bin/touch', ['touch', f'{os.getcwd()}/made{n}.txt'], {}) for n in range(9)]; [os.wait() for _ in range(9)]; looking.are_there()",
            {},
        ),
        # So is a folder that a program makes, as its words say.
        ("others('mkdir made; touch made/x'); os.path.exists('made')", {}),
        # It is still there, as it was.
        (
            "looking.is_there(); others('n=data; echo more >> $n.txt')",
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

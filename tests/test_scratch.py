"""Temporary folders: gone with their block, and where their process was killed, removed by the next one."""

import os
import subprocess
import sys

from pipespec.scratch import scratch

HOLD = """
import sys
from pipespec.scratch import hold_scratch
(folder := hold_scratch()).joinpath("content").write_text("x")
print(folder, flush=True)
sys.stdin.read()
"""


def hold(place):
    """Start a process that holds a folder, and return both."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env={**os.environ, "TMPDIR": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def end(process):
    process.kill()
    process.communicate()


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    dead, left = hold(tmp_path)
    living, kept = hold(tmp_path)
    end(dead)
    others = [
        tmp_path / name for name in ("pipespec-scratch-file", "pipespec-other", "pipespec-scratch-young")
    ]
    others[0].touch()
    others[1].mkdir()
    for old in (left, kept, *others[:2]):
        os.utime(old, (0, 0))
    others[2].mkdir()

    last, new = hold(tmp_path)

    end(living)
    end(last)
    assert sorted(map(str, tmp_path.iterdir())) == sorted([kept, new, *map(str, others)])


def test_a_folder_is_gone_with_its_block():
    with scratch() as folder:
        (folder / "content").touch()

    assert not folder.exists()

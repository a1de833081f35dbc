"""A terminal that is closed, a disk that takes no answer, streams that are not there: the exit code says how it went all the same."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("pipespec")

STEPS = """
import pathlib, time

def slow() -> dict:
    here = pathlib.Path(__file__).parent
    (here / "began").touch()
    while not (here / "go").exists():
        time.sleep(0.05)
    return {}


def after(slow: dict) -> dict:
    return slow
"""
PIPELINE = """\
pipespec: 1
name: lost
steps:
  slow: {call: "steps:slow", outputs: {out: out.json}}
  after: {call: "steps:after", inputs: {slow: slow}, outputs: {out: out.json}}
"""
LOST = "error: what was asked for could not be written to standard output: no space left on device\n"


@pytest.fixture
def slow(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    return empty_project


@pytest.mark.parametrize(
    ("is_ignored", "code", "statuses"),
    [(False, 129, {"KILLED"}), (True, 0, {"FINISHED"})],
    ids=["heard", "ignored"],
)
def test_a_terminal_that_is_closed_ends_a_run_unless_that_is_ignored(slow, is_ignored, code, statuses):
    ours, theirs = pty.openpty()

    def begin():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if is_ignored else signal.SIG_DFL)

    run = subprocess.Popen(
        [COMMAND, "run", "-v", "pipeline.yaml"],
        cwd=slow.folder,
        env=slow.environment(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=begin,  # noqa: PLW1509 - nothing here has threads
    )
    os.close(theirs)
    while not (slow.folder / "began").exists():
        os.read(ours, 1 << 16)
    os.close(ours)
    if is_ignored:
        (slow.folder / "go").touch()

    assert run.wait(60) == code
    assert {status for (status,) in slow.query("SELECT status FROM runs")} == statuses


def shell(project, command):
    done = subprocess.run(
        ["sh", "-c", f"'{COMMAND}' {command}"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("run pipeline.yaml >/dev/full", (0, "", LOST)),
        ("run pipeline.yaml --format json >/dev/full", (0, "", LOST)),
        ("status pipeline.yaml >/dev/full", (1, "", LOST)),
        ("validate gone.yaml >/dev/full 2>/dev/full", (1, "", "")),
        ("plan nonsense.yaml 2>/dev/full", (2, "", "")),
        ("run pipeline.yaml -q --force total >&- 2>&- <&-", (0, "", "")),
        ("status pipeline.yaml >&-", (0, "", "")),
    ],
)
def test_an_answer_that_cannot_be_printed_is_told(complete_project, tmp_path, command, answer):
    project = complete_project.copied_to(tmp_path / "copy")

    assert shell(project, command) == answer

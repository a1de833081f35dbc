"""`pipespec watch` at a real terminal: edits run again what they touch, mistakes are shown and waited on, Ctrl-C ends it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("watchfiles")

COMMAND = Path(sys.executable).with_name("pipespec")
LIMIT = 120.0
WAITING = "Ctrl-C ends"

STEPS = """
import time
from functools import partial
from pathlib import Path

from helper import LETTERS


def count(data: Path) -> dict:
    return {name.name: LETTERS * len(name.read_text()) for name in sorted(data.rglob("*.txt"))}


def own(data: str) -> str:
    return data + Path("unnamed.cfg").read_text()


def slow(data: str) -> str:
    time.sleep(float(data))
    return data
"""
PIPELINE = """\
pipespec: 1
name: watched
steps:
  count: {call: "steps:count", inputs: {data: {dir: data}}, outputs: {counted: counted.json}}
  own: {call: "steps:own", inputs: {data: {file: own.txt}}, outputs: {text: text.txt}}
  slow: {call: "steps:slow", inputs: {data: {file: slow.txt}}, outputs: {text: text.txt}}
"""


class Terminal:
    """A command with a terminal of its own, from which Ctrl-C comes."""

    def __init__(self, project, *arguments):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = subprocess.Popen(
            [COMMAND, *arguments],
            cwd=project.folder,
            env=project.environment(TERM="xterm-256color"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
        )
        os.close(theirs)
        self._shown = b""

    def until(self, text):
        """Return what is shown up to a text, and begin anew behind it."""
        until = time.monotonic() + LIMIT
        while text not in self._plain():
            left = until - time.monotonic()
            assert left > 0, f"{text!r} is not shown: {self._plain()}"
            if select.select([self._ours], [], [], left)[0]:
                self._shown += os.read(self._ours, 4096)
        shown = self._plain().partition(text)[0]
        self._shown = b""
        return shown

    def press_ctrl_c(self):
        os.write(self._ours, b"\x03")

    def end(self):
        """Return the exit code, and the rest of what is shown."""
        while True:
            try:
                piece = os.read(self._ours, 4096)
            except OSError:
                break
            if not piece:
                break
            self._shown += piece
        return self.process.wait(timeout=LIMIT), self._plain()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    def _plain(self):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._shown.decode(errors="replace")).replace("\r", "\n")


@pytest.fixture
def watched(empty_project):
    """A project with files of all kinds that count."""
    project = empty_project
    for name, text in {
        "steps.py": STEPS,
        "helper.py": "LETTERS = 1\n",
        "pipeline.yaml": PIPELINE,
        "over.yaml": "description: first\n",
        "data/a.txt": "a",
        "own.txt": "own",
        "slow.txt": "0",
        "unnamed.cfg": "cfg",
    }.items():
        project.write(name, text)
    project.write = partial(written_at_once, project.folder)
    return project


def written_at_once(folder, name, text):
    """Write a file so that nobody sees it empty, which on a busy machine `watch` does between two system calls."""
    path, other = folder / name, folder.parent / "written.new"
    path.parent.mkdir(parents=True, exist_ok=True)
    other.write_text(text)
    return other.replace(path)


@pytest.fixture
def watching(watched):
    terminal = Terminal(watched, "watch", "pipeline.yaml", "-f", "over.yaml", "-j", "2")
    yield terminal
    terminal.close()


def outcome(shown):
    """Return which steps ran, and what is said to have changed."""
    ran = re.findall(r"\[\d/3\] (\w+) +(\w+)", shown)
    return {step for state, step in ran if state == "ran"}, re.findall(r"^(.*) changed$", shown, re.MULTILINE)


def replaced(path, text):
    """Write a file as editors do: another one in its place."""
    other = path.with_name(f".{path.name}.swp")
    other.write_text(text)
    other.replace(path)


@pytest.mark.slow
def test_each_kind_of_change_runs_what_it_touches(watched, watching):
    folder = watched.folder
    assert outcome(watching.until(WAITING)) == ({"count", "own", "slow"}, [])

    def edited(change):
        change()
        return outcome(watching.until(WAITING))

    assert edited(lambda: (folder / "helper.py").write_text("LETTERS = 2\n")) == ({"count"}, ["helper.py"])
    assert edited(lambda: replaced(folder / "own.txt", "other")) == ({"own"}, ["own.txt"])
    assert edited(lambda: watched.write("unnamed.cfg", "more")) == ({"own"}, ["unnamed.cfg"])
    assert edited(lambda: watched.write("data/below/b.txt", "bb")) == ({"count"}, ["data/below/b.txt"])
    assert edited(lambda: watched.write("over.yaml", 'description: "other"\n')) == (set(), ["over.yaml"])

    watched.write("nobody reads this.txt", "x")
    watched.write(".git/index", "x")
    watched.edit("pipeline.yaml", "steps:count", "steps:cuont")
    shown = watching.until(WAITING)
    assert outcome(shown) == (set(), ["pipeline.yaml"])
    assert "module 'steps' has no function 'cuont'" in shown
    assert "did you mean 'steps:count'?" in shown
    watched.edit("pipeline.yaml", "steps:cuont", "steps_of_mine:count")
    assert "there is no module 'steps_of_mine'" in watching.until(WAITING)
    assert edited(lambda: watched.write("steps_of_mine.py", STEPS)) == ({"count"}, ["steps_of_mine.py"])

    (folder / "own.txt").unlink()
    assert "there is no file 'own.txt'" in watching.until(WAITING)
    assert edited(lambda: watched.write("own.txt", "back")) == ({"own"}, ["own.txt"])
    watched.write("pipeline.yaml", "pipespec: [")
    watching.until(WAITING)
    assert edited(lambda: watched.write("pipeline.yaml", PIPELINE))[1] == ["pipeline.yaml"]

    watching.press_ctrl_c()
    code, rest = watching.end()
    assert (code, "Traceback" in rest) == (130, False)


@pytest.mark.slow
def test_an_edit_while_steps_run_is_run_next_and_ctrl_c_ends_a_run_as_usual(watched, watching):
    watching.until(WAITING)

    watched.write("slow.txt", "3")
    watching.until("1 running")
    watched.write("own.txt", "meanwhile")
    first, second = watching.until(WAITING), watching.until(WAITING)
    assert "ran       slow" in first
    assert outcome(second)[0] == {"own"}
    assert [*outcome(first)[1], *outcome(second)[1]] == ["own.txt"]

    watched.write("slow.txt", "60")
    watching.until("1 running")
    watching.press_ctrl_c()
    code, rest = watching.end()
    assert code == 130
    assert "interrupted by signal 2" in rest
    assert "resume with: pipespec watch pipeline.yaml -f over.yaml -j 2" in rest


REWRITES = """

from functools import partial
from pathlib import Path


def rewrites(data: str) -> str:
    with Path("own.txt").open("a") as file:
        file.write("+")
    return data
"""


@pytest.mark.slow
def test_a_step_that_rewrites_its_input_does_not_run_for_ever(watched):
    watched.write("steps.py", STEPS + REWRITES)
    watched.write("pipeline.yaml", PIPELINE.replace("steps:own", "steps:rewrites"))
    terminal = Terminal(watched, "watch", "pipeline.yaml", "-j", "2")
    try:
        first, second = terminal.until(WAITING), terminal.until(WAITING)
        assert "changes in each run" not in first
        assert outcome(second)[0] == {"own"}
        assert "own.txt changes in each run, so runs would never end: " in " ".join(second.split())

        watched.write("slow.txt", "0.0")
        third = terminal.until(WAITING)
        assert outcome(third) == ({"own", "slow"}, ["slow.txt"])
        assert "changes in each run" not in third
        assert "own.txt changes in each run" in terminal.until(WAITING)
        assert (watched.folder / "own.txt").read_text() == "own++++"
    finally:
        terminal.close()


def test_what_cannot_be_watched_is_refused_before_anything_runs(watched):
    missing = watched.pipespec("watch", "no.yaml")
    watched.write("watchfiles.py", "raise ImportError('not here')")
    without = watched.pipespec("watch", "pipeline.yaml", PYTHONPATH=str(watched.folder))

    assert (missing.code, missing.err) == (2, "error: there is no file 'no.yaml'\n")
    assert (without.code, without.out) == (2, "")
    assert without.err == (
        "error: 'watch' needs the package 'watchfiles', which is not installed; install it with: pip install "
        '"pipespec[watch]"\n'
    )
    assert not (watched.folder / ".pipespec").exists()

"""What a person at a terminal of 80 columns sees: a live table while steps run, lines that stay behind."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("pipespec")

STEPS = """
import time


def wait(seconds: float) -> dict:
    time.sleep(seconds)
    return {"waited": seconds}


def fail(waited: dict) -> dict:
    raise ValueError("\\x1b[31mred\\x1b[0m \\x07 bell")
"""

TOGETHER = """\
import os
import time


def wait(number: int) -> None:
    until = time.monotonic() + 60
    while not os.path.exists("seen") and time.monotonic() < until:
        time.sleep(0.05)
"""

PIPELINE = """\
pipespec: 1
name: shown
steps:
  slow: {call: "steps:wait", params: {seconds: 1.5}, outputs: {waited: waited.json}}
  broken: {call: "steps:fail", inputs: {waited: slow}, outputs: {waited: waited.json}}
"""


def at_terminal(project, *args, answer="", until="", rows=30, **extra):
    """Run in a terminal of 80 columns, and return the exit code and all that was written to it.

    `answer` is typed where a question is asked. Once `until` is shown, there is a file `seen` in the project.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    environment = project.environment(**{"TERM": "xterm-256color", **extra})
    process = subprocess.Popen(
        [COMMAND, *args], cwd=project.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed: the process is gone
            break
        if not piece:
            break
        shown += piece
        if answer and b"[y/N]" in shown:
            os.write(ours, answer.encode())
            answer = ""
        if until and until in plain(shown.decode(errors="replace")):
            project.write("seen", "")
            until = ""
    os.close(ours)
    return process.wait(timeout=60), shown.decode()


def plain(shown):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n")


def test_running_steps_are_shown_live_and_ended_ones_stay(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)

    code, shown = at_terminal(empty_project, "run", "pipeline.yaml")

    assert code == 1
    text = plain(shown)
    assert "1 running" in text
    assert "[1/2] ran       slow" in text
    assert "[2/2] failed    broken" in text
    assert "Traceback" not in text.partition("broken")[0]
    assert "\x1b[31mred" not in shown  # a step's escape codes are shown, not obeyed
    assert "\x07" not in shown
    assert (
        max(len(line) for line in text.splitlines() if "/" not in line) <= 80
    )  # paths stay whole, to be copied


WAITING = """\
pipespec: 1
name: waiting
steps:
  asked: {call: "probing:answer", identity: {probe: "probing:wait"}, outputs: {answer: answer.json}}
"""


def test_a_word_says_what_is_waited_for_and_goes(empty_project):
    empty_project.write(
        "probing.py",
        "import time\n\n\ndef wait() -> int:\n    time.sleep(1.5)\n    return 1\n\n\ndef answer() -> dict:\n    return {}\n",
    )
    empty_project.write("pipeline.yaml", WAITING)

    _, shown = at_terminal(empty_project, "plan")
    piped = empty_project.pipespec("plan")

    assert "\r\x1b[Kasking the probes ..." in shown
    assert "..." not in re.split(r"\r\x1b\[K", shown)[-1]
    assert piped.err == ""
    assert "\r" not in piped.out


def test_in_a_pipe_large_files_are_told_of_in_a_line(empty_project):
    empty_project.write(
        "steps.py",
        "from pathlib import Path\nfrom pipespec import activity\n\n\ndef look(data: Path) -> dict:\n"
        "    return {'watcher': type(activity._watcher).__name__}\n",
    )
    empty_project.write(
        "pipeline.yaml",
        'pipespec: 1\nname: large\nsteps:\n  look: {call: "steps:look", inputs: {data: {file: large.bin}}, outputs: {w: w.json}}\n',
    )
    with (empty_project.folder / "large.bin").open("wb") as file:
        file.truncate(60_000_000)

    piped = empty_project.pipespec("run")
    os.utime(empty_project.folder / "large.bin")
    quiet = empty_project.pipespec("run", "-q")
    seen = empty_project.pipespec("get", "look", "-")

    assert piped.err.splitlines()[0] == "hashing large.bin (60 MB)"
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert seen.json == {"watcher": "ActivityFile"}  # by which a step's process tells of it


def test_more_steps_run_than_a_terminal_has_rows(empty_project):
    empty_project.write("steps.py", TOGETHER)
    numbers = ", ".join(map(str, range(12)))
    empty_project.write(
        "pipeline.yaml",
        f"pipespec: 1\nname: many\nsteps:\n  wait: {{call: 'steps:wait', matrix: {{number: [{numbers}]}}}}\n",
    )

    code, shown = at_terminal(empty_project, "run", "-j", "12", until="12 running", rows=10)

    assert code == 0
    assert "… and 5 more running" in shown
    assert "0 of 12 steps, 12 running" in shown


SPOILT = """\
pipespec: 1
name: shown
steps:
  slow: {call: "steps:wait", params: {seconds: 1.5}, outputs: {waited: waited.json}}
  a_step_whose_name_is_rather_long: {call: "steps:fail", inputs: {waited: slwo}, outputs: {waited: waited.json}}
"""
COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3|9)[0-7][0-9;]*m")
VIEWS = {
    "plan": (
        "plan",
        "pipeline.yaml",
        "--set",
        "steps.total.params.name=some-name-that-is-long-enough-to-wrap",
    ),
    "status": ("status", "pipeline.yaml"),
    "explain": ("explain", "pipeline.yaml", "total", "--set", "steps.total.params.name=other"),
    "graph": ("graph", "pipeline.yaml", "--status"),
    "validate": ("validate", "spoilt.yaml"),
    "an error": ("plan", "pipeline.yaml", "squares", "--force", "total"),
    "mistakes": ("plan", "spoilt.yaml"),
}


@pytest.fixture
def complete(complete_project, tmp_path):
    """A project that ran, with a spoilt file beside it."""
    copy = complete_project.copied_to(tmp_path / "complete")
    copy.write("spoilt.yaml", SPOILT)
    return copy


@pytest.mark.parametrize("view", VIEWS)
def test_at_a_terminal_lines_fit_80_columns_and_the_word_that_matters_has_a_colour(complete, view):
    _, shown = at_terminal(complete, *VIEWS[view])

    assert COLOUR.search(shown)
    # A finding's message is one line, for editors and grep; the line of a file is shown as it is written there.
    whole = re.compile(r"\S+:\d+:\d+: | +\d* \|")
    assert max(len(line) for line in plain(shown).splitlines() if not whole.match(line)) <= 80


@pytest.mark.parametrize("view", VIEWS)
def test_without_colours_and_in_a_pipe_the_same_text_is_plain(complete, view):
    _, bare = at_terminal(complete, *VIEWS[view], NO_COLOR="1")
    _, simple = at_terminal(complete, *VIEWS[view], TERM="dumb")
    piped = complete.pipespec(*VIEWS[view], COLUMNS="80")

    assert "\x1b" not in bare + simple + piped.out + piped.err
    assert without_ages(bare.replace("\r", "")) == without_ages(piped.out + piped.err)


def without_ages(text):
    return re.sub(r"(just now|\d+ (s|min) ago) *", "now ", text)


def test_time_left_is_told_once_there_is_a_past(empty_project):
    empty_project.write("steps.py", STEPS)
    one = 'a: {call: "steps:wait", params: {seconds: 1.5}, outputs: {waited: waited.json}}'
    two = 'b: {call: "steps:wait", params: {seconds: 1.6}, needs: [a], outputs: {waited: waited.json}}'
    empty_project.write("pipeline.yaml", f"pipespec: 1\nname: shown\nsteps:\n  {one}\n  {two}\n")

    _, first = at_terminal(empty_project, "run", "pipeline.yaml")
    code, again = at_terminal(empty_project, "run", "pipeline.yaml", "--force", "*")

    assert code == 0
    assert " left" not in plain(first)
    assert re.search(r"0 of 2 steps, 1 running, about [2-9] s left", plain(again))
    assert re.search(r"1 of 2 steps, 1 running, about [1-9] s left", plain(again))


def test_accepting_asks_and_records_only_after_a_yes(project):
    project.ran()
    project.edit("words.py", "text.upper()", "str(text).upper()")
    command = ("accept", "pipeline.yaml", "total", "--why", "the same letters")

    code, shown = at_terminal(project, *command, answer="n\n")

    assert code == 1
    text = plain(shown)
    assert text.index("+    return str(text).upper()") < text.index("Accept this? [y/N]")
    assert text.rstrip().endswith("nothing was recorded")
    assert project.planned()["total"] == "run"
    code, _ = at_terminal(project, *command, answer="\x04")  # Ctrl-D
    assert code == 130
    assert project.planned()["total"] == "run"
    code, shown = at_terminal(project, *command, answer="y\n")
    assert (code, project.planned()["total"]) == (0, "reuse")
    assert "accepted: total; undo with --revoke" in plain(shown)
    project.edit("words.py", "str(text).upper()", "str(text).upper().strip()")
    code, shown = at_terminal(project, *command, "--yes")
    assert (code, "[y/N]" in shown, project.planned()["total"]) == (0, False, "reuse")
    assert max(map(len, plain(shown).splitlines())) <= 80


def test_a_run_has_no_colours_where_NO_COLOR_is_set(project):
    _, shown = at_terminal(project, "run", "pipeline.yaml", NO_COLOR="1")

    assert not COLOUR.search(shown)


def test_a_pipe_gets_plain_lines(project):
    answer = project.pipespec("run", "pipeline.yaml")

    assert "\x1b" not in answer.out + answer.err
    assert [line for line in answer.err.splitlines() if line.startswith("[3/3]")]


def test_a_reader_that_goes_away_does_not_fail_the_run(project):
    command = f"{COMMAND} run pipeline.yaml 2>&1 | head -1; exit ${{PIPESTATUS[0]}}"

    said = subprocess.run(
        ["bash", "-c", command],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert said.returncode == 0, said.stdout + said.stderr
    assert "Traceback" not in said.stderr
    assert project.ran() == set()


READ_ONLY = [
    (["graph", "pipeline.yaml", "--format", "html", "-o", "no/g.html"], 2),
    (["render", "pipeline.yaml", "-o", "no/r.py"], 1),
    (["call", "steps:numbers", "--count", "3", "--out", "no/n.json"], 2),
    (["get", "pipeline.yaml", "total", "no/total.json"], 1),
]


@pytest.mark.parametrize(
    ("words", "code"), READ_ONLY, ids=lambda value: value[0] if isinstance(value, list) else ""
)
def test_a_place_that_cannot_be_written_is_one_line_and_no_resumption_is_offered(
    complete_project, tmp_path, words, code
):
    project = complete_project.copied_to(tmp_path / "project")
    place = project.folder / "no"
    place.mkdir()
    place.chmod(0o555)
    as_anyone = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []

    done = subprocess.run(
        [*as_anyone, COMMAND, *words],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.returncode, list(place.iterdir())) == (code, [])
    last = done.stderr.strip().splitlines()[-1]
    assert re.search("Permission denied|nothing may be made in", last)
    assert not {"Traceback", "run again"} & {
        each for each in ("Traceback", "run again") if each in done.stderr
    }

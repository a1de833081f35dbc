"""What a pipe is told while a run goes on: whole lines, on a clock of the test's own."""

from __future__ import annotations

import io
import threading

from pipespec.activity import LARGE, ActivityFile, busy, watched_by
from pipespec.cli.activity_line import ActivityLine
from pipespec.cli.progress_display import PlainProgress
from pipespec.plan.results import StepResult, StepStarted, StepState
from pipespec.plan.time_left import Rest
from pipespec.views.run_view import rest_text


class Countdown:
    """What is left: a minute at the beginning, less as time goes on."""

    def __init__(self):
        self.seen = []

    def started(self, step, now):
        self.seen.append(("started", step, now))

    def ended(self, step):
        self.seen.append(("ended", step))

    def rest(self, now):
        return Rest(60.0 - now, is_whole=True) if now < 60 else None


def test_a_pipe_is_told_from_time_to_time(capsys):
    now = 0.0
    progress = PlainProgress(None, clock=lambda: now)
    left = Countdown()
    progress.expect(left)
    progress.begin(6)

    for number, seconds in enumerate([1.0, 2.0, 10.9, 11.0, 56.0, 70.0]):
        progress.started(StepStarted(f"s{number}", "run", "log"))
        now = seconds
        progress.ended(StepResult(f"s{number}", StepState.RAN, seconds=1.0))

    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("[")] == [
        "[1/6] ran       s0  1.0 s  (about 59 s left)",
        "[2/6] ran       s1  1.0 s",
        "[3/6] ran       s2  1.0 s",
        "[4/6] ran       s3  1.0 s  (about 49 s left)",
        "[5/6] ran       s4  1.0 s",  # not worth a word any more
        "[6/6] ran       s5  1.0 s",
    ]
    assert left.seen[:3] == [("started", "s0", 0.0), ("ended", "s0"), ("started", "s1", 1.0)]


def test_a_pipe_is_told_nothing_without_a_past(capsys):
    progress = PlainProgress(None)
    progress.begin(1)

    progress.ended(StepResult("s", StepState.REUSED))

    assert capsys.readouterr().err == "[1/1] reused    s\n"


def test_a_pipe_is_told_once_of_a_large_file_that_a_step_uploads(capsys, tmp_path):
    file = tmp_path / "activity"
    progress = PlainProgress(None)
    progress.begin(1)
    progress.started(StepStarted("s", "run", "log", activity=str(file)))
    with watched_by(ActivityFile(file)):
        progress.tick()
        with busy("uploading a\tb", LARGE):
            progress.tick()
            progress.tick()
        progress.tick()
        with busy("uploading c", LARGE):
            progress.tick()

    assert capsys.readouterr().err.splitlines() == [
        "start s (run run)", "s is uploading a\\tb (50 MB)", "s is uploading c (50 MB)",
    ]  # fmt: skip


class Screen(io.StringIO):
    """Lets a test wait for what is drawn in another thread."""

    def __init__(self):
        super().__init__()
        self.drawn = threading.Condition()

    def write(self, text):
        with self.drawn:
            super().write(text)
            self.drawn.notify_all()
        return len(text)

    def wait_for(self, text):
        with self.drawn:
            assert self.drawn.wait_for(lambda: text in self.getvalue(), timeout=60), self.getvalue()


def test_a_terminal_shows_a_bar_for_a_large_file_and_takes_it_away():
    screen = Screen()
    with watched_by(line := ActivityLine(screen)):
        with busy("opening the store"):
            screen.wait_for("\r\x1b[Kopening the store ...")
            with busy("hashing large.bin", 2 * LARGE) as work:
                screen.wait_for("\r\x1b[Khashing large.bin (100 MB) ...")
                work.advance(LARGE)
                screen.wait_for("50 MB of 100 MB")
        assert screen.getvalue().endswith("\r\x1b[K")
        with busy("making the report"):
            screen.wait_for("making the report ...")
            line.hide()
            assert screen.getvalue().endswith("\r\x1b[K")

    assert "━" in screen.getvalue()


def test_the_rest_in_words():
    rests = [
        Rest(0.2, is_whole=True),
        Rest(12.4, is_whole=True),
        Rest(59.6, is_whole=False),
        Rest(7322.0, is_whole=True),
    ]

    assert list(map(rest_text, rests)) == [
        "about 1 s left", "about 12 s left", "at least 1 min left", "about 2 h 2 min left",
    ]  # fmt: skip

"""What a pipe is told while a run goes on: whole lines, on a clock of the test's own."""

from __future__ import annotations

from pipespec.cli.progress import PlainProgress
from pipespec.plan.model import StepResult, StepStarted, StepState
from pipespec.plan.remaining import Rest
from pipespec.views.run import rest_text


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

"""Which of several claims of one key goes on, when they were made at the same moment on a store without transactions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipespec.engine import other_runs
from pipespec.engine.other_runs import OtherRuns
from pipespec.plan.records import Attempt
from pipespec.tracking.reading.ledger import Standing
from pipespec.tracking.started_run import StartedRun

KEY = "0" * 64


def claim(run_id, started):
    return Attempt(run_id, "a", "RUNNING", KEY, "", "0", started, None, "")


class Looked:
    """A ledger that answers each look with the next of some claims, and then with the last again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.looks = 0

    def standing(self, key, experiment):
        del key, experiment
        self.looks += 1
        return Standing(self.answers[min(self.looks, len(self.answers)) - 1], None)


def standing_alone(ledger):
    others = OtherRuns(
        ledger,
        is_ours=lambda run_id: run_id == "mine",
        is_left_over=lambda _: False,
        settle=lambda _: (),
    )
    return others.standing_alone(KEY, StartedRun("mine", "0", "", 2.0))


MINE, EARLIER, LATER = claim("mine", 2.0), claim("earlier", 1.0), claim("later", 3.0)


@pytest.fixture(autouse=True)
def steps_of_time(monkeypatch):
    """Let pauses pass at once, by a clock of their own; return how long they were."""
    passed = [0.0]
    monkeypatch.setattr(
        other_runs, "time", SimpleNamespace(sleep=passed.append, monotonic=lambda: sum(passed))
    )
    return passed


def test_the_earliest_goes_on_when_the_others_have_withdrawn_however_slow_they_are(steps_of_time):
    ledger = Looked(*[(MINE, LATER)] * 12, (MINE,))
    assert standing_alone(ledger) == Standing((MINE,), None)
    assert ledger.looks == 13
    assert max(steps_of_time) == 1.0


def test_a_later_one_withdraws_at_once(steps_of_time):
    ledger = Looked((EARLIER, MINE))
    assert standing_alone(ledger) is None
    assert ledger.looks == 1
    assert sum(steps_of_time) == 0


def test_the_earliest_withdraws_if_another_has_gone_on_before_it_was_seen(steps_of_time):
    ledger = Looked((MINE, LATER))
    assert standing_alone(ledger) is None
    assert 10 <= sum(steps_of_time) < 12

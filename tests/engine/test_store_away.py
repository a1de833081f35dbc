"""A store that goes away while steps execute: nothing that was begun stops, nothing that was computed is lost."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time

import pytest

from pipespec.engine import attempts
from pipespec.engine.processes import step_worker
from pipespec.engine.result_publication import publish_kept
from pipespec.errors import StoreUnavailableError
from pipespec.tracking.reading.sqlite_ledger import SqliteLedger
from pipespec.tracking.writing.recorder import Recorder

pytestmark = pytest.mark.slow

ALL_RAN = {"numbers": "ran", "squares": "ran", "total": "ran"}
AWAY = "tracking server http://h: it answers 401 Unauthorized"


class Away:
    """The store, for as long as it `is_away`: calls of these names fail, and are counted.

    It comes back after `back_after` of them, if that is said.
    """

    def __init__(self, monkeypatch):
        self.monkeypatch, self.is_away, self.failed = monkeypatch, True, []
        self.back_after, self.on_first, self.failed_first = None, lambda: None, None

    def refuse(self, owner, *names):
        for name in names:
            original = getattr(owner, name)

            def call(*args, _original=original, _name=name, **more):
                if self.is_away:
                    if not self.failed:
                        self.failed_first = time.monotonic()
                        self.on_first()
                    self.failed.append(_name)
                    self.is_away = len(self.failed) != self.back_after
                    raise StoreUnavailableError(AWAY)
                return _original(*args, **more)

            self.monkeypatch.setattr(owner, name, call)


@pytest.fixture
def store(monkeypatch):
    return Away(monkeypatch)


def interrupt_soon():
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()


def events(engine, kind):
    return [event for event in engine.told.events if event[0] == kind]


def raise_again(error):
    raise error


def publish_rest(engine):
    with engine.ledger() as ledger, Recorder.open(None, root=engine.root) as recorder:
        return publish_kept(engine.state / "unpublished", ledger, recorder, engine.state / "downloads")


def test_a_heartbeat_that_fails_stops_nothing_and_is_told_once(sums, store, monkeypatch):
    monkeypatch.setattr(attempts, "_HEARTBEAT", 0.0)
    store.refuse(Recorder, "heartbeat")

    assert sums.states() == ALL_RAN

    assert len(store.failed) > 1
    told = events(sums, "store")
    assert told[0] == ("store", "away")
    assert all(one != next_one for one, next_one in itertools.pairwise(told))


@pytest.mark.parametrize("call", ["write_result", "start_unless"])
def test_a_store_that_comes_back_gets_all_that_was_computed(sums, store, call):
    store.is_away, store.back_after = False, 3
    store.refuse(Recorder, call)
    sums.told.on_start["squares"] = lambda: setattr(store, "is_away", True)

    assert sums.states(patience=60.0) == ALL_RAN

    assert store.failed == [call] * 3
    assert events(sums, "store") == [("store", "away"), ("store", "back")]
    assert sums.states() == dict.fromkeys(ALL_RAN, "reused")


def test_after_the_patience_a_result_is_kept_and_published_without_executing_again(sums, store):
    store.refuse(Recorder, "write_result")

    with pytest.raises(StoreUnavailableError, match=r"the result of 'numbers' is kept in .*unpublished'"):
        sums.run(patience=0.5, is_alone=False)

    sums.require_clean()
    assert [event[1] for event in events(sums, "started")] == ["numbers"]
    store.is_away = False
    assert publish_rest(sums) == ("numbers",)
    assert sums.states() == {"numbers": "reused", "squares": "ran", "total": "ran"}
    assert sums.statuses("numbers") == ["FINISHED"]
    assert list((sums.state / "unpublished").iterdir()) == []


def test_outputs_that_a_step_leaves_for_a_far_store_are_sent_with_the_publication(sums, monkeypatch):
    monkeypatch.setattr(step_worker, "local_path", lambda _uri: None)

    assert sums.states(inline=tuple(ALL_RAN), on_error=raise_again) == ALL_RAN
    assert sums.states() == dict.fromkeys(ALL_RAN, "reused")


def test_what_another_run_published_meanwhile_counts_and_the_kept_result_is_dropped(sums, store):
    store.refuse(Recorder, "write_result")
    with pytest.raises(StoreUnavailableError):
        sums.run(patience=0.2, is_alone=False)
    store.is_away = False
    assert sums.states() == ALL_RAN

    assert publish_rest(sums) == ()

    assert list((sums.state / "unpublished").iterdir()) == []
    assert sorted(sums.statuses("numbers")) == ["FINISHED", "KILLED"]


def test_a_record_that_was_cut_is_no_kept_result(sums, store):
    store.refuse(Recorder, "write_result")
    with pytest.raises(StoreUnavailableError):
        sums.run(patience=0.2, is_alone=False)
    store.is_away = False
    (place,) = (sums.state / "unpublished").iterdir()
    text = (place / "publication.json").read_text()
    (place / "publication.json").write_text(text[: len(text) // 2])

    assert publish_rest(sums) == ()
    assert sums.states() == ALL_RAN


def test_ctrl_c_ends_the_wait_for_a_store_at_once(sums, store):
    store.refuse(Recorder, "write_result")
    store.on_first = interrupt_soon

    report = sums.run(patience=3600.0, is_alone=False)

    assert time.monotonic() - store.failed_first < 10
    assert report.interrupted_by == signal.SIGINT
    assert [path.is_dir() for path in (sums.state / "unpublished").iterdir()] == [True]


def test_ctrl_c_ends_a_question_that_the_store_does_not_answer(sums, monkeypatch):
    original = SqliteLedger.standing

    asked = []

    def standing(self, key, experiment_id):
        if events(sums, "ended"):
            asked.append(time.monotonic())
            interrupt_soon()
            time.sleep(60)
        return original(self, key, experiment_id)

    monkeypatch.setattr(SqliteLedger, "standing", standing)

    report = sums.run(is_alone=False)

    assert time.monotonic() - asked[0] < 15
    assert report.interrupted_by == signal.SIGINT
    assert [step.state.value for step in report.steps] == ["ran", "ran", "cancelled"]


def test_a_store_that_is_away_before_anything_began_is_told_at_once(sums, store):
    store.refuse(Recorder, "start_unless")

    with pytest.raises(StoreUnavailableError, match="401"):
        sums.run(patience=3600.0)

    assert store.failed == ["start_unless"]


def test_a_store_that_renews_runs_and_takes_no_result_is_not_waited_for_without_end(sums, store, monkeypatch):
    monkeypatch.setattr(attempts, "_HEARTBEAT", 0.05)
    store.refuse(Recorder, "write_result")

    with pytest.raises(StoreUnavailableError, match=r"the result of 'numbers' is kept in .*unpublished'"):
        sums.run(patience=2.0, is_alone=False)

    assert events(sums, "store") == [("store", "away")]


def test_a_wait_for_the_end_of_the_invocation_is_told(sums, store):
    store.back_after = 2
    store.refuse(Recorder, "finish_invocation")

    assert sums.states(patience=60.0) == ALL_RAN

    assert events(sums, "store") == [("store", "away"), ("store", "back")]

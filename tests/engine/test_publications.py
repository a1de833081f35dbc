"""Publishing beside what executes next: in threads for a far store, at once for a near one."""

from __future__ import annotations

import threading
import time

import pytest

from pipespec.engine import open_engine
from pipespec.engine.attempts import Attempts
from pipespec.engine.publications import Publications
from pipespec.engine.store_absence import StoreAbsence
from pipespec.errors import PipespecError, StoreUnavailableError


@pytest.fixture
def woken():
    return threading.Event()


@pytest.fixture
def make(woken):
    made = []

    def publications(*, is_far: bool, patience: float = 0.0) -> Publications:
        made.append(Publications(is_far=is_far, wake=woken.set, absence=StoreAbsence(patience)))
        return made[-1]

    yield publications
    for one in made:
        one.close()


def test_a_near_store_is_published_to_at_once_in_this_thread(make):
    publications = make(is_far=False)
    publications.begin("step", "outcome", threading.get_ident)
    (ended,) = publications.take_ended()
    assert (ended.step, ended.result) == ("step", "outcome")
    assert ended.published.result() == threading.get_ident()
    assert (len(publications), publications.take_ended()) == (0, [])


def test_a_far_store_is_published_to_meanwhile_and_whoever_waits_is_woken(make, woken):
    publications, may_end = make(is_far=True), threading.Event()
    publications.begin("step", "outcome", lambda: may_end.wait(30) and threading.get_ident())
    assert publications.take_ended() == []
    assert len(publications) == 1
    assert not woken.is_set()
    may_end.set()
    assert woken.wait(30)
    (ended,) = publications.take_ended()
    assert ended.published.result() != threading.get_ident()
    assert len(publications) == 0


@pytest.mark.parametrize("is_far", [True, False])
@pytest.mark.parametrize("error", [PipespecError("gone"), StoreUnavailableError("away"), OSError(28, "full")])
def test_what_went_wrong_is_raised_where_the_result_is_asked_for(make, woken, is_far, error):
    def fails():
        raise error

    publications = make(is_far=is_far)
    publications.begin("step", "outcome", fails)
    assert not is_far or woken.wait(30)
    (ended,) = publications.take_ended()
    with pytest.raises(type(error)) as raised:
        ended.published.result()
    assert raised.value is error


def test_closing_waits_for_what_is_being_published(make):
    publications, began, may_end = make(is_far=True), threading.Event(), threading.Event()
    published: list[str] = []

    def publish():
        began.set()
        may_end.wait(30)
        published.append("whole")

    publications.begin("step", "outcome", publish)
    assert began.wait(30)
    threading.Timer(0.05, may_end.set).start()
    publications.close()
    assert published == ["whole"]


@pytest.mark.parametrize("is_far", [True, False])
def test_a_store_that_is_away_is_asked_again_until_it_is_back(make, woken, is_far):
    asked: list[int] = []

    def publish():
        asked.append(len(asked))
        if len(asked) < 3:
            raise StoreUnavailableError("away")
        return "record"

    publications = make(is_far=is_far, patience=60.0)
    publications.begin("step", "result", publish)
    assert woken.wait(30)
    (ended,) = publications.take_ended()
    assert (ended.published.result(), asked) == ("record", [0, 1, 2])


def test_who_hurries_waits_for_no_store(make, woken):
    def away():
        raise StoreUnavailableError("away")

    publications = make(is_far=True, patience=3600.0)
    publications.begin("step", "result", away)
    publications.hurry()
    assert woken.wait(30)
    (ended,) = publications.take_ended()
    with pytest.raises(StoreUnavailableError, match="away"):
        ended.published.result()


def test_a_request_that_hangs_is_left_a_moment_after_the_hurry(make):
    may_end = threading.Event()
    publications = make(is_far=True, patience=3600.0)
    publications.begin("step", "result", lambda: may_end.wait(60))
    publications.hurry()
    began = time.monotonic()
    while not (ended := publications.take_ended()):
        time.sleep(0.01)
    may_end.set()
    assert time.monotonic() - began < 10
    with pytest.raises(StoreUnavailableError, match="did not answer"):
        ended[0].published.result()


# ------------------------------------------------------------------------------------- in a run


@pytest.fixture
def far(monkeypatch):
    """The project's store counts as far."""
    monkeypatch.setattr(open_engine, "is_server", lambda uri: True)


def test_the_next_step_begins_while_one_is_published(engine, far, monkeypatch):
    """Neither reads the other: the first is published only once the second is claimed, with one worker."""
    original_claim, original_publish = Attempts.claim, Attempts.publish
    second_claimed, claimed = threading.Event(), []

    def claim(self, plan, decision, **more):
        claimed.append(decision.step.id)
        if len(claimed) == 2:
            second_claimed.set()
        return original_claim(self, plan, decision, **more)

    def publish(self, *args, **more):
        assert second_claimed.wait(60), "the next step was kept waiting"
        return original_publish(self, *args, **more)

    monkeypatch.setattr(Attempts, "claim", claim)
    monkeypatch.setattr(Attempts, "publish", publish)
    engine.write("steps.py", "def make(count: int) -> int:\n    return count\n")
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: pair
        steps:
          one: {call: "steps:make", params: {count: 1}, outputs: {made: one.json}}
          other: {call: "steps:make", params: {count: 2}, outputs: {made: other.json}}
        """,
    )
    assert engine.states(workers=1) == {"one": "ran", "other": "ran"}
    assert engine.states() == {"one": "reused", "other": "reused"}


def test_a_result_that_a_far_store_does_not_take_fails_its_step(sums, far, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipespec.tracking.writing.sqlite_writer.put", full)
    numbers = sums.run(workers=2).steps[0]
    assert (numbers.state, numbers.error) == (
        "failed",
        "its result could not be recorded: [Errno 28] No space left on device",
    )
    assert sums.statuses("numbers") == ["FAILED"]

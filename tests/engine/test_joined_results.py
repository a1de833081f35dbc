"""Results that are written with the start of the next step: in one transaction, or each by itself where that fails."""

from __future__ import annotations

import sqlite3

import pytest

from pipespec.engine.processes.executors import LocalExecutor
from pipespec.errors import StoreUnavailableError
from pipespec.tracking.writing import sqlite_writer
from pipespec.tracking.writing.recorder import Recorder

PIPELINE = """\
pipespec: 1
name: pairs
steps:
  first: {call: 'steps:make', params: {own: FIRST}, outputs: {out: out.json}}
  below: {call: 'steps:take', inputs: {up: first.out}, outputs: {out: out.json}}
  other: {call: 'steps:make', params: {own: OTHER}, outputs: {out: out.json}}
  twin: {call: 'steps:take', inputs: {up: other.out}, outputs: {out: out.json}}
"""

STEPS = """
import sqlite3

def make(own: str) -> str:
    if own == "deleted":
        with sqlite3.connect("mlflow.db", timeout=30) as store:
            store.execute("update runs set lifecycle_stage = 'deleted' where status = 'RUNNING' and name like 'first%'")
    return own

def take(up: str) -> str:
    return up
"""


@pytest.fixture
def pairs(engine):
    def write(first="kept", other="kept too"):
        engine.write("steps.py", STEPS)
        engine.write("pipeline.yaml", PIPELINE.replace("FIRST", first).replace("OTHER", other))
        return engine

    return write


def commits(monkeypatch):
    """Count what is committed, and how many results and starts are in each."""
    found, at_once = [], []
    original = sqlite_writer._waited

    def waited(db: sqlite3.Connection, statement):
        original(db, statement)
        if statement == "COMMIT":
            found.append(tuple(at_once))
            at_once.clear()

    def note(name, word):
        method = getattr(sqlite_writer.SqliteWriter, name)

        def noted(self, *args, **more):
            at_once.append(word)
            return method(self, *args, **more)

        monkeypatch.setattr(sqlite_writer.SqliteWriter, name, noted)

    note("publish", "published")
    note("create_run", "started")
    note("end", "ended")
    monkeypatch.setattr(sqlite_writer, "_waited", waited)
    return found


def test_a_result_and_the_next_start_are_one_transaction(sums, monkeypatch):
    found = commits(monkeypatch)

    sums.run()

    both = ("published", "started")
    assert found == [("started",), ("started",), both, both, ("published",), ("ended",)]


def test_nothing_is_told_as_ran_before_it_is_on_the_disk(sums):
    seen = []
    for step in ("squares", "total"):
        sums.told.on_start[step] = lambda: seen.append(
            [
                (name.partition(" ")[0], status)
                for name, status in sums.query(
                    "select name, status from runs where status = 'FINISHED' order by start_time"
                )
            ]
        )

    sums.run()

    assert seen == [
        [("numbers", "FINISHED")],
        [("numbers", "FINISHED"), ("squares", "FINISHED")],
    ]
    assert [event[:2] for event in sums.told.events][:4] == [
        ("started", "numbers"),
        ("ended", "numbers"),
        ("started", "squares"),
        ("ended", "squares"),
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_gone_fails_its_step_and_blocks_what_luigi_hands_out(pairs, workers):
    engine = pairs(first="deleted")

    report = engine.run(keep_going=True, workers=workers)

    assert {result.step: result.state.value for result in report.steps} == {
        "first": "failed",
        "below": "blocked",
        "other": "ran",
        "twin": "ran",
    }
    assert "could not be recorded" in report.steps[0].error
    assert engine.statuses("below") == []


def test_without_keep_going_nothing_begins_after_a_run_that_is_gone(pairs):
    states = pairs(first="deleted").states()

    assert states == {"first": "failed", "below": "blocked", "other": "cancelled", "twin": "cancelled"}


def test_a_twin_is_reused_once_the_other_is_on_the_disk(pairs):
    engine = pairs(first="same", other="same")

    assert engine.states() == {"first": "ran", "below": "ran", "other": "ran", "twin": "ran"}


def test_where_a_joint_write_fails_each_is_written_by_itself(sums, monkeypatch):
    original, failures = Recorder.start_unless, []

    def start(self, is_settled, new, *, after=()):
        if after and not failures:
            failures.append(new.step)
            raise StoreUnavailableError("the store is away for a moment")
        return original(self, is_settled, new, after=after)

    monkeypatch.setattr(Recorder, "start_unless", start)

    assert sums.states() == {"numbers": "ran", "squares": "ran", "total": "ran"}
    assert failures == ["squares"]
    assert [len(sums.statuses(step)) for step in ("numbers", "squares", "total")] == [1, 1, 1]


def test_nobody_waits_for_an_executor_that_executes_nothing(sums, monkeypatch):
    original, idle = LocalExecutor.wait, []

    def wait(self, timeout):
        if not self._executions:
            idle.append(timeout)
        return original(self, timeout)

    monkeypatch.setattr(LocalExecutor, "wait", wait)

    sums.run()

    assert idle == []

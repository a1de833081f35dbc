"""How long the rest of a run takes, on a clock of the test's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipespec.plan.planner import make_plan
from pipespec.plan.time_left import Remaining, Rest


@pytest.fixture
def plan(make):
    """Two steps side by side, then one that reads both; 10, 20 and 5 s long."""
    pipeline = make.pipeline(make.step("a"), make.step("b"), make.step("c", inputs={"x": "a", "y": "b"}))
    planned = make_plan(pipeline, make.facts(), make.records())
    return replace(planned, history={"a": (10.0,), "b": (20.0, 20.0, 99.0), "c": (5.0,)})


def test_it_counts_down_as_steps_begin_and_end(plan):
    left = Remaining(plan, 1)

    assert left.rest(0.0) == Rest(35.0, is_whole=True)
    left.started("a", 0.0)
    assert left.rest(4.0) == Rest(31.0, is_whole=True)
    left.ended("a")
    assert left.rest(6.0) == Rest(25.0, is_whole=True)  # faster than ever
    left.started("b", 6.0)
    assert left.rest(16.0) == Rest(15.0, is_whole=True)


def test_steps_at_once_share_the_time(plan):
    left = Remaining(plan, 2)
    left.started("a", 0.0)
    left.started("b", 0.0)

    assert left.rest(0.0) == Rest(25.0, is_whole=True)
    left.ended("b")
    assert left.rest(5.0) == Rest(10.0, is_whole=True)


def test_what_is_reused_after_all_takes_nothing(plan):
    left = Remaining(plan, 1)

    for step in ("a", "b", "c"):
        left.ended(step)

    assert left.rest(1.0) is None


def test_a_step_that_takes_longer_than_ever_promises_nothing(plan):
    left = Remaining(plan, 1)
    for step in ("a", "b"):
        left.ended(step)
    left.started("c", 0.0)

    assert left.rest(4.0) == Rest(1.0, is_whole=True)
    assert left.rest(5.0) is None
    assert left.rest(60.0) is None


def test_a_step_that_never_finished_makes_it_a_lower_bound(plan):
    left = Remaining(replace(plan, history={"a": (10.0,)}), 1)

    assert left.rest(0.0) == Rest(10.0, is_whole=False)


def test_without_a_past_nothing_is_said(plan):
    assert Remaining(replace(plan, history={}), 1).rest(0.0) is None


def test_steps_that_the_plan_does_not_know_change_nothing(plan):
    left = Remaining(plan, 1)

    left.started("a[x=1]", 0.0)
    left.ended("a[x=1]")

    assert left.rest(0.0) == Rest(35.0, is_whole=True)


def test_many_events_in_a_moment_cost_one_schedule(plan):
    left = Remaining(plan, 1)
    assert left.rest(0.0) == Rest(35.0, is_whole=True)

    left.ended("a")

    assert left.rest(0.5) == Rest(34.5, is_whole=True)
    assert left.rest(1.0) == Rest(25.0, is_whole=True)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_it_never_grows_while_nothing_happens(plan, workers):
    left = Remaining(plan, workers)
    left.started("a", 0.0)

    told = [
        0.0 if (rest := left.rest(now)) is None else rest.seconds for now in (0.0, 0.2, 3.0, 9.0, 20.0, 50.0)
    ]

    assert told == sorted(told, reverse=True)


def test_the_more_steps_are_left_the_less_often_they_are_scheduled(make):
    steps = [make.step(f"s{number}") for number in range(3000)]
    planned = make_plan(make.pipeline(*steps), make.facts(), make.records())
    left = Remaining(replace(planned, history={step.id: (1.0,) for step in steps}), 1)
    assert left.rest(0.0) == Rest(3000.0, is_whole=True)

    left.ended("s0")

    assert left.rest(2.0) == Rest(2998.0, is_whole=True)
    assert left.rest(3.0) == Rest(2999.0, is_whole=True)


def test_a_first_run_schedules_nothing(plan, monkeypatch):
    monkeypatch.delattr("pipespec.plan.time_left.makespan")

    assert Remaining(replace(plan, history={}), 1).rest(0.0) is None

"""How long a plan may take: by hand, by a slow twin, and for chains as long as they get."""

import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.plan.forecast import Forecast, forecast, longest_chain, makespan
from pipespec.plan.planner import make_plan
from pipespec.plan.step_key import step_key

DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
SECONDS = {"a": 1.0, "b": 2.0, "c": 5.0, "d": 1.0}


@pytest.mark.parametrize(("workers", "expected"), [(1, 9.0), (2, 7.0), (8, 7.0)])
def test_diamond_takes_as_long_as_its_workers_need(workers, expected):
    assert makespan(DIAMOND, SECONDS, workers) == expected


def test_longest_chain_is_that_of_most_seconds():
    assert longest_chain(DIAMOND, SECONDS) == ("a", "c", "d")
    assert longest_chain({}, {}) == ()
    assert makespan({}, {}, 3) == 0.0


def test_priority_goes_first():
    upstream = {"short": (), "other": (), "long": ()}
    seconds = {"short": 1.0, "other": 1.0, "long": 2.0}

    assert makespan(upstream, seconds, 2) == 3.0
    assert makespan(upstream, seconds, 2, {"long": 1}) == 2.0


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 8))
    upstream = {
        str(number): tuple(
            str(above) for above in draw(st.sets(st.integers(0, max(number - 1, 0)), max_size=number))
        )
        for number in range(count)
    }
    return upstream, {step: float(draw(st.integers(0, 9))) for step in upstream}


@given(graphs(), st.integers(1, 4))
def test_total_lies_between_its_bounds(graph, workers):
    upstream, seconds = graph
    total = makespan(upstream, seconds, workers)
    chain = longest_chain(upstream, seconds)
    work, longest = sum(seconds.values()), sum(seconds[step] for step in chain)

    assert all(before in upstream[after] for before, after in pairwise(chain))
    assert max(longest, work / workers) <= total <= work
    assert total <= work / workers + longest  # Graham's bound for list scheduling
    assert makespan(upstream, seconds, 1) == work
    assert makespan(upstream, seconds, len(upstream)) == longest


def test_forecast_takes_medians_and_leaves_out_what_is_reused(make):
    spec = make.pipeline(
        make.step("ids"),
        make.step("titles", inputs={"ids": "ids"}),
        make.step("train", inputs={"table": "titles"}),
        make.step("new", inputs={"table": "titles"}),
    )
    records = make.records(names={"titles", "train"})
    records.add(spec.steps["ids"], step_key(spec.steps["ids"], make.facts(), {}).hex)
    plan = make_plan(spec, make.facts(), records)
    history = {"ids": (9.0,), "titles": (1.0, 9.0, 3.0), "train": (2.0, 4.0)}

    found = forecast(replace(plan, history=history), workers=2)

    assert found == Forecast(
        steps={"titles": 3.0, "train": 3.0, "new": None},
        workers=2,
        seconds=6.0,
        chain=("titles", "train"),
        chain_seconds=6.0,
    )
    assert found.unknown == ("new",)


def test_twins_take_time_once(make):
    spec = make.pipeline(
        make.step("train", variant=(("n", 1),), params={"x": 1}),
        make.step("train", variant=(("n", 2),), params={"x": 1}),
    )
    plan = make_plan(spec, make.facts(), make.records())

    found = forecast(replace(plan, history={"train": (4.0,)}), workers=2)

    assert (found.steps, found.seconds) == ({"train[n=1]": 4.0, "train[n=2]": 0.0}, 4.0)


def test_chain_of_ten_thousand_steps_is_fast():
    upstream = {str(n): (str(n - 1),) if n else () for n in range(10_000)}
    seconds = dict.fromkeys(upstream, 1.0)
    began = time.process_time()

    assert (makespan(upstream, seconds, 4), len(longest_chain(upstream, seconds))) == (10_000.0, 10_000)
    assert time.process_time() - began < 2

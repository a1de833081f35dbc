from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.spec.step_graph import ancestors, descendants, find_cycle, topological_order

DIAMOND = {"end": ("left", "right"), "left": ("start",), "right": ("start",), "start": ()}


@st.composite
def graphs(draw):
    names = [f"s{number}" for number in range(draw(st.integers(0, 12)))]
    return {name: tuple(draw(st.lists(st.sampled_from(names), max_size=3))) for name in names}


def test_order_puts_each_after_all_it_waits_for():
    assert topological_order(DIAMOND) == ("start", "left", "right", "end")


def test_ties_keep_the_order_of_the_file():
    assert topological_order({"c": (), "a": (), "b": ("a",), "d": ()}) == ("c", "a", "b", "d")


def test_names_that_are_no_keys_are_left_out():
    assert topological_order({"a": ("elsewhere",)}) == ("a",)
    assert find_cycle({"a": ("elsewhere",)}) is None


def test_order_refuses_a_cycle():
    with pytest.raises(ValueError, match="cycle"):
        topological_order({"a": ("b",), "b": ("a",)})


@pytest.mark.parametrize(
    ("upstream", "cycle"),
    [
        ({"a": ("a",)}, ("a", "a")),
        ({"a": ("b",), "b": ("a",)}, ("a", "b", "a")),
        ({"x": ("c",), "a": ("b",), "b": ("c",), "c": ("a",)}, ("a", "b", "c", "a")),
        (DIAMOND, None),
        ({}, None),
    ],
    ids=["self", "two", "reached from outside", "diamond", "empty"],
)
def test_a_cycle_is_a_path_that_begins_at_its_first_name_in_the_file(upstream, cycle):
    assert find_cycle(upstream) == cycle


def test_reach_goes_both_ways_and_leaves_the_start_out():
    assert ancestors(DIAMOND, ["end"]) == {"left", "right", "start"}
    assert descendants(DIAMOND, ["start"]) == {"left", "right", "end"}
    assert ancestors(DIAMOND, ["start"]) == frozenset()
    assert ancestors(DIAMOND, ["end", "left"]) == {"left", "right", "start"}


@given(graphs())
def test_there_is_an_order_or_a_cycle_and_never_both(upstream):
    cycle = find_cycle(upstream)

    if cycle is None:
        order = topological_order(upstream)
        assert sorted(order) == sorted(upstream)
        assert all(order.index(up) < order.index(name) for name, ups in upstream.items() for up in ups)
    else:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert all(after in upstream[before] for before, after in pairwise(cycle))


@given(graphs())
def test_descendants_are_those_who_have_it_as_ancestor(upstream):
    for name in upstream:
        assert descendants(upstream, [name]) == {
            one for one in upstream if name in ancestors(upstream, [one])
        }


@pytest.mark.parametrize(
    "upstream",
    [
        {f"s{n}": (f"s{n - 1}",) if n else () for n in range(10_000)},
        {f"s{n}": (f"s{n + 1}",) if n < 9_999 else () for n in range(10_000)},
        {"hub": tuple(f"s{n}" for n in range(10_000)), **{f"s{n}": () for n in range(10_000)}},
        {"hub": (), **{f"s{n}": ("hub",) for n in range(10_000)}},
    ],
    ids=["chain", "chain backwards", "fan-in", "fan-out"],
)
def test_ten_thousand_steps_take_no_depth_and_little_time(upstream):
    began = time.process_time()
    order = topological_order(upstream)
    assert find_cycle(upstream) is None
    assert len(order) == len(upstream)
    assert len(ancestors(upstream, order[-1:])) in (1, 9_999, 10_000)
    assert len(descendants(upstream, order[:1])) in (1, 9_999, 10_000)
    assert time.process_time() - began < 2


def test_a_step_knows_what_it_reads_and_its_params_as_values(make):
    reads_two = make.step(
        "last",
        inputs={"a": "first", "b": make.reads("second", "other", fan_in=True), "again": "first"},
        params={"depth": 4, "names": ["x"]},
    )

    assert reads_two.producers == tuple(
        dict.fromkeys(producer for one in reads_two.step_inputs for producer in one.producers)
    )
    assert [source.step for source in reads_two.step_inputs] == ["first", "second", "first"]
    assert reads_two.param_values == {"depth": 4, "names": ["x"]}

"""Luigi's real worker over our scheduler: what is handed out, in what order, and at what cost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.engine.luigi.luigi_tasks import TaskGraph, raised_priorities
from pipespec.engine.luigi.luigi_worker import drive


class Run:
    """Steps that end in the order in which they began, as soon as `slots` are taken."""

    stopping = False

    def __init__(self, graph, slots=1, failing=()):
        self.graph, self.slots, self.failing = graph, slots, failing
        self.begun, self.under_way, self.at_once = [], [], []

    @property
    def used(self):
        found = Counter()
        for step in self.under_way:
            found.update(self.graph.resources.get(step, {}))
        return found

    def begin(self, step):
        assert all(above in self.graph.complete for above in self.graph.upstream[step])
        self.begun.append(step)
        self.under_way.append(step)
        self.at_once.append(tuple(self.under_way))

    def next_ended(self):
        step = self.under_way.pop(0)
        if step in self.failing:
            return step, False
        self.graph.complete.add(step)
        return step, True


def run(upstream, *, slots=1, failing=(), limits=None, complete=(), **about):
    graph = TaskGraph("0123456789ab", "news", upstream, complete=set(complete), **about)
    found = Run(graph, slots, failing)
    drive(graph, found, resources=limits or {})
    return found


def chain(count):
    return {f"s{i}": (f"s{i - 1}",) if i else () for i in range(count)}


def fan(count):
    return {"s0": ()} | {f"s{i}": ("s0",) for i in range(1, count)}


def shuffled(count):
    drawn = random.Random(7)
    return {f"s{i}": tuple({f"s{drawn.randrange(i)}" for _ in range(3)}) if i else () for i in range(count)}


def test_steps_begin_in_plan_order_where_nothing_else_decides():
    assert run({"b": (), "a": (), "c": (), "d": ("b",)}).begun == ["b", "a", "c", "d"]


def test_the_more_urgent_step_goes_first_and_pulls_what_it_waits_for():
    upstream = {"a": (), "b": (), "c": ("b",), "d": ("a",)}

    found = run(upstream, priorities=raised_priorities(upstream, {"c": 9, "d": -1}))

    assert found.begun == ["b", "c", "a", "d"]


def test_complete_steps_are_not_handed_out_but_let_others_begin():
    assert run({"a": (), "b": ("a",), "c": ("b",)}, complete={"a"}).begun == ["b", "c"]


def test_a_complete_step_hides_what_it_waited_for_only_if_that_is_complete_too():
    assert run({"a": (), "b": ("a",)}, complete={"b"}).begun == ["a"]


def test_a_failed_step_keeps_back_all_that_wait_for_it_and_nothing_else():
    found = run({"a": (), "b": (), "c": ("a",), "d": ("c", "b"), "e": ("b",)}, failing=("a",))

    assert found.begun == ["a", "b", "e"]


def test_no_more_steps_than_slots_are_under_way():
    found = run(fan(40), slots=3)

    assert max(len(steps) for steps in found.at_once) == 3
    assert len(found.begun) == 40


def test_resources_bound_what_is_under_way():
    needs = {f"s{i}": {"gpu": 1} for i in range(0, 20, 2)}

    found = run({f"s{i}": () for i in range(20)}, slots=6, resources=needs, limits={"gpu": 2})

    with_gpu = [sum(step in needs for step in steps) for steps in found.at_once]
    assert max(with_gpu) == 2
    assert len(found.begun) == 20


def test_of_a_resource_without_a_limit_there_is_one():
    needs = {"a": {"licence": 1}, "b": {"licence": 1}}

    found = run({"a": (), "b": ()}, slots=2, resources=needs)

    assert found.at_once == [("a",), ("b",)]


def test_what_waits_for_a_resource_is_not_overtaken_on_it_by_less_urgent_steps():
    needs = {"small": {"gpu": 1}, "big": {"gpu": 2}, "late": {"gpu": 1}, "free": {}}

    found = run(
        dict.fromkeys(("small", "big", "late", "free"), ()),
        slots=3,
        resources=needs,
        priorities={"small": 2, "big": 1},
        limits={"gpu": 2},
    )

    assert found.begun == ["small", "free", "big", "late"]


def test_steps_of_one_urgency_do_not_keep_a_free_resource_idle():
    needs = {"small": {"gpu": 1}, "big": {"gpu": 2}, "other": {"gpu": 1}}

    found = run(dict.fromkeys(needs, ()), slots=3, resources=needs, limits={"gpu": 2})

    assert found.at_once[:2] == [("small",), ("small", "other")]


def test_once_stopping_nothing_more_is_handed_out():
    graph = TaskGraph("0123456789ab", "news", {"a": (), "b": (), "c": ()}, complete=set())

    class Stops(Run):
        @property
        def stopping(self):
            return len(self.begun) > 1

    found = Stops(graph, slots=1)
    drive(graph, found, resources={})

    assert found.begun == ["a", "b"]


@given(st.data())
def test_every_step_is_handed_out_once_after_all_that_it_waits_for(data):
    count = data.draw(st.integers(1, 12))
    above = st.lists(st.integers(0, count), max_size=3)
    upstream = {f"s{i}": tuple({f"s{j}" for j in data.draw(above) if j < i}) for i in range(count)}
    slots = data.draw(st.integers(1, 4))
    needs = {step: {"gpu": data.draw(st.integers(0, 2))} for step in upstream}
    urgency = {step: data.draw(st.integers(-1, 1)) for step in upstream}

    found = run(upstream, slots=slots, resources=needs, priorities=urgency, limits={"gpu": 2})

    assert sorted(found.begun) == sorted(upstream)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [chain, fan, shuffled])
def test_ten_thousand_steps_take_linear_time(shape):
    """Measured 0.2 ms a step; the bound is Luigi's stock scheduler at 100 steps."""
    upstream = shape(10_000)

    before = time.process_time()
    found = run(upstream, slots=4)
    seconds = time.process_time() - before

    assert len(found.begun) == 10_000
    assert seconds < 20


def test_memory_does_not_grow_with_the_square_of_what_is_under_way():
    """Luigi's worker keeps what ran whenever it asked for work; with 400 at a time that was 46 kB for each of them."""

    class Held(Run):
        """Begins all that there are slots for before any of them ends."""

        def next_ended(self):
            room = len(self.under_way) < self.slots and len(self.begun) < len(self.graph.upstream)
            return None if room else super().next_ended()

    def peak(slots):
        graph = TaskGraph("0123456789ab", "news", {f"s{i}": () for i in range(400)}, complete=set())
        found = Held(graph, slots)
        tracemalloc.start()
        drive(graph, found, resources={})
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(found.begun) == 400
        return size

    assert (peak(400) - peak(2)) / 400 < 4_000


def test_a_long_chain_that_fails_at_its_head_ends_the_run():
    """Luigi's own summary of such a run exceeds Python's recursion limit."""
    assert run(chain(5000), failing=("s0",)).begun == ["s0"]


@pytest.mark.slow
def test_ten_thousand_steps_that_want_one_resource_take_linear_time():
    needs = {f"s{i}": {"gpu": 1} for i in range(10_000)}

    before = time.process_time()
    found = run(dict.fromkeys(needs, ()), slots=4, resources=needs)
    seconds = time.process_time() - before

    assert found.begun == list(needs)
    assert seconds < 20


CONFIG = """
[core]
logging_conf_file=nothing.cfg
parallel_scheduling=true
[resources]
gpu=0
[scheduler]
retry_count=1
metrics_collector=prometheus
record_task_history=true
[worker]
keep_alive=true
task_limit=1
timeout=1
"""


def test_a_stray_luigi_cfg_changes_nothing(tmp_path):
    (tmp_path / "luigi.cfg").write_text(CONFIG)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_ready_scheduler import run\n"
        "print(run({'a': (), 'b': ('a',), 'c': ()}, failing=('c',), resources={'a': {'gpu': 1}}).begun)"
    )

    said = subprocess.run(
        [sys.executable, "-c", code, Path(__file__).parent],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert said.stdout == "['a', 'b', 'c']\n", said.stderr

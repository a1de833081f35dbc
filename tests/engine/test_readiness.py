"""What of a plan can run, and what keeps the rest back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.engine.luigi.make_task_graph import make_task_graph
from pipespec.engine.readiness import culprits, postponed, require_resources, shared_imports, waits_for
from pipespec.errors import UsageError


def plan_of(engine, *lines):
    engine.write(
        "steps.py",
        "import click\nimport json\n\ndef one(**x):\n    return [1]\n\ndef other(**x):\n    return [1]\n",
    )
    engine.write(
        "pipeline.yaml", "\n".join(("pipespec: 1", "name: waves", "steps:", *(f"  {line}" for line in lines)))
    )
    return engine.plan()


@pytest.fixture
def diamond(engine):
    return plan_of(
        engine,
        "a: {call: 'steps:one', outputs: {o: o.json}}",
        "b: {call: 'steps:one', inputs: {x: a}, outputs: {o: o.json}, priority: 5}",
        "c: {call: 'steps:one', inputs: {x: a}, outputs: {o: o.json}, resources: {gpu: 2}, params: {n: 1}}",
        "d: {call: 'steps:one', inputs: {x: b}, needs: [c], outputs: {o: o.json}, priority: 7}",
    )


def test_the_board_shows_what_luigi_needs(diamond):
    graph = make_task_graph(diamond, "token", complete={"a"}, failed=())

    assert dict(graph.upstream) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    assert graph.shown == {"b": "{}", "c": '{"n": 1}', "d": "{}"}
    assert graph.priorities == {"a": 7, "b": 7, "c": 7, "d": 7}
    assert graph.resources == {"c": {"gpu": 2}}


def test_what_failed_and_what_depends_on_it_is_not_on_the_board(diamond):
    assert list(make_task_graph(diamond, "token", complete={"a"}, failed={"b"}).upstream) == ["a", "c"]


def test_each_blocked_step_has_the_failed_step_as_its_culprit(diamond):
    assert culprits(waits_for(diamond), {"b"}) == {"d": "b"}
    assert culprits(waits_for(diamond), {"a"}) == {"b": "a", "c": "a", "d": "a"}


def test_a_step_that_needs_more_than_there_is_is_refused_unless_it_is_complete(diamond):
    require_resources(diamond, {"gpu": 2}, complete=())
    require_resources(diamond, {}, complete={"c"})
    with pytest.raises(UsageError, match=r"^step 'c' needs 2 of resource 'gpu', but the total is 1$"):
        require_resources(diamond, {}, complete=())


def test_a_step_with_anothers_key_waits_for_that_one(engine):
    plan = plan_of(
        engine, "s: {call: 'steps:one', matrix: {x: [1, 2]}, identity: {ignore: [x]}, outputs: {o: o.json}}"
    )

    assert waits_for(plan) == {"s[x=1]": (), "s[x=2]": ("s[x=1]",)}


def test_steps_whose_matrix_is_an_output_are_postponed_with_all_below(engine):
    plan = plan_of(
        engine,
        "a: {call: 'steps:one', outputs: {o: o.json}}",
        "b: {call: 'steps:one', matrix: {x: a.o}, outputs: {o: o.json}}",
        "c: {call: 'steps:one', inputs: {x: 'b[*]'}, outputs: {o: o.json}}",
        "d: {call: 'steps:one', inputs: {x: a}, outputs: {o: o.json}}",
    )

    assert postponed(plan) == {"b[x=*]", "c"}
    assert list(make_task_graph(plan, "token", complete=(), failed=()).upstream) == ["a", "d"]


def test_what_two_steps_import_is_shared(engine):
    one = plan_of(engine, "a: {call: 'steps:one', outputs: {o: o.json}}")
    two = plan_of(
        engine,
        "a: {call: 'steps:one', outputs: {o: o.json}}",
        "b: {call: 'steps:other', outputs: {o: o.json}}",
    )

    assert shared_imports(one) == ()
    assert shared_imports(two) == ("click",)


@given(st.data())
def test_culprits_are_the_failed_steps_above(data):
    count = data.draw(st.integers(1, 15))
    upstream = {
        f"s{i}": tuple(
            f"s{j}" for j in sorted(data.draw(st.sets(st.integers(0, count), max_size=3))) if j < i
        )
        for i in range(count)
    }
    failed = set(data.draw(st.lists(st.sampled_from(sorted(upstream)), max_size=3)))

    found = culprits(upstream, failed)

    above = {step: set() for step in upstream}
    for step, direct in upstream.items():
        above[step] = set(direct).union(*(above[other] for other in direct)) if direct else set()
    assert set(found) == {step for step in upstream if above[step] & failed}
    assert all(culprit in above[step] & failed for step, culprit in found.items())

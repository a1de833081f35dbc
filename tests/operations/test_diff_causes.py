"""What `diff` says would run again, held to what a plan says of the same edit."""

from __future__ import annotations

import shutil

import pytest

from pipespec.operations.compiling.compile_file import compile_file
from pipespec.operations.inspecting.input_contents import content_in_manifests, content_on_disk
from pipespec.operations.planning.gather_facts import code_of
from pipespec.plan.forecast import longest_chain
from pipespec.plan.pipeline_diff import Side, actions_of, compare_pipelines
from pipespec.views.graph.graph_picture import edges_between

STEPS = """
from pathlib import Path

def read(table: str, n: int = 0) -> list:
    return [len(table) + n]

def tree(tables: Path) -> int:
    return len(list(tables.iterdir()))

def lists(n: int) -> list:
    return list(range(n))

def grow(rows: list, depth: int) -> list:
    return rows * depth

def use(rows: list) -> list:
    return rows
"""

PIPELINE = """
pipespec: 1
name: causes
steps:
  read:
    call: steps:read
    inputs: {table: {file: data/a.csv}}
    params: {n: 1}
    outputs: {rows: rows.json}
  use: {call: "steps:use", inputs: {rows: read.rows}, outputs: {rows: rows.json}}
  tree: {call: "steps:tree", inputs: {tables: {dir: data}}, outputs: {n: n.json}}
  lists: {call: "steps:lists", params: {n: 2}, outputs: {depths: depths.json}}
  grow:
    call: steps:grow
    matrix: {depth: lists.depths}
    inputs: {rows: read.rows}
    outputs: {rows: rows.json}
"""


@pytest.fixture
def ran(bench):
    bench.write("steps.py", STEPS)
    bench.write("pipeline.yaml", PIPELINE)
    bench.write("data/a.csv", "a,b")
    bench.run()
    return bench


def side(label, content):
    compiled = compile_file("pipeline.yaml", trusted=True)
    spec = compiled.checked()
    return Side(label, spec, code_of(spec, spec.steps.values(), compiled.modules), content=content)


def identity(text):
    return lambda bench: bench.edit(
        "pipeline.yaml", "params: {n: 1}", f"params: {{n: 1}}\n    identity: {text}"
    )


def moved(what, to, old, new):
    def make(bench):
        source = bench.folder / what
        (shutil.copytree if source.is_dir() else shutil.copy)(source, bench.folder / to)
        bench.edit("pipeline.yaml", old, new)

    return make


def and_then(one, other):
    def make(bench):
        one(bench)
        other(bench)

    return make


FILE = ("{file: data/a.csv}", "{file: moved.csv}")
MOVED = moved("data/a.csv", "moved.csv", *FILE)

# What was edited, and what would run again: each step with its changes, or None where it may.
DIFFERENCES = {
    "nothing": (lambda _: None, {}),
    "identity: a param is ignored": (
        identity("{ignore: [n]}"),
        {"read": [("param n: is ignored now", 9)], "use": None, "grow[depth=*]": None},
    ),
    "identity: a version": (
        identity("{version: 2}"),
        {"read": [("version: null -> 2", 9)], "use": None, "grow[depth=*]": None},
    ),
    "identity: none": (
        identity("none"),
        {
            "read": [("identity: none now, so it runs every time", 9)],
            "use": None,
            "grow[depth=*]": None,
        },
    ),
    "identity: code does not count": (
        identity("{code: none}"),
        {"read": [("code of steps:read does not count now", 9)], "use": None, "grow[depth=*]": None},
    ),
    "identity: a package": (
        identity("{packages: [pytest]}"),
        {"read": [("package pytest: new, as installed", 9)], "use": None, "grow[depth=*]": None},
    ),
    "a file was moved": (MOVED, {}),
    "a folder was moved": (moved("data", "moved", "{dir: data}", "{dir: moved}"), {}),
    "another file of other content": (
        and_then(MOVED, lambda bench: bench.write("moved.csv", "other")),
        {
            "read": [("input table: 'data/a.csv' -> 'moved.csv'", 7)],
            "use": None,
            "grow[depth=*]": None,
        },
    ),
    "what lists the values of an axis": (
        lambda bench: bench.edit("pipeline.yaml", "{n: 2}", "{n: 3}"),
        {"lists": [("param n: 2 -> 3", 12)], "grow[depth=*]": None},
    ),
}


@pytest.mark.parametrize(("change", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_diff_says_what_would_run_again_and_by_which_line(ran, change, expected):
    old = side("old", content_in_manifests(list(ran.ledger.manifests.values())))
    change(ran)
    new = side("new", content_on_disk(ran.folder))

    found = {
        one.step: None if one.may else [(change.detail, change.span.line) for change in one.changes]
        for one in compare_pipelines(old, new).reruns
    }

    assert found == expected
    actions = actions_of(ran.plan(), new.spec)
    assert {step for step, action in actions.items() if action == "run"} <= found.keys()
    assert {step for step, changes in found.items() if changes is not None} == {
        step for step, action in actions.items() if action == "run"
    }


def test_of_a_file_that_nobody_knows_any_more_it_is_said_that_it_may_hold_the_same(ran):
    old = side("old", lambda _: None)
    MOVED(ran)

    reruns = compare_pipelines(old, side("new", content_on_disk(ran.folder))).reruns

    assert [(one.step, one.may, one.causes) for one in reruns] == [
        ("read", True, ()),
        ("use", True, ("read",)),
        ("grow[depth=*]", True, ("read",)),
    ]


def test_variants_of_a_computed_axis_keep_what_listed_their_values(ran):
    plan = ran.plan()
    whole = {step: step for step in plan.pipeline.steps}

    edges = {(edge.source, edge.reader): edge.outputs for edge in edges_between(plan.pipeline, whole)}

    assert edges == {
        ("read", "use"): ("rows",),
        ("lists", "grow[depth=0]"): ("depths",),
        ("lists", "grow[depth=1]"): ("depths",),
        ("read", "grow[depth=0]"): ("rows",),
        ("read", "grow[depth=1]"): ("rows",),
    }
    seconds = {step: 5.0 if step == "lists" else 1.0 for step in whole}
    order = {step: plan.pipeline.upstream[step] for step in plan.decisions}
    assert longest_chain(order, seconds) == ("lists", "grow[depth=0]")

"""What is said of each kind of change: by `plan` and `explain` in the same words, and whether it runs then as it was said."""

from __future__ import annotations

import shutil

import pytest

STEPS = """
from pathlib import Path

from helpers import scale

def lists(n: int) -> list:
    return list(range(n))

def train(rows: list, depth: int = 1, label: str = "x") -> dict:
    return {"depth": depth, "sum": scale(sum(rows))}

def read(table: str) -> list:
    return [len(table)]

def total(tables: Path) -> int:
    return sum(len(file.read_text()) for file in tables.iterdir())

def count(tables: list) -> int:
    return len(tables)

def best(models: dict) -> dict:
    return {"n": len(models)}

def use(model: dict) -> dict:
    return {"used": model}
"""
HELPERS = """
def scale(value):
    return value * 2
"""
OTHERS = HELPERS.replace("* 2", "* 3")

PIPELINE = """
pipespec: 1
name: causes
params: {depth: 1}
steps:
  lists: {call: "steps:lists", params: {n: 3}, outputs: {rows: rows.json}}
  train:
    call: steps:train
    inputs: {rows: lists.rows}
    params: {depth: "${params.depth}", label: one}
    outputs: {model: model.json}
  use: {call: "steps:use", inputs: {model: train.model}, outputs: {used: used.json}}
  read: {call: "steps:read", inputs: {table: {file: data/a.csv}}, outputs: {rows: rows.json}}
  total: {call: "steps:total", inputs: {tables: {dir: data}}, outputs: {n: n.json}}
  count: {call: "steps:count", inputs: {tables: {files: "data/*.csv"}}, outputs: {n: n.json}}
  grow:
    call: steps:train
    matrix: {depth: [1, 2]}
    inputs: {rows: lists.rows}
    outputs: {model: model.json}
  best: {call: "steps:best", inputs: {models: "grow[*].model"}, outputs: {best: best.json}}
  other: {call: "steps:read", inputs: {table: {file: data/a.csv}}, outputs: {rows: rows.json}}
"""


@pytest.fixture
def ran(bench):
    """All steps of the pipeline ran."""
    bench.write("steps.py", STEPS)
    bench.write("helpers.py", HELPERS)
    bench.write("others.py", OTHERS)
    bench.write("pipeline.yaml", PIPELINE)
    bench.write("data/a.csv", "a,b")
    bench.write("data/b.csv", "c")
    assert len(bench.run()[0]) == 10
    return bench


def edit(*changes):
    def make(bench):
        for name, old, new in changes:
            bench.edit(name, old, new)

    return make


def pipeline(old, new):
    return edit(("pipeline.yaml", old, new))


def run_with(*edits):
    """Run after each of these edits."""

    def make(bench):
        for one in edits:
            one(bench)
            bench.run()

    return make


def both(*edits):
    def make(bench):
        for one in edits:
            one(bench)

    return make


def move(bench):
    shutil.copy(bench.folder / "data/a.csv", bench.folder / "moved.csv")
    bench.edit(
        "pipeline.yaml",
        'read: {call: "steps:read", inputs: {table: {file: data/a.csv}}',
        'read: {call: "steps:read", inputs: {table: {file: moved.csv}}',
    )


def delete(step, when=None):
    def make(bench):
        run = next(run for run in reversed(bench.ledger.runs) if run.tags["pipespec.step"] == step)
        bench.ledger.delete(run.run_id, when)

    return make


TRAIN_5 = pipeline("{depth: 1}", "{depth: 5}")

# What was edited, of which step, and what a plan says of it: the action and its reasons.
CAUSES = {
    "a value, there and back and on: the nearest run counts": (
        both(
            run_with(pipeline("label: one", "label: two"), pipeline("depth: 1}", "depth: 7}")),
            edit(("pipeline.yaml", "label: two", "label: one"), ("pipeline.yaml", "depth: 7}", "depth: 2}")),
        ),
        "train",
        ("run", ["param depth: 1 -> 2 (pipeline.yaml:4)"]),
    ),
    "identity: a param is ignored": (
        pipeline("label: one}", "label: one}\n    identity: {ignore: [label]}"),
        "train",
        ("run", ["param label: is ignored now (pipeline.yaml:11)"]),
    ),
    "identity: a param is not ignored any more": (
        both(
            run_with(pipeline("label: one}", "label: one}\n    identity: {ignore: [label]}")),
            pipeline("one}\n    identity: {ignore: [label]}", "two}"),
        ),
        "train",
        ("run", ["param label: is not ignored any more (pipeline.yaml:7)"]),
    ),
    "identity: none": (
        pipeline("label: one}", "label: one}\n    identity: none"),
        "train",
        ("run", ["identity is none, so it runs every time"]),
    ),
    "identity: a version": (
        pipeline("label: one}", "label: one}\n    identity: {version: 2}"),
        "train",
        ("run", ["version: null -> 2 (pipeline.yaml:11)"]),
    ),
    "identity: code does not count": (
        pipeline("label: one}", "label: one}\n    identity: {code: none}"),
        "train",
        ("run", ["code of steps:train does not count now (pipeline.yaml:11)"]),
    ),
    "a value of an axis is new: its own variant": (
        pipeline("[1, 2]", "[1, 2, 3]"),
        "grow[depth=3]",
        ("run", ["param depth: 2 -> 3 (pipeline.yaml:18)"]),
    ),
    "a value of an axis is new: the step that fans in": (
        pipeline("[1, 2]", "[1, 2, 3]"),
        "best",
        (
            "run",
            [
                "input models: 'grow[depth=3]' is new (pipeline.yaml:21)",
                "input 'models' comes from 'grow[depth=3]', which runs first",
            ],
        ),
    ),
    "a value of an axis is gone: the step that fans in": (
        pipeline("[1, 2]", "[1]"),
        "best",
        ("run", ["input models: 'grow[depth=2]' is gone (pipeline.yaml:21)"]),
    ),
    "a step above changed, and may make the same": (
        pipeline("{n: 3}", "{n: 4}"),
        "train",
        ("wait", ["input 'rows' comes from 'lists', which runs first"]),
    ),
    "a step above changed, and a param too": (
        both(pipeline("{n: 3}", "{n: 4}"), TRAIN_5),
        "train",
        (
            "run",
            ["param depth: 1 -> 5 (pipeline.yaml:4)", "input 'rows' comes from 'lists', which runs first"],
        ),
    ),
    "a step above surely runs: it is said so": (
        both(pipeline("{n: 3}", "{n: 4}"), TRAIN_5),
        "use",
        ("wait", ["input 'model' comes from 'train', which runs first"]),
    ),
    "a file was moved": (move, "read", ("reuse", ["run 00000004000000040000000400000004 has its key"])),
    "a file has other content": (
        lambda bench: bench.write("data/a.csv", "longer"),
        "read",
        ("run", ["input table: content of 'data/a.csv' changed (pipeline.yaml:13)"]),
    ),
    "another file, of other content": (
        pipeline(
            'read: {call: "steps:read", inputs: {table: {file: data/a.csv}}',
            'read: {call: "steps:read", inputs: {table: {file: data/b.csv}}',
        ),
        "read",
        ("run", ["input table: 'data/a.csv' -> 'data/b.csv' (pipeline.yaml:13)"]),
    ),
    "one file of a folder": (
        lambda bench: bench.write("data/b.csv", "other"),
        "total",
        ("run", ["input tables: in 'data', b.csv changed (pipeline.yaml:14)"]),
    ),
    "files of a folder: one new, one gone": (
        both(
            lambda bench: bench.write("data/c.csv", "new"),
            lambda bench: (bench.folder / "data/b.csv").unlink(),
        ),
        "total",
        ("run", ["input tables: in 'data', b.csv is gone, c.csv is new (pipeline.yaml:14)"]),
    ),
    "one file of a pattern": (
        lambda bench: bench.write("data/b.csv", "other"),
        "count",
        ("run", ["input tables: in 'data/*.csv', b.csv changed (pipeline.yaml:15)"]),
    ),
    "a run was deleted": (
        delete("train"),
        "train",
        ("run", ["its run 00000002 was deleted in MLflow"]),
    ),
    "a run was deleted, and MLflow says when": (
        delete("train", 1_780_000_000.0),
        "train",
        ("run", ["its run 00000002 was deleted in MLflow, 2026-05-28 20:26 UTC"]),
    ),
    "the run above one that was deleted": (
        delete("train"),
        "use",
        ("wait", ["input 'model' comes from 'train', which runs first"]),
    ),
    "a step's output swapped for a file": (
        both(
            lambda bench: bench.write("model.json", '{"depth": 9}'),
            pipeline("{model: train.model}", "{model: {file: model.json}}"),
        ),
        "use",
        ("run", ["input model: 'train.model' -> 'model.json' (pipeline.yaml:12)"]),
    ),
    "a file swapped for a step's output": (
        both(
            lambda bench: bench.write("model.json", '{"depth": 9}'),
            run_with(pipeline("{model: train.model}", "{model: {file: model.json}}")),
            pipeline("{model: {file: model.json}}", "{model: 'grow[depth=2].model'}"),
        ),
        "use",
        ("run", ["input model: 'model.json' -> 'grow[depth=2].model' (pipeline.yaml:12)"]),
    ),
    "a step swapped for another": (
        pipeline("{model: train.model}", "{model: 'grow[depth=2].model'}"),
        "use",
        ("run", ["input model: 'train' -> 'grow[depth=2]' (pipeline.yaml:12)"]),
    ),
    "a step is renamed": (
        pipeline("  read: {", "  reading: {"),
        "reading",
        ("run", ["renamed: this was step 'read' (pipeline.yaml:13)"]),
    ),
    "a step is renamed, and more": (
        pipeline(
            '  read: {call: "steps:read", inputs: {table: {file: data/a.csv}}',
            '  reading: {call: "steps:read", inputs: {table: {file: data/b.csv}}',
        ),
        "reading",
        ("run", ["it has no finished run yet"]),
    ),
    "an import is redirected": (
        edit(("steps.py", "from helpers import scale", "from others import scale")),
        "train",
        (
            "run",
            [
                "import of steps:scale changed (steps.py:4)",
                "code helpers:scale no longer counts",
                "code others:scale counts now (others.py:2)",
            ],
        ),
    ),
    "a helper changed": (
        edit(("helpers.py", "* 2", "* 4")),
        "train",
        ("run", ["code helpers:scale changed (helpers.py:2)"]),
    ),
}


@pytest.mark.parametrize(("change", "step", "expected"), CAUSES.values(), ids=CAUSES)
def test_plan_and_explain_name_the_cause(ran, change, step, expected):
    change(ran)

    assert ran.told(step) == expected

    decision, found = ran.plan().decisions[step], ran.explain(step)
    assert found.decision == decision
    assert found.may_stop == (expected[0] == "wait")
    executed, _ = ran.run()
    assert {"run": [True], "reuse": [False], "wait": [True, False]}[expected[0]].count(step in executed) == 1


def test_of_a_run_that_was_deleted_it_is_said_to_who_read_it(ran):
    delete("train")(ran)
    again = STEPS.replace("sum(rows))}", "sum(rows)), 'random': 7}")
    ran.write("steps.py", again)  # made anew it is another, under the same key
    ran.write("steps.py", STEPS)
    record = ran.plan().decisions["train"]
    other = ran.ledger.runs[1]
    ran.ledger.publish(
        dict(other.tags),
        {"model": '{"random": 7}'},
        ran.ledger.manifests[other.run_id],
        {"model": "model.json"},
    )

    assert record.action == "run"
    assert ran.told("use") == (
        "run",
        [
            "input model: 'train' produced different content: its run 00000002 was deleted in MLflow (pipeline.yaml:12)"
        ],
    )


def test_steps_of_another_pipeline_with_the_same_names_are_not_ours(ran):
    ran.write(
        "mine.py", "def train(rows: list) -> dict:\n    return {}\ndef lists() -> list:\n    return [1]\n"
    )
    ran.write(
        "mine.yaml",
        """
        pipespec: 1
        name: mine
        steps:
          lists: {call: "mine:lists", outputs: {rows: rows.json}}
          train: {call: "mine:train", inputs: {rows: lists.rows}, outputs: {model: model.json}}
        """,
    )

    assert [ran.told(step, "mine.yaml") for step in ("lists", "train")] == [
        ("run", ["it has no finished run yet"]),
        ("run", ["it has no finished run yet", "input 'rows' comes from 'lists', which runs first"]),
    ]
    assert ran.states("mine.yaml") == {"lists": "missing", "train": "missing"}


def test_the_same_step_in_another_pipeline_may_have_run_there(ran):
    """It has the same name and calls the same function, so its key may be the same: it may be reused."""
    ran.write("copy.yaml", PIPELINE.replace("name: causes", "name: copy").replace("{n: 3}", "{n: 4}"))

    assert ran.told("train", "copy.yaml") == ("wait", ["input 'rows' comes from 'lists', which runs first"])


READER = """
pipespec: 1
name: reader
steps:
  take: {call: "steps:use", inputs: {model: {pipeline: pipeline.yaml, output: train.model}}, outputs: {used: used.json}}
"""


def test_of_another_pipelines_result_step_output_and_run_are_told_and_recorded(ran):
    ran.write("reader.yaml", READER)
    ran.run("reader.yaml")
    (told,) = [each for each in ran.ledger.manifests.values() if each["pipeline"] == "reader"]
    first = ran.ledger.runs[1].run_id
    assert told["inputs"]["model"] == {
        "pipeline": "pipeline.yaml",
        "step": "train",
        "output": "model",
        "file": "model.json",
        "run_id": first,
        "digest": ran.ledger.outputs[first]["model"].digest,
    }

    TRAIN_5(ran)
    ran.run()
    second = ran.plan().decisions["train"].record.run_id
    assert ran.told("take", "reader.yaml") == (
        "run",
        [
            f"input model: 'train.model' of 'pipeline.yaml' produced different content (run {first[:8]} -> {second[:8]}) (reader.yaml:5)"
        ],
    )

    ran.edit("reader.yaml", "train.model", "'grow[depth=2].model'")
    assert ran.told("take", "reader.yaml") == (
        "run",
        [
            "input model: 'train.model' of 'pipeline.yaml' -> 'grow[depth=2].model' of 'pipeline.yaml' (reader.yaml:5)"
        ],
    )


def test_states_say_what_a_plan_says(ran):
    assert set(ran.states().values()) == {"complete"}
    both(TRAIN_5, pipeline("  read: {", "  reading: {"), pipeline("[1, 2]", "[1, 2, 3]"))(ran)
    ran.write("fresh.csv", "new")
    pipeline('  count: {call: "steps:count"', '  fresh: {call: "steps:count"')(ran)
    pipeline('files: "data/*.csv"', 'files: "*.csv"')(ran)

    assert ran.states() == {
        "lists": "complete",
        "train": "stale",
        "use": "stale",
        "reading": "stale",
        "total": "complete",
        "fresh": "missing",
        "grow[depth=1]": "complete",
        "grow[depth=2]": "complete",
        "grow[depth=3]": "stale",
        "best": "stale",
        "other": "complete",
    }

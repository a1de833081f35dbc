from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipespec.plan.plan import Reason, ReasonKind
from pipespec.plan.planner import make_plan
from pipespec.plan.step_key import step_key
from pipespec.plan.store_name import StoreName
from pipespec.spec.pipeline_spec import Bounds, Identity
from pipespec.views.plan_view import render_text, to_json
from pipespec.views.terminal_text import columns_of

STORE = StoreName("sqlite:////project/mlflow.db", Path("/project"))
HISTORY = {"titles": (3.0,), "train": (9.0, 7.0)}


@pytest.fixture
def spec(make):
    return make.pipeline(
        make.step("ids"),
        make.step("titles", inputs={"ids": "ids"}),
        make.step("train", variant=(("depth", 4), ("learning_rate", 0.1)), inputs={"table": "titles"}),
        make.step("notify", identity=Identity(never=True)),
    )


@pytest.fixture
def records(make, spec):
    """Ids is complete; titles finished before, under another key."""
    records = make.records(names={"titles", "train"})
    record = records.add(spec.steps["ids"], step_key(spec.steps["ids"], make.facts(), {}).hex)
    records.by_key[record.key] = replace(record, run_id="1f2e3d", ended=1000.0)
    return records


def test_text_says_what_happens_to_each_step_and_why(make, spec, records):
    assert render_text(make_plan(spec, make.facts(), records), store=STORE) == (
        "  reuse  ids\n"
        "  run    titles                            no finished run has its key\n"
        "  wait   train[depth=4,learning_rate=0.1]  input 'table' comes from 'titles',\n"
        "                                           which runs first; may be reused\n"
        "  run    notify                            identity is none, so it runs every\n"
        "                                           time\n"
        "\n"
        "2 to run, 1 may run, 1 reused\n"
        "store: sqlite:///mlflow.db"
    )


def test_with_the_time_reused_steps_have_an_age(make, spec, records):
    text = render_text(make_plan(spec, make.facts(), records, targets=["ids"]), store=STORE, now=1200.0)

    assert text == "  reuse  ids  3 min ago\n\ncomplete: nothing to run, 1 reused\nstore: sqlite:///mlflow.db"


def test_json_has_the_shape_that_scripts_read(make, spec, records, fits_schema):
    plan = replace(make_plan(spec, make.facts(), records), history=HISTORY)

    answer = to_json(plan, store=STORE, workers=2)

    assert answer == {
        "version": 1,
        "store": "sqlite:////project/mlflow.db",
        "steps": [
            {
                "step": "ids",
                "action": "reuse",
                "key": plan.decisions["ids"].key.hex,
                "run_id": "1f2e3d",
                "reasons": [{"kind": "complete", "detail": "run 1f2e3d has its key"}],
                "expected_seconds": 0.0,
            },
            {
                "step": "titles",
                "action": "run",
                "key": plan.decisions["titles"].key.hex,
                "run_id": None,
                "reasons": [{"kind": "changed", "detail": "no finished run has its key"}],
                "expected_seconds": 3.0,
            },
            {
                "step": "train[depth=4,learning_rate=0.1]",
                "action": "wait",
                "key": None,
                "run_id": None,
                "reasons": [
                    {"kind": "upstream", "detail": "input 'table' comes from 'titles', which runs first"}
                ],
                "expected_seconds": 8.0,
            },
            {
                "step": "notify",
                "action": "run",
                "key": None,
                "run_id": None,
                "reasons": [{"kind": "no-identity", "detail": "identity is none, so it runs every time"}],
                "expected_seconds": None,
            },
        ],
        "expected": {
            "workers": 2,
            "seconds": 11.0,
            "critical_path": ["titles", "train[depth=4,learning_rate=0.1]"],
            "critical_seconds": 11.0,
            "unknown": ["notify"],
        },
    }
    fits_schema("plan", answer)


def test_text_has_expected_times_where_something_is_known(make, spec, records):
    plan = replace(make_plan(spec, make.facts(), records, targets=["train", "notify"]), history=HISTORY)

    assert render_text(plan, store=STORE, workers=2).splitlines()[-5:] == [
        "",
        "2 to run, 1 may run, 1 reused",
        "about 11.0 s, 2 at a time, plus 1 without an earlier run; start-up is not included",
        "the longest chain takes 11.0 s: titles > train[depth=4,learning_rate=0.1]",
        "store: sqlite:///mlflow.db",
    ]
    assert "  run    titles                            3.0 s" in render_text(plan, store=STORE)


def test_every_change_is_told(make, spec, records):
    plan = make_plan(spec, make.facts(), records, targets=["titles"])
    changed = tuple(Reason(ReasonKind.CHANGED, detail) for detail in ("param a: 1 -> 2", "call: a:b -> a:c"))
    plan = replace(plan, decisions={"titles": replace(plan.decisions["titles"], reasons=changed)})

    assert render_text(plan, store=STORE) == (
        "  run  titles  param a: 1 -> 2; call: a:b -> a:c\n\n1 to run, 0 reused\nstore: sqlite:///mlflow.db"
    )


def test_every_kind_of_reason_fits_the_schema(make, fits_schema):
    twins = [
        make.step("fit", variant=(("n", n),), identity=Identity(version=1), inputs={"x": "train"})
        for n in (1, 2)
    ]
    spec = make.pipeline(
        make.step("train", checks={"accuracy": Bounds(0.9, None, make.place)}), make.step("gone"), *twins
    )
    records = make.records()
    for name in ("train", "gone"):
        records.add(spec.steps[name], step_key(spec.steps[name], make.facts(), {}).hex)
    records.gone[step_key(spec.steps["gone"], make.facts(), {}).hex] = "out.json is gone"

    plan = make_plan(spec, make.facts(), records)
    answer = to_json(plan, store=STORE)

    assert {reason["kind"] for step in answer["steps"] for reason in step["reasons"]} == {
        "complete",
        "check-failed",
        "artifact-lost",
        "never-ran",
        "same-key",
        "blocked",
    }
    fits_schema("plan", answer)
    assert render_text(plan, store=STORE) == (
        "  reuse  train     fails: metric 'accuracy' was not recorded\n"
        "  run    gone      out.json is gone\n"
        "  run    fit[n=1]  it has no finished run yet; blocked: 'train' fails its checks\n"
        "  wait   fit[n=2]  has the key of 'fit[n=1]', which runs first; blocked: 'train'\n"
        "                   fails its checks\n"
        "\n"
        "2 to run, 1 may run, 1 reused, 1 fails its checks\n"
        "store: sqlite:///mlflow.db"
    )


def test_no_line_is_wider_than_a_terminal_and_many_reasons_are_counted(make):
    inputs = {f"argument_{n}": f"source_{n}" for n in range(9)}
    spec = make.pipeline(
        *(make.step(f"source_{n}") for n in range(9)), make.step("reader_" * 9, inputs=inputs)
    )

    lines = render_text(
        make_plan(spec, make.facts(), make.records(names={"reader_" * 9})), store=STORE
    ).splitlines()

    assert max(map(columns_of, lines)) <= 80
    assert "and 6 more reasons; may be reused" in lines[-4]


def test_names_cannot_steer_the_terminal(make):
    spec = make.pipeline(make.step("a", variant=(("x", "\x1b[2J\u202e"),)))

    text = render_text(make_plan(spec, make.facts(), make.records()), store=STORE)

    assert text.replace("\n", "").isprintable()

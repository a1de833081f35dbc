"""Explanations and differences as text: whole outputs, hostile names and code among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipespec.plan.changes import PastRun, changes_since, reason_of, value_text
from pipespec.plan.explanation import explain
from pipespec.plan.past_comparison import PlanPast, StepPast, now_of
from pipespec.plan.pipeline_diff import Side, compare_pipelines
from pipespec.plan.planner import make_plan
from pipespec.plan.records import OutputRecord
from pipespec.plan.step_key import external_content, step_key
from pipespec.python.identity.code_facts import CodeFacts, CodePiece
from pipespec.spec.pipeline_spec import FileInput, Identity
from pipespec.views import diff_view
from pipespec.views import explain_view as view

FIT = "def fit(table, depth):\n    return {}\n"


def code(text: str) -> CodeFacts:
    return CodeFacts(
        digest=f"digest of {text}",
        counted={"work:fit": text, "work:fit annotations": "same"},
        files=(),
        pieces={"work:fit": CodePiece(text, "/project/work.py", 7)},
    )


def past_of(make, step, facts, inputs, *, run_id="0f1e2d3c4b5a", ended=1000.0, source=FIT):
    """A run as if the step had finished so."""
    key = step_key(step, facts, inputs)
    manifest = {
        "parts": dict(key.parts),
        "code": dict(facts.code[str(step.call)].counted),
        "sources": {"work:fit": source},
        "inputs": {},
    }
    return PastRun(run_id, step.id, key.hex, 0, 2.5, ended, manifest)


def past_with(*runs):
    return PlanPast({"fit": StepPast(runs, len(runs), is_whole=True)})


@pytest.fixture
def step(make):
    return make.step("fit", params={"depth": 4, "name": "all"})


def test_text_of_what_changed(make, step):
    facts = make.facts(code={"work:fit": code(FIT)})
    past = past_of(make, step, facts, {})
    now = replace(step, params={"depth": make.node(8), "name": make.node("\x1b[31mred")})
    facts = make.facts(code={"work:fit": code(FIT.replace("{}", "{1}"))})
    plan = make_plan(make.pipeline(now), facts, make.records(names={"fit"}))

    found = explain(plan, "fit", past_with(past))

    assert view.render_text(found, now=1120.0) == (
        "fit: runs\n"
        "  compared with run 0f1e2d3c of fit (2 min ago, took 2.5 s)\n"
        "  this is the nearest past run\n"
        "\n"
        "what differs:\n"
        "  code work:fit changed               work.py:7\n"
        "  param depth: 4 -> 8                 pipeline.yaml:1\n"
        '  param name: all -> "\\u001b[31mred"  pipeline.yaml:1\n'
        "\n"
        "  --- work:fit before\n"
        "  +++ work:fit now\n"
        "  @@ -1,2 +1,2 @@\n"
        "   def fit(table, depth):\n"
        "  -    return {}\n"
        "  +    return {1}\n"
        "\n"
        "what counts:\n"
        "  code    work:fit  work.py:7\n"
        "  param   depth     8\n"
        '  param   name      "\\u001b[31mred"\n'
        "  output  out       out.json"
    )


def test_nearest_run_has_the_fewest_parts_that_differ(make, step):
    facts = make.facts(code={"work:fit": code(FIT)})
    other = make.facts(code={"work:fit": code("def fit():\n    pass\n")})
    near = past_of(make, replace(step, params={"depth": make.node(5), "name": make.node("x")}), facts, {})
    far = past_of(make, replace(step, params={"depth": make.node(5)}), other, {}, run_id="far")
    plan = make_plan(make.pipeline(step), facts, make.records(names={"fit"}))

    found = explain(plan, "fit", past_with(far, near))

    assert found.nearest is near
    assert [change.detail for change in found.changes] == ["param depth: 5 -> 4", "param name: x -> all"]


def test_equal_numbers_of_other_types_differ(make, step):
    facts = make.facts(code={"work:fit": code(FIT)})
    past = past_of(make, step, facts, {})
    for value, detail in [(4.0, "4 -> 4.0"), ("4", '4 -> "4"'), (None, "4 -> null"), (True, "4 -> true")]:
        now = replace(step, params={"depth": make.node(value), "name": make.node("all")})
        plan = make_plan(make.pipeline(now), facts, make.records(names={"fit"}))
        changes = changes_since(now_of(plan, plan.decisions["fit"]), past)
        assert [reason_of(change).detail for change in changes] == [
            f"param depth: {detail} (pipeline.yaml:1)"
        ]


def test_long_values_are_cut_and_told_apart(make, step):
    assert value_text("x" * 70) == "x" * 57 + "..."
    facts = make.facts(code={"work:fit": code(FIT)})
    long = replace(step, params={"depth": make.node("x" * 100 + "a")})
    now = replace(step, params={"depth": make.node("x" * 100 + "b")})
    plan = make_plan(make.pipeline(now), facts, make.records(names={"fit"}))

    (change,) = changes_since(now_of(plan, plan.decisions["fit"]), past_of(make, long, facts, {}))

    assert change.detail == "param depth: the text differs from character 102 on"


def test_manifest_of_an_older_version_makes_it_less_specific(make, step):
    facts = make.facts(code={"work:fit": code(FIT)})
    past = past_of(make, step, facts, {})
    past = replace(past, manifest={"parts": past.manifest["parts"]})
    plan = make_plan(
        make.pipeline(step), make.facts(code={"work:fit": code("other")}), make.records(names={"fit"})
    )

    (change,) = changes_since(now_of(plan, plan.decisions["fit"]), past)

    assert (change.detail, change.diff) == ("code of work:fit changed", "")


def test_step_that_lost_its_identity_is_compared_with_nothing(make, step):
    facts = make.facts(code={"work:fit": code(FIT)})
    plan = make_plan(
        make.pipeline(replace(step, identity=Identity(never=True))), facts, make.records(names={"fit"})
    )

    found = explain(plan, "fit", past_with(past_of(make, step, facts, {})))

    assert (found.changes, found.may_stop) == ((), False)
    assert "identity is none, so it runs every time" in view.render_text(found, now=1120.0)


def test_loader_and_its_code_are_told(make):
    load = make.ref("work:load")
    made = make.step("fit", inputs={"x": FileInput("/project/x.csv", "x.csv")}, load={"x": load})
    files = {"/project/x.csv": OutputRecord("d" * 64, 1, 1, "x.csv")}
    loader = {"digest": "old", "code": {"work:load": "old"}}
    facts = make.facts(
        code={"work:fit": code(FIT), "work:load": CodeFacts("old", {"work:load": "old"}, ())}, files=files
    )
    past = past_of(make, made, facts, {"x": external_content(made.inputs["x"].source, facts)})
    past = replace(past, manifest={**past.manifest, "also_called": {"work:load": loader}})
    now = make.facts(
        code={"work:fit": code(FIT), "work:load": CodeFacts("new", {"work:load": "new"}, ())}, files=files
    )
    plan = make_plan(make.pipeline(made), now, make.records(names={"fit"}))

    (change,) = changes_since(now_of(plan, plan.decisions["fit"]), past)

    assert (change.part, change.detail) == ("code", "code work:load changed")


def test_difference_of_a_pipeline_with_itself_is_empty(make, fits_schema):
    spec = make.pipeline(make.step("a"), make.step("b", inputs={"x": "a"}))
    side = Side("p.yaml", spec, {})

    found = compare_pipelines(side, side)

    assert found.is_empty
    assert found.reruns == ()
    assert diff_view.render_text(found) == "p.yaml -> p.yaml: no difference"
    fits_schema("diff", diff_view.to_json(found))


def test_chain_reruns_below_what_changed_and_nowhere_else(make):
    def chain(value):
        steps = [make.step("s0")]
        steps += [
            make.step(f"s{n}", inputs={"x": f"s{n - 1}"}, params={"v": value if n == 2 else 0})
            for n in range(1, 5)
        ]
        return Side("p.yaml", make.pipeline(*steps, make.step("aside")), {})

    found = compare_pipelines(chain(1), chain(2))

    assert [(one.step, one.may, one.causes) for one in found.reruns] == [
        ("s2", False, ()),
        ("s3", True, ("s2",)),
        ("s4", True, ("s2",)),
    ]


def test_renamed_chain_is_followed(make):
    old = make.pipeline(make.step("a"), make.step("b", inputs={"x": "a"}, call="work:b"))
    new = make.pipeline(make.step("a2", call="work:a"), make.step("b2", inputs={"x": "a2"}, call="work:b"))

    found = compare_pipelines(Side("old", old, {}), Side("new", new, {}))

    assert found.renamed == {"a2": "a", "b2": "b"}
    assert (found.added, found.removed) == ((), ())


def test_roots_do_not_matter(make):
    spec = make.pipeline(make.step("a"))

    found = compare_pipelines(Side("old", spec, {}), Side("new", replace(spec, root=Path("/elsewhere")), {}))

    assert found.is_empty

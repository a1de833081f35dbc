"""Values of an axis may be of every JSON type: what names, plans and fan-ins make of them."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.interpolation.interpolate import interpolate_document
from pipespec.document.interpolation.resolver_interface import Resolvers
from pipespec.document.yaml.yaml_reader import read
from pipespec.plan.plan import Action
from pipespec.plan.planner import decide, make_plan
from pipespec.plan.step_selection import select, split_id
from pipespec.spec.build_spec import build_spec
from pipespec.step.arguments.input_loading import fan_in_names
from pipespec.views.graph.dot import to_dot
from pipespec.views.graph.graph_text import render_text
from pipespec.views.graph.mermaid import to_mermaid
from pipespec.views.rendering.class_names import class_names

words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cn", "Cs"), exclude_characters="\0$"), max_size=4
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, -2.5, 1e300]) | words,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=2),
    max_leaves=5,
)


def spelt(value):
    return json.dumps(value, sort_keys=True)


axis_values = st.lists(json_values, min_size=1, max_size=6, unique_by=spelt)


def pipeline(values):
    """Return a pipeline with an axis of these values, and steps that read one of its variants, and all."""
    document = {
        "pipespec": 1,
        "steps": {
            "make": {"call": "m:f", "matrix": {"value": values}, "outputs": {"out": "out.json"}},
            "twin": {
                "call": "m:f",
                "matrix": {"value": values},
                "inputs": {"one": "make[value=${matrix.value}].out"},
                "outputs": {"out": "out.json"},
            },
            "gather": {"call": "m:f", "inputs": {"all": "make[*].out"}, "outputs": {"out": "out.json"}},
        },
    }
    text = json.dumps(document)
    resolved = interpolate_document(read(text, file="pipeline.yaml"), Resolvers(name="pipeline"))
    root = Path("/project")
    spec, found = build_spec(
        resolved, file=root / "pipeline.yaml", root=root, folders={"pipeline.yaml": root}
    )
    assert found == ()
    return spec


def carried_out(plan, records):
    """Do what a run does, and return the record of each step."""
    done = {}
    for step_id, planned in plan.decisions.items():
        decision = decide(planned.step, plan.facts, records, done)
        done[step_id] = decision.record or records.add(planned.step, decision.key.hex)
    return done


@given(axis_values)
def test_every_value_has_a_variant_of_its_own_name(values):
    spec = pipeline(values)
    variants = {step_id: step for step_id, step in spec.steps.items() if step.name == "make"}

    assert [spelt(dict(step.variant)["value"]) for step in variants.values()] == [*map(spelt, values)]
    for step_id, step in variants.items():
        assert spelt(split_id(step_id)) == spelt(("make", step.variant))
        assert select(spec, [step_id]) == (step_id,)
        assert spec.steps[step_id.replace("make", "twin", 1)].inputs["one"].source.producers == (step_id,)
    assert len(class_names(spec.steps.values(), taken=())) == len(spec.steps) == 2 * len(values) + 1
    for view in (render_text, to_mermaid, to_dot):
        assert view(spec)


@given(values=axis_values)
def test_what_ran_is_reused_and_a_fan_in_has_one_entry_for_each_value(make, values):
    spec, records = pipeline(values), make.records()

    carried_out(make_plan(spec, make.facts(), records), records)
    again = make_plan(spec, make.facts(), records)

    assert {decision.action for decision in again.decisions.values()} == {Action.REUSE}
    content = again.decisions["gather"].key.parts["inputs"]["all"]["content"]["variants"]
    assert len(content) == len(values)
    points = [step.variant for step in spec.steps.values() if step.name == "make"]
    assert len(set(fan_in_names(points))) == len(values)


@given(values=axis_values, data=st.data())
def test_other_content_of_any_variant_is_another_key_of_what_gathers_them(make, values, data):
    """Also where values are equal to Python: `1`, `1.0` and `true` are one key of a dict."""
    spec, records = pipeline(values), make.records()
    plan = make_plan(spec, make.facts(), records)
    done = carried_out(plan, records)
    changed = data.draw(st.sampled_from([one for one in done if one.startswith("make")]))

    other = done | {changed: make.record("0" * 64, spec.steps[changed], content="other")}

    keys = [decide(spec.steps["gather"], plan.facts, records, known).key.hex for known in (done, other)]
    assert keys[0] != keys[1]

"""Axes that take their values from a variant which another axis chooses."""

from __future__ import annotations

import pytest

from pipespec.document.nodes import plain
from pipespec.errors import Severity
from pipespec.spec.build_spec import build_spec
from pipespec.spec.steps.matrix import fill_axis

PIPELINE = """
pipespec: 1
steps:
  split: {call: "m:f", matrix: {region: [a, b]}, outputs: {parts: parts.json}}
  other: {call: "m:f", outputs: {parts: parts.json}}
  cut:
    call: m:f
    matrix: {region: [a, b], part: "split[region=${matrix.region}].parts"}
    outputs: {subs: subs.json}
  train:
    call: m:train
    matrix: %s
    outputs: {model: model.joblib}
"""
PARTS = "split[region=${matrix.region}].parts"
A, B = "split[region=a].parts", "split[region=b].parts"
SUBS = "cut[region=${matrix.region},part=${matrix.part}].subs"


def after(spec, step, values):
    """Build the pipeline in which these references of a step's matrix have values."""
    document, name, matrix = spec.document, spec.steps[step].name, spec.steps[step].matrix
    for reference, found in values.items():
        document = fill_axis(document, name, reference, found, matrix)
        matrix = document.get("steps").get(name).get("matrix")
    built, findings = build_spec(document, file=spec.file, root=spec.root, folders={})
    assert findings == ()
    return built


def variants(spec, step="train"):
    return [dict(one.variant) for one in spec.steps.values() if one.name == step]


@pytest.mark.parametrize(
    ("matrix", "left"),
    [
        ("", [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")]),
        (", exclude: [{region: a, part: x}]", [("a", "y"), ("b", "x"), ("b", "z")]),
        (", exclude: [{part: x}]", [("a", "y"), ("b", "z")]),
        (", exclude: [{region: b}]", [("a", "x"), ("a", "y")]),
        (", include: [{region: c, part: q}]", [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z"), ("c", "q")]),
    ],
)
def test_each_value_of_one_axis_has_its_own_values_of_the_other(build, matrix, left):
    spec, found = build(PIPELINE % f'{{region: [a, b], part: "{PARTS}"{matrix}}}')
    step = spec.steps["train[part=*]"]

    assert found == []
    assert [(axis.name, axis.written) for axis in step.deferred] == [
        ("part", A),
        ("part", B),
    ]
    assert spec.upstream["train[part=*]"] == ("split[region=a]", "split[region=b]")
    full = after(spec, step.id, {A: ["x", "y"], B: ["x", "z"]})
    assert variants(full) == [{"part": part, "region": region} for region, part in left]


def test_what_is_known_of_one_value_waits_for_the_others(build):
    spec, _ = build(PIPELINE % f'{{region: [a, b], part: "{PARTS}"}}')

    half = after(spec, "train[part=*]", {B: ["z"]})

    assert [axis.written for axis in half.steps["train[part=*]"].deferred] == ["split[region=a].parts"]
    full = after(half, "train[part=*]", {A: ["x"]})
    assert variants(full) == [{"part": "x", "region": "a"}, {"part": "z", "region": "b"}]


def test_axes_depend_on_each_other_in_a_chain_one_wave_each(build):
    spec, found = build(PIPELINE % f'{{region: [a], part: "{PARTS}", sub: "{SUBS}"}}')
    step = spec.steps["train[part=*,sub=*]"]

    assert found == []
    assert [(axis.written, axis.waits_for_axis) for axis in step.deferred] == [
        ("split[region=a].parts", False),
        ("cut[region=a,part=${matrix.part}].subs", True),
    ]
    assert spec.upstream[step.id] == ("split[region=a]", "cut[part=*]")

    first = after(spec, step.id, {A: ["x", 1]})
    second = after(first, "cut[part=*]", {A: ["x", 1], B: ["y"]})
    assert [axis.written for axis in second.steps["train[sub=*]"].deferred] == [
        "cut[region=a,part=x].subs",
        "cut[region=a,part=1].subs",
    ]
    last = after(
        second, "train[sub=*]", {"cut[region=a,part=x].subs": [True], "cut[region=a,part=1].subs": [None]}
    )
    assert variants(last) == [
        {"part": "x", "region": "a", "sub": True},
        {"part": 1, "region": "a", "sub": None},
    ]


def test_matrices_of_a_union_take_one_axis_from_outputs_of_their_own(build):
    spec, found = build(PIPELINE % '[{part: "split[region=a].parts"}, {part: other}]')

    assert found == []
    full = after(spec, "train[part=*]", {A: ["x"], "other": ["y"]})
    assert variants(full) == [{"part": "x"}, {"part": "y"}]
    assert plain(full.document)["steps"]["train"]["matrix"] == [{"part": ["x"]}, {"part": ["y"]}]


@pytest.mark.parametrize(
    ("matrix", "code"),
    [
        (f'{{part: "{PARTS}"}}', "unknown-axis"),
        ('{part: "cut[region=a,part=${matrix.part}].subs"}', "reference-cycle"),
        ('{a: "split[region=${matrix.b}].parts", b: "split[region=${matrix.a}].parts"}', "reference-cycle"),
        ('{region: [c], part: "split[region=${matrix.region}].parts"}', "unknown-variant"),
        ('{region: [a], part: "split[place=${matrix.region}].parts"}', "unknown-axis"),
        ('{region: [a], part: "none[region=${matrix.region}].parts"}', "unknown-step"),
        ('{region: [a], part: "split[region=${matrix.region}].none"}', "unknown-output"),
        (f'{{region: [a], part: "{PARTS}", sub: "cut[part=${{matrix.part}}].subs"}}', "variant-not-chosen"),
        ('{region: [a], part: ["split[region=${matrix.region}]"]}', "misplaced-reference"),
        (f'{{region: [a, a], part: "{PARTS}"}}', "duplicate-variant"),
        (f'{{region: [a], part: "{PARTS}", exclude: [{{region: z}}]}}', "idle-exclude"),
        (f'{{region: {list(range(20_001))}, part: "{PARTS}"}}', "too-many-variants"),
    ],
)
def test_mistakes_of_dependent_axes_are_told_once(build, matrix, code):
    _, found = build(PIPELINE % matrix)

    assert [one for one, _ in found] == [code]


@pytest.mark.parametrize("read", ["train[*]", "train[region=a]"])
def test_an_axis_without_values_has_no_variants_and_what_gathers_them_reads_none(build, read):
    text = PIPELINE % f'{{region: [a, b], part: "{PARTS}"}}' + (
        f'  gather: {{call: "m:f", inputs: {{models: "{read}.model"}}}}\n  late: {{call: "m:f", needs: [train]}}\n'
    )
    spec, _ = build(text)

    document = fill_axis(spec.document, "train", A, [], spec.steps["train[part=*]"].matrix)
    document = fill_axis(document, "train", B, [], document.get("steps").get("train").get("matrix"))
    built, found = build_spec(document, file=spec.file, root=spec.root, folders={})

    assert {one.code for one in found} == {"empty-axis"}
    assert {one.severity for one in found} == {Severity.ADVICE}
    assert list(built.empty_steps) == ["train"]
    assert variants(built) == []
    source = built.steps["gather"].inputs["models"].source
    assert (source.fan_in, source.producers) == (True, ())
    assert (built.upstream["gather"], built.upstream["late"]) == ((), ())


def test_an_empty_axis_on_which_another_depends_leaves_that_empty_too(build):
    spec, found = build(PIPELINE % f'{{region: [], part: "{PARTS}"}}')

    assert [code for code, _ in found] == ["empty-axis", "empty-axis"]
    assert list(spec.empty_steps) == ["train"]


def test_one_variant_of_a_step_without_variants_is_a_mistake(build):
    text = PIPELINE % "{region: []}" + '  one: {call: "m:f", inputs: {model: "train[region=a].model"}}\n'

    assert [code for code, _ in build(text)[1]] == ["empty-axis", "unknown-variant"]

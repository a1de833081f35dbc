from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.nodes import plain
from pipespec.spec.build_spec import build_spec
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.steps.matrix import MOST_VARIANTS, count, expand, fill_axis, read_matrix

MATRIX = """
pipespec: 1
steps:
  split: {call: "m:f", outputs: {parts: parts.json}}
  train:
    call: m:train
    matrix: %s
    outputs: {model: model.joblib}
"""


@pytest.fixture(scope="session")
def points(tree):
    """Expand a matrix: the points as plain values, and the codes of what was found."""

    def expanded(matrix):
        found = SpecFindings()
        grids = read_matrix(tree(matrix), "train", found)
        made = () if grids is None else expand(grids, "train", tree(0).span, found)
        plain_points = [{axis: plain(value) for axis, value in point.items()} for point in made]
        return plain_points, [one.code for one in found.as_tuple()]

    return expanded


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ({"b": [1, 2], "a": [3, 4]}, [(3, 1), (4, 1), (3, 2), (4, 2)]),
        ({"b": [1, 2], "a": [3, 4], "exclude": [{"a": 4, "b": 1}]}, [(3, 1), (3, 2), (4, 2)]),
        ({"b": [1, 2], "a": [3, 4], "exclude": [{"a": 4}]}, [(3, 1), (3, 2)]),
        ({"b": [1], "a": [3], "include": [{"b": 9, "a": 9}]}, [(3, 1), (9, 9)]),
        ({"include": [{"b": 1, "a": 2}, {"a": 3, "b": 4}]}, [(2, 1), (3, 4)]),
        ({"a": [3], "b": [1, 2], "exclude": [{"b": 1}], "include": [{"a": 3, "b": 1}]}, [(3, 2), (3, 1)]),
        ([{"a": [1], "b": [1, 2]}, {"a": [1, 2], "b": [2]}], [(1, 1), (1, 2), (2, 2)]),
    ],
    ids=["product", "one point out", "a line out", "one point in", "points alone", "out and in", "union"],
)
def test_a_matrix_is_its_points_in_order(points, matrix, expected):
    assert points(matrix) == ([{"a": a, "b": b} for a, b in expected], [])


def test_matrices_of_a_union_may_have_axes_of_their_own(points):
    assert points([{"a": [1, 2]}, {"b": [1]}]) == ([{"a": 1}, {"a": 2}, {"b": 1}], [])


def test_values_of_other_types_are_other_values(points):
    values = [1, 1.0, True, "1", None, [1], {"a": 1}]

    assert points({"a": values}) == ([{"a": value} for value in values], [])
    assert points({"a": [1, 2.0], "exclude": [{"a": 2}]})[1] == ["idle-exclude"]


@pytest.mark.parametrize(
    ("matrix", "codes"),
    [
        ({"a": [], "b": [1]}, ["empty-axis"]),
        ({"a": [1, 1]}, ["duplicate-variant"]),
        ({"a": [{"x": 1, "y": 2}, {"y": 2, "x": 1}]}, ["duplicate-variant"]),
        ({"a": [1], "include": [{"a": 1}]}, ["duplicate-variant"]),
        ({"a": [1], "include": [{"a": 2}, {"a": 2}]}, ["duplicate-variant"]),
        ({"a": [1], "b": [1], "include": [{"a": 2}]}, ["incomplete-point"]),
        ({"include": [{"a": 1}, {"a": 2, "b": 1}]}, ["unknown-axis"]),
        ({"a": [1], "exclude": [{"b": 1}]}, ["unknown-axis"]),
        ({"a": [1], "exclude": [{"a": 1}]}, ["empty-matrix"]),
        ({"a": "not a reference"}, ["bad-reference"]),
    ],
)
def test_mistakes_of_a_matrix_are_told_once(points, matrix, codes):
    assert points(matrix)[1] == codes


names = st.sampled_from("abc")
value_lists = st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)


@given(
    st.dictionaries(names, value_lists, min_size=1, max_size=3),
    st.lists(st.dictionaries(names, st.integers(0, 3), min_size=1), max_size=3),
)
def test_what_is_left_is_the_product_without_what_agrees_with_an_excluded_point(points, axes, excluded):
    excluded = [point for point in excluded if point.keys() <= axes.keys()]
    product = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]

    made, _ = points({**axes, **({"exclude": excluded} if excluded else {})})

    left = [point for point in product if not any(point.items() >= out.items() for out in excluded)]
    assert sorted(made, key=json.dumps) == sorted(
        ({k: p[k] for k in sorted(p)} for p in left), key=json.dumps
    )


def test_variants_are_counted_before_they_are_made(build):
    hundred = str(list(range(100)))
    spec, found = build(MATRIX % f"{{a: {hundred}, b: {hundred}, c: {hundred}, d: {hundred}, e: {hundred}}}")

    assert found == [("too-many-variants", 5)]
    assert list(spec.steps) == ["split"]


def test_the_bound_holds_for_all_steps_together(tree):
    found = SpecFindings()
    grids = read_matrix(tree([{"a": [1, 2, 3], "b": [1, 2]}, {"a": [7]}]), "train", found)

    assert count(grids) == 7
    assert MOST_VARIANTS == 20_000


def test_an_axis_over_an_output_is_filled_in_for_the_second_wave(build):
    spec, found = build(MATRIX % "{part: split.parts, depth: [4, 8]}")
    step = spec.steps["train[part=*]"]

    assert found == []
    assert list(spec.steps) == ["split", "train[part=*]"]
    assert [(axis.name, axis.source.producers) for axis in step.deferred] == [("part", ("split",))]
    assert step.axis_arguments == ("part", "depth")
    assert spec.upstream == {"split": (), "train[part=*]": ("split",)}

    filled = fill_axis(spec.document, "train", "split.parts", ["x", "y", "x", 1], step.matrix)

    assert plain(filled)["steps"]["train"]["matrix"] == {"part": ["x", "y", 1], "depth": [4, 8]}
    assert (
        filled.entries["steps"]
        .value.entries["train"]
        .value.entries["matrix"]
        .value.entries["part"]
        .value.span
        == step.matrix.entries["part"].value.span
    )


def test_a_filled_document_builds_the_variants(build, tmp_path):
    spec, _ = build(MATRIX % "[{part: split.parts}, {depth: [4]}]")
    filled = fill_axis(
        spec.document, "train", "split.parts", [[1], {"a": 2}], spec.steps["train[part=*]"].matrix
    )

    second, found = build_spec(filled, file=tmp_path / "pipeline.yaml", root=tmp_path, folders={})

    assert found == ()
    assert list(second.steps) == ["split", "train[part=[1]]", 'train[part={"a":2}]', "train[depth=4]"]

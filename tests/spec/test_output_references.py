from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.spec.durations import parse_duration
from pipespec.spec.steps.output_references import (
    AxisReference,
    NotAReferenceError,
    OutputReference,
    parse_reference,
)
from pipespec.spec.variant_names import variant_id

axes = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=2),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ("titles", OutputReference("titles")),
        ("titles.table", OutputReference("titles", "table")),
        ("fit-2.model/weights/a.npy", OutputReference("fit-2", "model", "weights/a.npy")),
        ("train[*].model", OutputReference("train", "model", None, ())),
        ("train[ * ]", OutputReference("train", None, None, ())),
        ("train[depth=4].model", OutputReference("train", "model", None, (("depth", 4),))),
        ("train[ b = x y , a=1.50]", None),
        ("train[b=x,a=1.50]", OutputReference("train", None, None, (("b", "x"), ("a", 1.5)))),
        (
            'train[a="4",b=true,c=null]',
            OutputReference("train", None, None, (("a", "4"), ("b", True), ("c", None))),
        ),
        ('train[a="x, ]y",b=[1,2]]', OutputReference("train", None, None, (("a", "x, ]y"), ("b", [1, 2])))),
        ("train[a=1e999]", OutputReference("train", None, None, (("a", "1e999"),))),
        ("train[d=${matrix.depth}].m", OutputReference("train", "m", None, (("d", AxisReference("depth")),))),
        ("", None),
        (".table", None),
        ("titles.", None),
        ("titles.table/", None),
        ("titles.table//a", None),
        ("titles.table/../a", None),
        ("titles/table", None),
        ("train[", None),
        ("train[]", None),
        ("train[*", None),
        ("train[a=]", None),
        ("train[a=1", None),
        ("train[a=1,]", None),
        ("train[a=1,a=2]", None),
        ('train[a="x]', None),
        ("train[a=1].model[b=2]", None),
        ("Größe.table", None),
    ],
)
def test_references_are_read(written, reference):
    if reference is None:
        with pytest.raises(NotAReferenceError):
            parse_reference(written)
    else:
        assert parse_reference(written) == reference


@given(st.dictionaries(axes, json_values, min_size=1, max_size=3))
def test_the_name_of_a_variant_is_a_reference_to_it(point):
    variant = tuple(sorted(point.items()))

    chosen = parse_reference(variant_id("train", variant)).chosen(())

    assert chosen == variant
    assert [type(value) for _, value in chosen] == [type(value) for _, value in variant]


@given(st.text())
def test_any_text_is_a_reference_or_refused(written):
    with contextlib.suppress(NotAReferenceError):
        assert isinstance(parse_reference(written), OutputReference)


def test_a_choice_takes_the_values_of_the_reading_variant():
    reference = parse_reference("train[z=${matrix.depth},a=1]")

    assert reference.chosen((("depth", [4]), ("rate", 0.1))) == (("a", 1), ("z", [4]))


@pytest.mark.parametrize(
    ("written", "seconds"), [("30s", 30.0), ("5m", 300.0), ("1.5h", 5400.0), ("1d", 86400.0), ("0s", 0.0)]
)
def test_durations_are_seconds(written, seconds):
    assert parse_duration(written) == seconds

"""Names of classes: identifiers, each its own, and none taken."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.errors import Span
from pipespec.python.callable_ref import CallableRef
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.views.rendering.class_names import class_names

SPAN = Span("p.yaml", 1, 1, 1, 1)
CALL = CallableRef("m", "f", SPAN)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,90}", fullmatch=True)
POINTS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,5}", fullmatch=True),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=90),
    max_size=3,
)


def step(name, variant=()):
    return StepSpec(name, CALL, SPAN, "e", variant=tuple(sorted(variant)))


@pytest.mark.parametrize(
    ("name", "variant", "expected"),
    [
        ("article_ids", {}, "ArticleIds"),
        ("train", {"depth": 4}, "TrainDepth4"),
        ("train", {"learning_rate": 0.1, "kind": "ridge"}, "TrainKindRidgeLearningRate0_1"),
        ("none", {}, "StepNone"),
        ("_1st", {}, "Step1st"),
        ("train", {"x": True}, "TrainXTrue"),
        ("train", {"x": -1}, "TrainX_1"),
    ],
)
def test_a_name_says_which_step_it_is(name, variant, expected):
    (found,) = class_names([step(name, variant.items())], taken=()).values()

    assert found == expected


def test_steps_that_would_share_a_name_all_bear_digits_whatever_their_order():
    steps = [step("a_b"), step("a-b"), step("other")]

    names = class_names(steps, taken=("Other",))

    assert names == class_names(reversed(steps), taken=("Other",))
    assert sorted(name.partition("_")[0] for name in names.values()) == ["AB", "AB", "Other"]
    assert all("_" in name for name in names.values())


@given(
    st.lists(
        st.tuples(NAMES, POINTS), max_size=12, unique_by=lambda pair: (pair[0], repr(sorted(pair[1].items())))
    )
)
def test_every_name_is_an_identifier_of_its_own(pairs):
    steps = {one.id: one for one in (step(name, point.items()) for name, point in pairs)}
    names = class_names(steps.values(), taken=("Pipeline", "PIPELINE"))

    assert names.keys() == steps.keys()
    assert len({name.lower() for name in (*names.values(), "Pipeline")}) == len(steps) + 1
    assert [name for name in names.values() if not name.isidentifier() or keyword.iskeyword(name)] == []
    assert all(len(name) <= 80 and name.isascii() for name in names.values())

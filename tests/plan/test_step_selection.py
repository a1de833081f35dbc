from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.errors import UsageError
from pipespec.plan.step_selection import select, split_id
from pipespec.spec.variant_names import variant_id


@pytest.fixture(scope="module")
def spec(make):
    def train(**variant):
        return make.step("train", variant=tuple(sorted(variant.items())), tags=("model", "slow"))

    return make.pipeline(
        make.step("fetch_ids", tags=("data",)),
        make.step("fetch_titles", tags=("data",)),
        train(depth=4, rate=0.1),
        train(depth=4, rate=1.0),
        train(depth=8, rate=0.1),
        train(depth=4),
        make.step("score", variant=(("version", "3.10"),)),
        make.step("score", variant=(("version", "a,b]"),)),
        make.step("score", variant=(("version", True),)),
    )


TRAIN = ("train[depth=4,rate=0.1]", "train[depth=4,rate=1.0]", "train[depth=8,rate=0.1]", "train[depth=4]")
SCORE = ('score[version="3.10"]', 'score[version="a,b]"]', "score[version=true]")


@pytest.mark.parametrize(
    ("patterns", "selected"),
    [
        ([], ("fetch_ids", "fetch_titles", *TRAIN, *SCORE)),
        (["fetch_titles"], ("fetch_titles",)),
        (["fetch_titles", "fetch_ids", "fetch_ids"], ("fetch_ids", "fetch_titles")),
        (["train"], TRAIN),
        (["train[depth=4,rate=0.1]"], TRAIN[:1]),
        (["train[rate=0.1,depth=4]"], TRAIN[:1]),
        (["train[rate=1e-1, depth=4]"], TRAIN[:1]),
        (["train[rate=0.1]"], (TRAIN[0], TRAIN[2])),
        (["train:rate=0.1"], (TRAIN[0], TRAIN[2])),
        (["train:depth=4,rate=0.1"], TRAIN[:1]),
        (["train:depth=8"], TRAIN[2:3]),
        # the id of a variant is that variant, though others have its point too
        (["train[depth=4]"], TRAIN[3:]),
        (["train:depth=4"], (TRAIN[0], TRAIN[1], TRAIN[3])),
        # what was meant, where the exact type is not there
        (["train:rate=1"], TRAIN[1:2]),
        (["train:rate=1,depth=4.0"], TRAIN[1:2]),
        (["score:version=3.10"], SCORE[:1]),
        (['score[version="3.10"]'], SCORE[:1]),
        (['score:version="a,b]"'], SCORE[1:2]),
        (["score:version=true"], SCORE[2:]),
        (["fetch_*"], ("fetch_ids", "fetch_titles")),
        (["fetch_id?"], ("fetch_ids",)),
        (["train[*]"], TRAIN),
        (["*rate=0.1]"], (TRAIN[0], TRAIN[2])),
        (["*"], ("fetch_ids", "fetch_titles", *TRAIN, *SCORE)),
        (["tag:data"], ("fetch_ids", "fetch_titles")),
        (["tag:slow", "score:version=true"], (*TRAIN, SCORE[2])),
    ],
)
def test_patterns_select_steps_in_the_order_of_the_pipeline(spec, patterns, selected):
    assert select(spec, patterns) == selected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("fetch_id", "there is no step 'fetch_id'; did you mean 'fetch_ids'?"),
        ("zzz", "there is no step 'zzz'; the steps are 'fetch_ids', 'fetch_titles', 'score', 'train'"),
        ("", "there is no step ''; the steps are 'fetch_ids', 'fetch_titles', 'score', 'train'"),
        ("trian[depth=4]", "there is no step 'trian'; did you mean 'train'?"),
        ("trian:depth=4", "there is no step 'trian'; did you mean 'train'?"),
        ("train:dept=4", "step 'train' has no axis 'dept'; did you mean 'depth'?"),
        ("fetch_ids:depth=4", "step 'fetch_ids' has no axis 'depth'"),
        (
            "train:depth=5",
            (
                "step 'train' has no variant at 'depth=5'; its variants are 'train[depth=4,rate=0.1]', "
                "'train[depth=4,rate=1.0]', 'train[depth=8,rate=0.1]', 'train[depth=4]'"
            ),
        ),
        ("tag:modle", "no step has the tag 'modle'; did you mean 'model'?"),
        ("tag:", "no step has the tag ''; the tags are 'data', 'model', 'slow'"),
        (
            "nothing_*",
            "no step's name matches 'nothing_*'; the steps are 'fetch_ids', 'fetch_titles', 'score', 'train'",
        ),
        ("train[", "'train[' is not a step; write a variant like 'train[depth=4,rate=0.1]'"),
        ("train[]", "'train[]' is not a step; write a variant like 'train[depth=4,rate=0.1]'"),
        ("train[depth]", "'train[depth]' is not a step; write a variant like 'train[depth=4,rate=0.1]'"),
        ("train[depth=4", "'train[depth=4' is not a step; write a variant like 'train[depth=4,rate=0.1]'"),
        (
            "train[depth=4]x",
            "'train[depth=4]x' is not a step; write a variant like 'train[depth=4,rate=0.1]'",
        ),
        (
            "train[depth=4,]",
            "'train[depth=4,]' is not a step; write a variant like 'train[depth=4,rate=0.1]'",
        ),
        ("train:4", "'train:4' is not a step; write a variant like 'train[depth=4,rate=0.1]'"),
        ("a\x1b[31m", "'a\\x1b[31m' is not a step; write a variant like 'train[depth=4,rate=0.1]'"),
    ],
)
def test_a_pattern_that_selects_nothing_is_refused_with_the_way_out(spec, pattern, message):
    with pytest.raises(UsageError) as caught:
        select(spec, [pattern])

    assert str(caught.value) == message


@given(
    patterns=st.lists(st.sampled_from(["train", "score:version=true", "tag:data", "*4]", "train[depth=4]"]))
)
def test_what_was_selected_selects_itself_again(spec, patterns):
    selected = select(spec, patterns)

    assert select(spec, selected) == selected


AXES = st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(AXES, VALUES, min_size=1, max_size=4))
def test_taking_an_id_apart_undoes_its_making(point):
    variant = tuple(sorted(point.items(), key=lambda item: item[0]))

    name, found = split_id(variant_id("step", variant))

    assert (name, json.dumps(found, sort_keys=True)) == ("step", json.dumps(variant, sort_keys=True))


@given(st.text())
def test_any_text_is_selected_or_refused_in_one_printable_line(spec, pattern):
    try:
        answer = " ".join(select(spec, [pattern]))
    except UsageError as refused:
        answer = str(refused)

    assert answer.isprintable()


def test_ten_thousand_ids_select_themselves(make):
    spec = make.pipeline(*(make.step("train", variant=(("n", n),)) for n in range(10_000)))

    assert select(spec, tuple(spec.steps)) == tuple(spec.steps)


def test_a_value_of_the_very_type_goes_before_those_that_read_alike(make):
    spec = make.pipeline(*(make.step("fit", variant=(("n", n),)) for n in (1, 1.0, "1")))

    assert [select(spec, [f"fit:n={text}"]) for text in ("1", "1.0", '"1"')] == [
        ("fit[n=1]",),
        ("fit[n=1.0]",),
        ('fit[n="1"]',),
    ]

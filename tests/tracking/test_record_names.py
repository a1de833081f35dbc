"""Names and values that fit MLflow's limits, judged by MLflow's own checks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.tracking import record_names


@given(st.text(min_size=1))
def test_a_fitted_name_is_taken_by_mlflow(name):
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag_name

    fitted = record_names.fit_name(name)
    _validate_param_name(fitted)
    _validate_metric_name(fitted)
    _validate_tag_name(fitted)
    assert len(fitted) <= 250


@pytest.mark.parametrize(
    "name", ["a", "loss/val", "model.epochs", "learning rate", "größe", "a:b", "k" * 250]
)
def test_a_name_that_fits_stays_as_it_is(name):
    assert record_names.fit_name(name) == name


def test_long_names_that_begin_alike_stay_apart():
    assert len({record_names.fit_name("k" * 300 + suffix) for suffix in ("a", "b")}) == 2


@given(st.text(), st.integers(40, 100))
def test_a_cut_text_is_within_its_limit_and_says_so(text, limit):
    cut = record_names.cut(text, limit)
    assert len(cut) <= limit
    assert cut == text or cut.endswith(f"(cut, {len(text)} characters)")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), json_values, max_size=4))
def test_no_param_is_lost_and_all_are_taken_by_mlflow(params):
    from mlflow.entities import Param
    from mlflow.utils.validation import _validate_param

    def leaves(value):
        return sum(map(leaves, value.values())) if isinstance(value, dict) and value else 1

    fitted = record_names.dotted_params(params)
    assert len(fitted) == sum(map(leaves, params.values()))
    for name, value in fitted.items():
        _validate_param(name, value)
        Param(name, value.encode().decode())


@pytest.mark.parametrize(
    ("tags", "key"),
    [
        (["mlflow.user", "pipespec.key.abc"], "abc"),
        (["mlflow.user", "pipespec.claim.abc"], "abc"),  # of an earlier version
        (["pipespec.key"], None),
        ([], None),
    ],
)
def test_a_claim_names_its_key(tags, key):
    assert record_names.claimed_key(tags) == key

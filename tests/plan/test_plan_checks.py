from __future__ import annotations

import pytest

from pipespec.plan.checks import check_failures
from pipespec.plan.model import Reason, ReasonKind
from pipespec.spec.model import Bounds


@pytest.mark.parametrize(
    ("limits", "metrics", "problems"),
    [
        ((0.8, None), {"accuracy": 0.8}, []),
        ((None, 0.8), {"accuracy": 0.8}, []),
        ((0.8, 0.9), {"accuracy": 0.85, "loss": 9.0}, []),
        ((0.8, None), {"accuracy": 0.7999999}, ["accuracy is 0.7999999, below its minimum 0.8"]),
        ((None, 0.8), {"accuracy": 0.9}, ["accuracy is 0.9, above its maximum 0.8"]),
        ((0.8, None), {}, ["no metric 'accuracy' is on record"]),
        ((None, 0.8), {"accuracy": float("nan")}, ["accuracy is not a number"]),
        ((0.8, None), {"accuracy": float("-inf")}, ["accuracy is -inf, below its minimum 0.8"]),
    ],
)
def test_bounds_are_inclusive_and_every_miss_is_named(make, limits, metrics, problems):
    step = make.step("train", checks={"accuracy": Bounds(*limits, make.place)})

    assert [reason.detail for reason in check_failures(step, metrics)] == problems


def test_a_miss_points_at_the_bound(make):
    there = make.place._replace(line=9)
    step = make.step(
        "train", checks={"loss": Bounds(None, 1.0, there), "accuracy": Bounds(0.8, None, make.place)}
    )

    assert check_failures(step, {"loss": 2.0, "accuracy": 0.9}) == (
        Reason(ReasonKind.CHECK_FAILED, "loss is 2.0, above its maximum 1.0", there),
    )

from __future__ import annotations

import pytest

from pipespec.plan.metric_bounds import check_failures, with_numbers
from pipespec.plan.plan import Reason, ReasonKind
from pipespec.spec.pipeline_spec import Bounds, MetricsRef


@pytest.mark.parametrize(
    ("limits", "metrics", "problems"),
    [
        ((0.8, None), {"accuracy": 0.8}, []),
        ((None, 0.8), {"accuracy": 0.8}, []),
        ((0.8, 0.9), {"accuracy": 0.85, "loss": 9.0}, []),
        ((0.8, None), {"accuracy": 0.7999999}, ["accuracy is 0.7999999, below its minimum 0.8"]),
        ((None, 0.8), {"accuracy": 0.9}, ["accuracy is 0.9, above its maximum 0.8"]),
        ((0.8, None), {}, ["metric 'accuracy' was not recorded"]),
        ((0.8, None), {"pipespec.seconds": 1.0}, ["metric 'accuracy' was not recorded"]),
        ((0.8, None), {"acuracy": 0.9}, ["metric 'accuracy' was not recorded; did you mean 'acuracy'?"]),
        (
            (0.8, None),
            {"loss": 0.1, "f1": 0.9, "pipespec.seconds": 1.0},
            ["metric 'accuracy' was not recorded; metrics that were: 'f1', 'loss'"],
        ),
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


MEASURED = ("scores.json", None), {"accuracy": 0.7, "loss": 0.1}


@pytest.mark.parametrize(
    ("checks", "recorded", "counts", "is_read"),
    [
        ((), {"pipespec.seconds": 1.0}, {"accuracy": 0.7, "loss": 0.1, "pipespec.seconds": 1.0}, True),
        ((), {"accuracy": 0.9}, {"accuracy": 0.9}, False),
        (("accuracy",), {"accuracy": 0.9}, {"accuracy": 0.9}, False),
        (("accuracy", "loss"), {"accuracy": 0.9}, {"accuracy": 0.9, "loss": 0.1}, True),
        (("other",), {}, {"accuracy": 0.7, "loss": 0.1}, True),
    ],
)
def test_an_output_is_read_where_a_run_lacks_what_is_asked_of_it(make, checks, recorded, counts, is_read):
    bounds = {name: Bounds(0.5, None, make.place) for name in checks}
    step = make.step(
        "train",
        outputs={"scores": "scores.json"},
        metrics=MetricsRef("scores", None, make.place),
        checks=bounds,
    )
    records = make.records(contents=dict([MEASURED]))

    found = with_numbers(step, make.record("k", step, metrics=recorded), records)

    assert (found.metrics, records.asked) == (counts, ["numbers"] * is_read)


def test_without_a_metrics_output_or_without_that_output_nothing_is_read(make):
    records = make.records(contents=dict([MEASURED]))
    bounds = {"accuracy": Bounds(0.5, None, make.place)}
    for step in (
        make.step("train", outputs={"scores": "scores.json"}, checks=bounds),
        make.step("train", metrics=MetricsRef("scores", None, make.place), checks=bounds),
    ):
        record = make.record("k", step)
        assert with_numbers(step, record, records) is record
    assert records.asked == []

"""Runs side by side: which params differ, how far metrics are from a baseline's, and when that is a regression."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pipespec.plan.run_comparison import ComparedRun, DeltaBounds, Regression, RunComparison, deltas_to_judge
from pipespec.plan.store_name import StoreName

STORE = StoreName("sqlite:////p/mlflow.db", Path("/p"))


def run(run_id, params=None, **metrics):
    return ComparedRun(run_id * 8, f"train {run_id}", "", "FINISHED", 1.0, 2.0, params or {}, metrics)


def compared(*runs, baseline=None, **bounds):
    return RunComparison("runs", runs, STORE, baseline, bounds)


def test_only_params_that_differ_are_told_and_of_equal_columns_the_shortest_name():
    found = compared(
        run("a", {"split.seed": "1", "train.seed": "1", "seed": "1", "train.depth": "4", "same": "x"}),
        run(
            "b",
            {"split.seed": "2", "train.seed": "2", "seed": "2", "train.depth": "4", "same": "x", "new": "y"},
        ),
    )
    assert found.differing_params == ("seed", "new")
    assert compared(run("a", {"x": "1"})).differing_params == ()


def test_params_of_one_name_with_other_values_both_stand():
    found = compared(
        run("a", {"split.seed": "1", "train.seed": "1"}), run("b", {"split.seed": "2", "train.seed": "3"})
    )
    assert found.differing_params == ("split.seed", "train.seed")


def test_a_baseline_that_is_none_of_the_runs_stands_behind_them():
    one, base = run("a", accuracy=0.5), run("b", accuracy=0.75)
    found = compared(one, baseline=base)
    assert found.all_runs == (one, base)
    assert (found.delta(one, "accuracy"), found.delta(base, "accuracy")) == (-0.25, None)
    assert found.delta(one, "other") is None
    assert compared(one, base, baseline=base).all_runs == (one, base)


@pytest.mark.parametrize(
    ("value", "bounds", "problem"),
    [
        (0.89, DeltaBounds(least=-0.01), None),  # 0.89 - 0.9 is -0.010000000000000009
        (
            0.889,
            DeltaBounds(least=-0.01),
            "accuracy is 0.889, -0.011 from the baseline, below its min_delta -0.01",
        ),
        (0.95, DeltaBounds(most=0.01), "accuracy is 0.95, +0.05 from the baseline, above its max_delta 0.01"),
        (0.95, DeltaBounds(least=0.0), None),
        (math.nan, DeltaBounds(least=-1.0), "accuracy is nan, the baseline has 0.9: they have no difference"),
        (None, DeltaBounds(least=-1.0), "metric 'accuracy' was not recorded"),
    ],
)
def test_the_newest_run_is_judged_by_bounds_that_are_inclusive(value, bounds, problem):
    newest = run("a") if value is None else run("a", accuracy=value)
    found = compared(newest, run("c", accuracy=0.0), baseline=run("b", accuracy=0.9), accuracy=bounds)
    assert found.regressions == (() if problem is None else (Regression("accuracy", problem),))


def test_nothing_is_judged_without_a_baseline_and_by_what_the_baseline_lacks():
    bounds = DeltaBounds(least=1.0)
    assert compared(run("a", accuracy=0.5), accuracy=bounds).regressions == ()
    assert compared(run("a", accuracy=0.5), baseline=run("b"), accuracy=bounds).regressions == ()


def test_bounds_that_are_asked_for_go_over_those_of_the_spec_each_by_itself():
    spec = {"accuracy": DeltaBounds(-0.01, 0.5), "a(b)": DeltaBounds(-1.0), "other": DeltaBounds()}
    assert deltas_to_judge(spec, {"accuracy": DeltaBounds(least=0.0), "loss": DeltaBounds(most=0.1)}) == {
        "accuracy": DeltaBounds(0.0, 0.5),
        "a_b_": DeltaBounds(-1.0),
        "loss": DeltaBounds(most=0.1),
    }

"""Features, models and scores of the energy example."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.evaluation import compare, evaluate
from energy.features import HORIZON, make_features
from energy.forecaster import forecast, inputs_of, train
from energy.sample import Profile, make_series
from energy.series import clean

HILLS = Profile(level=520, temperature=9, heating=9, cooling=3)
MODELS = {"ridge": {"alpha": 10}, "gradient_boosting": {"max_iter": 30, "random_state": 0}}


@pytest.fixture(scope="module")
def series():
    return clean(make_series("hills", HILLS, days=366))


@pytest.fixture(scope="module")
def parts(series):
    return make_features(series, test_days=28)


# features


def test_the_last_days_with_values_are_the_test_and_the_week_after_is_ahead(series, parts):
    last = pd.Timestamp("2024-12-24 23:00")

    assert parts["train"]["time"].max() == last - pd.Timedelta(days=28)
    assert parts["test"]["time"].min() == last - pd.Timedelta(days=28, hours=-1)
    assert parts["test"]["time"].max() == last
    assert parts["ahead"]["time"].tolist() == series["time"].tail(HORIZON).tolist()
    assert parts["ahead"]["value"].isna().all()


def test_hours_whose_value_was_made_up_are_neither_learnt_nor_judged_by(series, parts):
    filled = set(series.loc[series["filled"], "time"])

    assert filled
    assert not filled & {*parts["train"]["time"], *parts["test"]["time"]}
    assert parts["train"].notna().all(axis=None)
    assert parts["test"].notna().all(axis=None)


def test_features_are_calendar_weather_and_values_of_a_week_ago_and_before(series, parts):
    row = parts["test"].iloc[0]
    at = series.index[series["time"] == row["time"]][0]
    value = series["value"]

    assert row.drop(["season_sine", "season_cosine"]).to_dict() == {
        "time": pd.Timestamp("2024-11-27 00:00"),
        "value": value[at],
        "hour_of_week": 48,
        "hour": 0,
        "last_week": value[at - 168],
        "week_before": value[at - 336],
        "mean_of_week": pytest.approx(value[at - 335 : at - 167].mean()),
        "temperature": series["temperature"][at],
        "temperature_squared": series["temperature"][at] ** 2,
    }


@given(st.integers(0, 358 * 24), st.floats(-1e6, 1e6))
@settings(max_examples=25, deadline=None)
def test_no_feature_sees_a_value_of_less_than_a_week_before(series, parts, position, value):
    """Another value at one hour changes no feature of any hour up to a week after it."""
    changed = series.copy()
    changed.loc[position, "value"] = value
    week_after = series["time"][position] + pd.Timedelta(hours=HORIZON)

    def features(parts):
        rows = pd.concat(parts.values()).set_index("time", drop=False)
        return inputs_of(rows[rows["time"] < week_after])

    before, after = features(parts), features(make_features(changed, test_days=28))

    assert after.loc[before.index].equals(before)


def test_a_series_without_temperature_has_features_without_it(series):
    parts = make_features(series.drop(columns="temperature"), test_days=28)

    assert [name for name in parts["test"] if "temperature" in name] == []


def test_a_series_that_is_all_test_is_refused(series):
    with pytest.raises(
        ValueError, match=r"^nothing to learn from: 366 days, the last 360 of which are for the test$"
    ):
        make_features(series, test_days=360)


# models


@pytest.mark.slow
@pytest.mark.parametrize("estimator", MODELS)
def test_a_model_beats_the_same_hour_last_week(parts, estimator):
    model = train(parts["train"], estimator, MODELS[estimator])

    scores = evaluate(model, parts["test"])

    assert scores["skill"] > 0.3
    assert scores["mape"] < 0.05
    assert scores["hours"] == len(parts["test"])


def test_a_model_looks_neither_at_the_value_nor_at_the_time(parts):
    model = train(parts["train"], "ridge", {})
    blind = parts["test"].assign(value=0.0, time=pd.NaT)

    assert forecast(model, blind)["forecast"].equals(forecast(model, parts["test"])["forecast"])


@pytest.mark.slow
def test_training_again_gives_the_same(parts):
    first, second = (
        forecast(train(parts["train"], "gradient_boosting", MODELS["gradient_boosting"]), parts["test"])
        for _ in range(2)
    )

    assert first.equals(second)


def test_a_forecast_is_a_value_for_each_hour_to_come_or_no_row_at_all(parts):
    model = train(parts["train"], "ridge", {"alpha": 10})

    coming, none = forecast(model, parts["ahead"]), forecast(model, parts["ahead"].head(0))

    assert coming["time"].equals(parts["ahead"]["time"])
    assert coming["forecast"].between(300, 1100).all()
    assert list(none.columns) == ["time", "forecast"]
    assert none.empty


# scores


class Says:
    """A model that says what it was told to."""

    def __init__(self, *values):
        self.values = np.array(values)

    def predict(self, rows):
        assert list(rows.columns) == ["last_week"]
        return self.values


def test_scores_are_errors_beside_those_of_the_naive_forecast():
    rows = pd.DataFrame(
        {
            "time": pd.date_range("2024", periods=4, freq="h"),
            "value": [10, -20, 0, 40],
            "last_week": [20, -20, 10, 0],
        }
    )

    assert evaluate(Says(11, -16, 5, 30), rows) == {
        "mae": 5.0,
        "mape": pytest.approx((0.1 + 0.2 + 0.25) / 3),
        "naive_mae": 15.0,
        "naive_mape": pytest.approx((1 + 0 + 1) / 3),
        "skill": pytest.approx(2 / 3),
        "hours": 4,
    }


SCORES = {
    region: {"mae": 1.0, "mape": 0.03, "naive_mae": 2.0, "naive_mape": 0.06, "skill": skill, "hours": 4}
    for region, skill in {"b": 0.25, "c": 0.5, "a": 0.25}.items()
}


def test_regions_are_compared_best_skill_first():
    table, _ = compare(SCORES)

    assert table.to_dict("records") == [{"region": region, **SCORES[region]} for region in "cab"]


def test_the_picture_has_the_same_bytes_each_time():
    def draw() -> bytes:
        stream = io.BytesIO()
        compare(SCORES)[1].savefig(stream, format="png")
        return stream.getvalue()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = draw()

    assert first.startswith(b"\x89PNG")
    assert first == draw()

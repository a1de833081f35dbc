"""The energy example's functions on real demand and prices."""

import pandas as pd
import pytest

from energy.evaluation import evaluate
from energy.features import HORIZON, make_features
from energy.forecaster import forecast, train
from energy.series import clean, read_series

pytestmark = pytest.mark.data

DEMAND = {"time": "timeStamp", "value": "demand", "temperature": "temp"}
PRICES = {"time": "Datetime", "value": "Price (USD/MWh)"}


@pytest.fixture(scope="module")
def new_york(shared_data):
    """Three files, of which one writes times in another way and holds the hours to forecast."""
    return read_series(sorted((shared_data / "electricity").glob("nyc_demand*.csv")), DEMAND)


@pytest.mark.parametrize("region", ["AU-NSW", "AU-VIC"])
def test_prices_of_a_year_have_each_months_first_hour_once(shared_data, region):
    series = read_series([shared_data / f"electricity/{region}_2024.csv"], PRICES)

    cleaned = clean(series)

    twice = series["time"][series["time"].duplicated()]
    assert [str(time) for time in twice] == [f"2024-{month:02}-01 00:00:00" for month in range(2, 13)]
    assert cleaned["time"].equals(pd.Series(pd.date_range("2024-01-01", "2025-01-01", freq="h"), name="time"))
    assert cleaned["value"].notna().all()
    assert not cleaned["filled"].any()


def test_the_files_of_new_york_are_one_series_with_a_month_to_forecast(new_york, capsys):
    cleaned = clean(new_york)

    assert new_york["time"].duplicated().sum() == 2157
    assert new_york["temperature"].isna().sum() == 44  # such as 62.634.44
    assert len(cleaned) == (pd.Timestamp("2017-05-01") - pd.Timestamp("2012-01-01")) // pd.Timedelta("1h")
    assert cleaned["value"].last_valid_index() == len(cleaned) - 720 - 1
    assert cleaned["filled"].sum() == 23
    assert cleaned["value"].isna().sum() == 720 + 4  # one gap is longer than three hours
    assert cleaned["temperature"].notna().all()


@pytest.mark.slow
def test_the_demand_of_new_york_is_forecast_far_better_than_by_the_week_before(new_york):
    parts = make_features(clean(new_york), test_days=28)
    model = train(parts["train"], "ridge", {"alpha": 10})

    scores = evaluate(model, parts["test"])
    april = forecast(model, parts["ahead"])

    assert 0.35 < scores["skill"] < 0.45
    assert 0.03 < scores["mape"] < 0.035
    assert len(april) == HORIZON
    assert str(april["time"].min()) == "2017-04-01 00:00:00"
    assert april["forecast"].between(3500, 7500).all()

"""Series of the energy example: made up, read from files, cleaned."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.sample import Profile, make_series
from energy.series import clean, read_series

PLAINS = Profile(level=1500, temperature=12, heating=26, cooling=22)
WEEK = 7 * 24


def hourly(values, first="2024-03-01"):
    times = pd.date_range(first, periods=len(values), freq="h")
    return pd.DataFrame({"time": times, "value": pd.Series(values, dtype=float)})


# the sample


def test_a_sample_is_the_same_for_the_same_region_profile_and_seed_only():
    series = make_series("plains", PLAINS, days=20, seed=1)

    assert series.equals(make_series("plains", PLAINS, days=20, seed=1))
    assert not series.equals(make_series("plains", PLAINS, days=20, seed=2))
    assert not series.equals(make_series("hills", PLAINS, days=20, seed=1))


def test_a_sample_is_as_dirty_as_real_series_and_its_last_week_is_to_come():
    series = make_series("plains", PLAINS, days=366)
    times = series["time"]

    assert list(series.columns) == ["time", "value", "temperature"]
    assert times.isna().sum() == 1
    assert times.dropna().is_monotonic_increasing
    assert times.duplicated().sum() == 8
    assert times.min() == pd.Timestamp("2024-01-01")
    assert times.max() == pd.Timestamp("2024-12-31 23:00")
    assert 366 * 24 - 14 <= times.nunique() <= 366 * 24 - 9
    assert series.dropna(subset=["time"]).tail(WEEK)["value"].isna().all()
    assert series["temperature"].notna().sum() == len(series) - 1


def test_a_sample_has_nights_weekends_and_seasons():
    series = make_series("plains", PLAINS, days=366).dropna()
    hour, weekday, month = (getattr(series["time"].dt, name) for name in ("hour", "day_of_week", "month"))
    mean = series["value"].groupby

    assert mean(hour).mean()[3] < 0.85 * mean(hour).mean()[17]
    assert mean(weekday).mean()[6] < 0.95 * mean(weekday).mean()[2]
    assert mean(month).mean()[1] > 1.1 * mean(month).mean()[5]
    assert series["value"].min() > 0


def test_a_sample_of_less_than_two_weeks_is_refused():
    with pytest.raises(ValueError, match=r"^a sample has 14 days at least, not 13$"):
        make_series("plains", PLAINS, days=13)


# cleaning


def test_of_an_hour_that_stands_twice_the_last_value_counts():
    series = hourly([1, 2, 3])
    again = pd.DataFrame({"time": series["time"][[0, 1]], "value": [10, None]})

    cleaned = clean(pd.concat([series, again]))

    assert cleaned.equals(series.assign(value=[10.0, 2.0, 3.0], filled=False))


def test_rows_come_into_order_and_those_without_time_go():
    series = hourly([1, 2, 3])
    empty = pd.DataFrame({"time": [pd.NaT], "value": [None]}).astype(series.dtypes.to_dict())

    assert clean(pd.concat([empty, series[::-1]])).equals(series.assign(filled=False))


def test_short_gaps_are_filled_on_a_straight_line_and_marked_and_long_ones_stay_empty():
    series = hourly([None, 1, None, None, 4, None, None, None, 8, None])
    without = series.drop(index=[2, 6])

    cleaned = clean(without, longest_gap=2)

    nothing = float("nan")
    assert cleaned["time"].tolist() == series["time"].tolist()
    assert cleaned["value"].equals(
        pd.Series([nothing, 1, 2, 3, 4, nothing, nothing, nothing, 8, nothing], name="value")
    )
    assert cleaned["filled"].tolist() == [False, False, True, True, *[False] * 6]


def test_temperatures_are_filled_always():
    series = hourly([1, 2, 3, 4, 5]).assign(temperature=[None, 10.0, None, 12.0, None])

    assert clean(series)["temperature"].tolist() == [10, 10, 11, 12, 12]


@given(st.lists(st.none() | st.floats(-400, 17000), min_size=2, max_size=60), st.integers(0, 5), st.randoms())
@settings(max_examples=60, deadline=None)
def test_cleaning_keeps_what_is_known_whatever_the_order_and_is_done_once(values, longest_gap, random):
    series = hourly([*values, 1.0])
    rows = list(range(len(series)))
    random.shuffle(rows)

    cleaned = clean(series.iloc[rows], longest_gap)

    known = series["value"].notna()
    assert cleaned["time"].equals(series["time"])
    assert cleaned["value"][known].equals(series["value"][known])
    assert (cleaned["value"].notna() == (known | cleaned["filled"])).all()
    assert clean(cleaned[["time", "value"]], longest_gap)["value"].equals(cleaned["value"])


def test_a_time_between_the_hours_is_refused():
    series = hourly([1, 2]).assign(time=pd.to_datetime(["2024-03-01 00:00", "2024-03-01 00:30"]))

    with pytest.raises(ValueError, match=r"^1 times are no full hours, the first is 2024-03-01 00:30:00$"):
        clean(series)


@pytest.mark.parametrize("series", [hourly([None, None]), hourly([])])
def test_a_series_without_a_value_is_refused(series):
    with pytest.raises(ValueError, match=r"^there is not one value in the series$"):
        clean(series)


# files


def test_files_of_either_way_to_write_times_are_read_one_after_the_other(tmp_path):
    (tmp_path / "a.csv").write_text("when,MW,rain\n2016-12-31 22:00:00,5.5,0\n2016-12-31 23:00:00,6,1\n,,\n")
    (tmp_path / "b.csv").write_text("when,MW,rain\n1/2/2017 0:00,7,0\n\n12/31/2017 23:00,,0\n")

    series = read_series([tmp_path / "a.csv", tmp_path / "b.csv"], {"time": "when", "value": "MW"})

    assert [str(time) for time in series["time"]] == [
        "2016-12-31 22:00:00",
        "2016-12-31 23:00:00",
        "NaT",
        "2017-01-02 00:00:00",
        "2017-12-31 23:00:00",
    ]
    assert series["value"].equals(pd.Series([5.5, 6, None, 7, None], name="value"))
    assert list(series.columns) == ["time", "value"]


def test_what_is_no_number_is_missing_and_said(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("t,v\n2016-12-31 22:00:00,62.634.44\n2016-12-31 23:00:00,6\n")

    series = read_series([tmp_path / "a.csv"], {"time": "t", "value": "v"})

    assert series["value"].equals(pd.Series([None, 6.0], name="value"))
    assert capsys.readouterr().out == "a.csv: 1 of v are no numbers, the first is '62.634.44'\n"


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("t,v\n", {"time": "t", "value": "w"}, "a.csv has no column 'w'; it has t, v"),
        (
            "t,v\n",
            {"time": "t", "valu": "v"},
            "columns names 'valu', which is not one of time, value, temperature",
        ),
        (
            "t,v\n31.12.2016 23:00,1\n",
            {"time": "t", "value": "v"},
            "a.csv writes times neither like 2024-12-31 23:00:00 nor like 12/31/2024 23:00",
        ),
    ],
)
def test_files_that_are_other_than_said_are_refused(tmp_path, text, columns, message):
    (tmp_path / "a.csv").write_text(text)

    with pytest.raises(ValueError) as refused:
        read_series([tmp_path / "a.csv"], columns)

    assert str(refused.value) == message


def test_a_region_without_files_is_refused():
    with pytest.raises(ValueError, match=r"^no file has the name of this region$"):
        read_series([], {"time": "t", "value": "v"})

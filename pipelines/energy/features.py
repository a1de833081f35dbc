"""Makes what a model may look at when it says an hour's value one week before.

Takes clean series. Of values only those a week old and older are used, so that nothing of the future leaks into
the past; of the temperature that of the hour itself, which a weather forecast says.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

__all__ = ["HORIZON", "make_features"]

HORIZON: Final = 7 * 24
"""Hours between the newest value that is looked at and the one that is forecast."""


def make_features(series: pd.DataFrame, test_days: int) -> dict[str, pd.DataFrame]:
    """Return rows of `time`, `value` and features: to learn from, to be judged by, and to be forecast.

    `test` are the last `test_days` days with values, `train` those before; hours whose value was filled in are in
    neither. `ahead` are the hours after the last value, one week of them at most.

    Raises:
        ValueError: where no hour is left to learn from.
    """
    table = series[["time", "value"]].assign(**_calendar(series["time"]), **_past(series["value"]))
    if "temperature" in series:
        table = table.assign(
            temperature=series["temperature"], temperature_squared=series["temperature"] ** 2
        )
    complete = table.drop(columns="value").notna().all(axis=1)
    known = table[complete & series["value"].notna() & ~series["filled"]]
    last = series.loc[series["value"].last_valid_index(), "time"]
    is_test = known["time"] > last - pd.Timedelta(days=test_days)
    if is_test.all():
        raise ValueError(
            f"nothing to learn from: {len(series) // 24} days, the last {test_days} of which are for the test"
        )
    parts = {
        "train": known[~is_test],
        "test": known[is_test],
        "ahead": table[complete & (table["time"] > last)],
    }
    return {name: rows.reset_index(drop=True) for name, rows in parts.items()}


def _calendar(time: pd.Series) -> dict[str, pd.Series]:
    angle = 2 * np.pi * time.dt.day_of_year / 365.25
    return {
        "hour_of_week": 24 * time.dt.day_of_week + time.dt.hour,
        "hour": time.dt.hour,
        "season_sine": np.sin(angle),
        "season_cosine": np.cos(angle),
    }


def _past(value: pd.Series) -> dict[str, pd.Series]:
    last_week = value.shift(HORIZON)
    return {
        "last_week": last_week,
        "week_before": value.shift(2 * HORIZON),
        "mean_of_week": last_week.rolling(7 * 24, min_periods=1).mean(),
    }

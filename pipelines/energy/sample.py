"""Makes up the hourly demand of a region, so that the example runs before there is any data.

Takes a seed and what is the region's own, gives the same series for the same of both. It is as clean as real
series are: hours stand twice, are missing or empty, and the last week is still to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

__all__ = ["Profile", "make_series"]

_FIRST_HOUR: Final = pd.Timestamp("2024-01-01")
_HOURS_AHEAD: Final = 7 * 24
_DAY: Final = 2 * np.pi / 24
_YEAR: Final = 2 * np.pi / (365.25 * 24)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is a region's own.

    `level` is its mean demand in MW without weather, `temperature` the mean of its year in °C; each degree below
    15 °C adds `heating` MW, each above 22 °C `cooling` MW.
    """

    level: float
    temperature: float
    heating: float
    cooling: float


def make_series(region: str, profile: Profile, days: int, seed: int = 0) -> pd.DataFrame:
    """Return `time`, `value` (MW) and `temperature` (°C) of so many days, 14 at least.

    Of the last seven days the temperature is there, as a weather forecast would say it, and the value is not.
    """
    if days < 14:
        raise ValueError(f"a sample has 14 days at least, not {days}")
    random = np.random.default_rng([seed, *region.encode()])
    hours = np.arange(days * 24)
    temperature = _temperature(hours, profile.temperature, random)
    series = pd.DataFrame(
        {
            "time": _FIRST_HOUR + pd.to_timedelta(hours, unit="h"),
            "value": _demand(hours, temperature, profile, random).round(1),
            "temperature": temperature.round(1),
        }
    )
    series.loc[len(series) - _HOURS_AHEAD :, "value"] = np.nan
    return _dirtied(series, random)


def _temperature(hours: np.ndarray, mean: float, random: np.random.Generator) -> np.ndarray:
    year = -9 * np.cos(_YEAR * (hours - 20 * 24))
    day = -4 * np.cos(_DAY * (hours - 3))
    return mean + year + day + _drift(len(hours), random, scale=3.0, memory=36)


def _demand(
    hours: np.ndarray, temperature: np.ndarray, profile: Profile, random: np.random.Generator
) -> np.ndarray:
    day = 1 - 0.18 * np.cos(_DAY * (hours - 4)) + 0.06 * np.cos(2 * _DAY * (hours - 19))
    weekend = np.where(hours // 24 % 7 >= 5, 0.88, 1.0)
    weather = profile.heating * np.maximum(15 - temperature, 0) + profile.cooling * np.maximum(
        temperature - 22, 0
    )
    noise = _drift(len(hours), random, scale=0.02 * profile.level, memory=12)
    return profile.level * day * weekend + weather + noise


def _drift(length: int, random: np.random.Generator, *, scale: float, memory: int) -> np.ndarray:
    """Return noise with the deviation `scale` that halves what it remembers every `memory` hours."""
    noise = random.normal(size=length + 10 * memory)
    drift = pd.Series(noise).ewm(halflife=memory, adjust=False).mean().to_numpy()[-length:]
    return scale * (drift - drift.mean()) / drift.std()


def _dirtied(series: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Take out hours, empty some, and let some stand twice, the first time with a value that was corrected."""
    known = len(series) - _HOURS_AHEAD
    gone = [*random.choice(np.arange(1, known - 10), 5, replace=False), *(known // 2 + np.arange(9))]
    empty = random.choice(np.arange(1, known - 1), 6, replace=False)
    twice = np.sort(random.choice(np.arange(1, known - 1), 8, replace=False))
    dirty = series.copy()
    dirty.loc[empty, "value"] = np.nan
    early = series.loc[twice].assign(value=(series.loc[twice, "value"] * 1.02).round(1))
    rows = pd.concat([early, dirty.drop(index=gone)]).sort_values("time", kind="stable", ignore_index=True)
    return pd.concat([rows, rows.tail(1).assign(time=pd.NaT, temperature=np.nan)], ignore_index=True)

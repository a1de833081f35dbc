"""Reads the series of a region from csv files, and cleans any: one row for each hour, in order.

A series has the columns `time` and `value` and may have `temperature`; all else stays behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

__all__ = ["clean", "read_series"]

_TIMES: Final = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M")
"""How the files write times; a file keeps to one of them."""
_COLUMNS: Final = ("time", "value", "temperature")


def read_series(tables: Sequence[Path], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of all files one after the other, as dirty as they are; what is no number is missing.

    `columns` says how the files call `time`, `value` and, where they have it, `temperature`.

    Raises:
        ValueError: where there is no file, a file lacks a column, or writes times in a way that is not known.
    """
    if not tables:
        raise ValueError("no file has the name of this region")
    if unknown := sorted(columns.keys() - set(_COLUMNS)):
        raise ValueError(f"columns names {unknown[0]!r}, which is not one of {', '.join(_COLUMNS)}")
    return pd.concat([_read(path, columns) for path in tables], ignore_index=True)


def _read(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    table = pd.read_csv(path)
    if missing := [name for name in columns.values() if name not in table.columns]:
        raise ValueError(f"{path.name} has no column {missing[0]!r}; it has {', '.join(table.columns)}")
    return pd.DataFrame(
        {
            ours: _times(table[theirs], path.name) if ours == "time" else _numbers(table[theirs], path.name)
            for ours, theirs in columns.items()
        }
    )


def _times(times: pd.Series, file: str) -> pd.Series:
    for form in _TIMES:
        parsed = pd.to_datetime(times, format=form, errors="coerce")
        if parsed.notna().equals(times.notna()):
            return parsed
    raise ValueError(f"{file} writes times neither like 2024-12-31 23:00:00 nor like 12/31/2024 23:00")


def _numbers(column: pd.Series, file: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    broken = column[numbers.isna() & column.notna()]
    if len(broken):
        print(f"{file}: {len(broken)} of {column.name} are no numbers, the first is {broken.iloc[0]!r}")
    return numbers


def clean(series: pd.DataFrame, longest_gap: int = 3) -> pd.DataFrame:
    """Return one row for each hour from the first to the last, and `filled`, which tells made-up values.

    Rows without a time go. Of an hour that stands more than once the last value counts: a correction comes
    after what it corrects. Up to `longest_gap` values missing in a row are filled in on a straight line; more
    stay empty, and so does what comes after the last value: it is to be forecast. Temperatures are filled always.

    Raises:
        ValueError: where there is no value at all, or a time between the hours.
    """
    hourly = series.dropna(subset=["time"]).groupby("time").last()
    between = hourly.index[hourly.index != hourly.index.floor("h")]
    if len(between):
        raise ValueError(f"{len(between)} times are no full hours, the first is {between[0]}")
    if hourly.empty or hourly["value"].isna().all():
        raise ValueError("there is not one value in the series")
    hourly = hourly.reindex(pd.date_range(hourly.index[0], hourly.index[-1], freq="h", name="time"))
    filled = _short_gaps(hourly["value"].isna(), longest_gap)
    hourly["value"] = hourly["value"].interpolate().where(hourly["value"].notna() | filled)
    if "temperature" in hourly:
        hourly["temperature"] = hourly["temperature"].interpolate(limit_direction="both")
    return hourly.assign(filled=filled).reset_index()


def _short_gaps(missing: pd.Series, longest: int) -> pd.Series:
    """Tell which hours belong to a gap of at most so many, with values before and behind it."""
    gap = (~missing).cumsum()
    length = missing.groupby(gap).transform("sum")
    inside = (gap > 0) & (gap < gap.iloc[-1] + (not missing.iloc[-1]))
    return missing & inside & (length <= longest)

"""Parse the text of one cell: a number, a date, or why it is neither. Pure."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Final, NamedTuple

__all__ = [
    "CellReading",
    "is_spreadsheet_error",
    "looks_grouped",
    "looks_percent",
    "read_date",
    "read_number",
]

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"nan|[+-]?inf(?:inity)?", re.IGNORECASE)
_GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]+,[0-9]+")
_ERRORS: Final = frozenset(
    [
        *("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"),
        *("#SPILL!", "#CALC!", "#GETTING_DATA"),
    ]
)
_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/.年])(?P<month>[0-9]{1,2})(?:(?P=mark)|月)(?P<day>[0-9]{1,2})日?"
    r"(?:[ T]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?)?"
)


class CellReading(NamedTuple):
    """A value, or why there is none and how to correct it."""

    value: float | str | None
    message: str = ""
    hint: str = ""


def is_spreadsheet_error(text: str) -> bool:
    """Return whether a spreadsheet wrote this instead of a value."""
    return text.upper() in _ERRORS


def looks_grouped(text: str) -> bool:
    """Return whether this is a number with thousands separators."""
    return _GROUPED.fullmatch(text) is not None


def looks_percent(text: str) -> bool:
    """Return whether this is a number in percent."""
    return text.endswith("%") and _NUMBER.fullmatch(text[:-1].rstrip()) is not None


def read_number(text: str, *, percent: bool, thousands: bool) -> CellReading:
    """Parse a text as a number in the notation of programs. `nan` and `inf` are numbers.

    With `percent`, `84.3%` is 0.843. With `thousands`, `1,024` is 1024.
    """
    if _NOT_FINITE.fullmatch(text):
        return CellReading(float(text))
    if looks_percent(text):
        value = _in_hundredths(text)
        if percent:
            return CellReading(value)
        return CellReading(
            None, f"'{text}' is a percentage", f"write {value!r}, or use --percent for all of them"
        )
    if looks_grouped(text):
        plain = text.replace(",", "")
        if thousands:
            return CellReading(float(plain))
        return CellReading(
            None,
            f"'{text}' has a comma between its digits",
            f"write {plain}, or use --thousands for all of them",
        )
    if not _NUMBER.fullmatch(text):
        hint = "write a number, or leave the cell empty"
        if _DECIMAL_COMMA.fullmatch(text):
            hint = f"write {text.replace(',', '.')}"
        return CellReading(None, f"'{text}' is not a number", hint)
    value = float(text)
    if math.isinf(value):
        return CellReading(None, f"'{text}' is too large for a number", "write a smaller number, or inf")
    return CellReading(value)


def read_date(text: str) -> CellReading:
    """Parse a date with or without a time, the year first. The value is its text: `2020-05-03` or `2020-05-03 14:30:00`."""
    match = _DATE.fullmatch(text)
    parts = (
        [int(part) for part in match.group("year", "month", "day", "hour", "minute", "second") if part]
        if match
        else []
    )
    try:
        moment = datetime(*parts) if parts else None  # type: ignore[arg-type]  # noqa: DTZ001 - as a user wrote it
    except ValueError:
        moment = None
    if moment is None or not 1970 < moment.year < 10_000:
        return CellReading(None, f"'{text}' is not a date", "write it like 2020-05-03 or 2020-05-03 14:30")
    return CellReading(moment.date().isoformat() if len(parts) == 3 else moment.isoformat(" "))


def _in_hundredths(text: str) -> float:
    """Divide by 100 in decimal arithmetic: in binary, 84.3 / 100 is not 0.843."""
    mantissa, _, exponent = text[:-1].rstrip().lower().partition("e")
    return float(f"{mantissa}e{int(exponent or 0) - 2}")

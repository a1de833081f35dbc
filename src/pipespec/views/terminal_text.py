"""Text for a terminal: escaped, measured, cut, wrapped and laid out in columns.

Takes any text, and returns text that a terminal prints unchanged: it contains no control characters, no escape
sequences and no changes of direction. Widths are in columns. Chinese, Japanese and Korean characters take two.
"""

from __future__ import annotations

import math
import sys
import unicodedata
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

from pipespec.errors import counted
from pipespec.views.styled_text import joined

__all__ = [
    "UNLIMITED",
    "WIDTH",
    "age_text",
    "bytes_text",
    "columns_of",
    "cut",
    "number_text",
    "pad",
    "printable",
    "rows",
    "seconds_text",
    "wrap",
]

WIDTH: Final = ContextVar("WIDTH", default=80)
"""The number of columns for which text views are made. The code that prints them may use another width."""
UNLIMITED: Final = sys.maxsize
"""The width without wrapping, so that each row is one line: for `grep` and programs."""

_GAP: Final = 2
_ROOM: Final = 24
_INVISIBLE: Final = frozenset({"Mn", "Me"})
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


def printable(text: str) -> str:
    """Escape what a terminal would interpret or hide. Spaces of all kinds are kept."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or unicodedata.category(character) == "Zs"
        else _escape(character)
        for character in text
    )


def columns_of(text: str) -> int:
    """Count the columns that printable text takes."""
    return len(text) if text.isascii() else sum(map(_columns_of_one, text))


def cut(text: str, columns: int) -> str:
    """Keep what fits into this many columns. If something is left out, the last column is `…`."""
    if columns_of(text) <= columns:
        return text
    kept, taken = [], 0
    for character in text:
        taken += _columns_of_one(character)
        if taken > columns - 1:
            break
        kept.append(character)
    return f"{''.join(kept)}…"


def pad(text: str, columns: int) -> str:
    """Fill with spaces to this many columns."""
    return text + " " * (columns - columns_of(text))


def wrap(text: str, columns: int) -> list[str]:
    """Break text at spaces into lines of at most this many columns. A longer word is broken inside."""
    lines: list[str] = [""]
    for word in text.split(" "):
        if lines[-1] and columns_of(lines[-1]) + 1 + columns_of(word) <= columns:
            lines[-1] += f" {word}"
            continue
        pieces = _pieces(word, columns)
        if lines[-1]:
            lines.extend(pieces)
        else:
            lines[-1:] = pieces
    return lines


def rows(
    cells: Sequence[tuple[Sequence[str], str]], *, most: int = 34, columns: int | None = None, indent: int = 2
) -> list[str]:
    """Lay out rows of short cells and a last cell of free text, which is wrapped below itself.

    All rows have the same number of short cells. A cell with more than `most` columns does not widen its column: what
    follows it moves to the line below. Free text also moves there if little room is left beside the cells. If the width
    is `UNLIMITED`, each row is one line.
    """
    columns = WIDTH.get() if columns is None else columns
    widths = [
        max((width for cell in column if (width := columns_of(cell)) <= most), default=0)
        for column in zip(*(short for short, _ in cells), strict=True)
    ]
    beside = indent + sum(width + _GAP for width in widths)
    start = beside if columns - beside >= _ROOM else indent + 2 * _GAP
    lines: list[str] = []
    for short, free in cells:
        line = _Line(lines, indent, breaks=columns != UNLIMITED)
        for cell, width in zip(short, widths, strict=True):
            line.put(cell, width)
        line.put_wrapped(free, start, columns - start)
    return lines


class _Line:
    """The line that is being written. If it `breaks`, it does so before a cell that does not fit into its column."""

    def __init__(self, lines: list[str], indent: int, *, breaks: bool) -> None:
        self._lines = lines
        self._breaks = breaks
        self._parts = [" " * indent]
        self._column = self._position = indent
        self._end = 0
        """The end of the text without trailing blanks; 0 if nothing is written yet."""

    def put(self, cell: str, width: int) -> None:
        taken = columns_of(cell)
        if cell:
            self._break_unless_before(self._column)
            self._end = self._position + taken
        blank = max(width + _GAP - taken, 0 if self._breaks else _GAP)
        self._parts += (cell, " " * blank)
        self._position += taken + blank
        self._column += width + _GAP

    def put_wrapped(self, text: str, start: int, width: int) -> None:
        if text:
            self._break_unless_before(start)
        first, *more = wrap(text, width)
        self._parts.append(first)
        self._write()
        self._lines.extend(" " * start + rest for rest in more)

    def _break_unless_before(self, column: int) -> None:
        if self._breaks and self._end and self._end >= column:
            self._write()
            self._parts = [" " * column]
            self._position, self._end = column, 0

    def _write(self) -> None:
        self._lines.append(joined("", self._parts).without_end())


def seconds_text(seconds: float) -> str:
    """Format a duration for people: `0.04 s`, `2.1 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    seconds = max(seconds, 0.0)
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return _in_two_units(whole, (_MINUTE, "min"), (1, "s"))
    if whole < _DAY:
        return _in_two_units(whole, (_HOUR, "h"), (_MINUTE, "min"))
    return _in_two_units(whole, (_DAY, "d"), (_HOUR, "h"))


def number_text(value: float) -> str:
    """Format a number with four significant digits, and whole numbers as whole."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.4g}"


def bytes_text(count: int) -> str:
    """Format a size with three digits: `812 bytes`, `1.2 GB`."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return counted(count, "byte") if unit == 0 else f"{value:.3g} {_UNITS[unit]}"


def age_text(seconds: float) -> str:
    """Say how long ago something was, in one unit: `just now`, `40 s ago`, `3 min ago`, `2 h ago`, `5 d ago`."""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name} ago"
    return "just now"


def _in_two_units(seconds: int, large: tuple[int, str], small: tuple[int, str]) -> str:
    rest = seconds % large[0] // small[0]
    return f"{seconds // large[0]} {large[1]}" + (f" {rest} {small[1]}" if rest else "")


def _escape(character: str) -> str:
    number = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _columns_of_one(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _pieces(word: str, columns: int) -> list[str]:
    pieces = [""]
    taken = 0
    for character in word:
        width = _columns_of_one(character)
        if taken + width > columns:
            pieces.append("")
            taken = 0
        pieces[-1] += character
        taken += width
    return pieces

"""A table as a spreadsheet displays it: texts in rows and columns, and what is wrong at a cell.

Rows count from 1 and columns have letters, as in the spreadsheet. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pipespec.frozen_values import frozen

__all__ = ["CellProblem", "Sheet", "column_letters"]


@frozen
class Sheet:
    """The cells of a table, and how it was read."""

    rows: tuple[tuple[str, ...], ...]
    """From the first row on. Rows may have different lengths: missing cells at the end of a row are empty."""
    made_as: str
    """In words, for example `CSV in CP932`."""
    merged: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """Cells that are empty because they are merged with another cell: row and column (from 0) -> the other's name, `C1`."""
    uncalculated: frozenset[tuple[int, int]] = frozenset()
    """Cells with a formula whose value is not in the file: row and column (from 0)."""


@frozen
class CellProblem:
    """What is wrong at a cell or, without a column, in a row. `hint` says how to correct it."""

    row: int
    """From 1."""
    column: int | None
    """From 0, so that problems can be sorted. `place` formats it."""
    name: str
    """The name of the column, if it has one."""
    message: str
    hint: str

    @property
    def place(self) -> str:
        """Say where it is: `row 12, column J 'acc'`."""
        if self.column is None:
            return f"row {self.row}"
        named = f" '{self.name}'" if self.name else ""
        return f"row {self.row}, column {column_letters(self.column)}{named}"


def column_letters(column: int) -> str:
    """Return the spreadsheet's name of a column, counted from 0: 0 -> `A`, 26 -> `AA`."""
    letters = ""
    while column >= 0:
        letters = chr(ord("A") + column % 26) + letters
        column = column // 26 - 1
    return letters

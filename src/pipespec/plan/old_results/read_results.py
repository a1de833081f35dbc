"""Convert a table of results to the runs that its rows describe, or report everything that is wrong with its cells.

Row 1 has names. Row 2 says for each column whether it is a parameter, a metric or a tag. Each row after them is a run.
Empty cells set nothing for their run. Pure: nothing is recorded here, and if there is a problem, nothing should be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.plan.old_results.cell_texts import (
    CellReading,
    is_spreadsheet_error,
    looks_grouped,
    looks_percent,
    read_date,
    read_number,
)
from pipespec.plan.old_results.sheet import CellProblem, Sheet
from pipespec.plan.old_results.table_columns import Column, Kind, read_columns

__all__ = ["OldResults", "OldRun", "TableOptions", "read_results"]

_LONGEST: Final[Mapping[Kind, int]] = {
    Kind.PARAMETER: 6000,
    Kind.TAG: 8000,
    Kind.NAME: 250,
    Kind.EXPERIMENT: 240,
}
"""Maximum number of characters. For an experiment, it is less than MLflow's limit, because a number may be appended to its name."""


@frozen
class TableOptions:
    """How a table is read."""

    experiment: str
    """The experiment of rows that name none."""
    kinds: Mapping[str, Kind]
    """By the names of columns. They take precedence over row 2."""
    percent: bool = False
    thousands: bool = False


@frozen
class OldRun:
    """One row: a run to record."""

    row: int
    experiment: str
    name: str | None
    date: str | None
    """When it started, as `2020-05-03` or `2020-05-03 14:30:00`."""
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What distinguishes it from other runs: its whole content, but not the position of its row."""
        told = [
            [self.experiment, self.name, self.date],
            sorted(self.params.items()),
            sorted((name, repr(value)) for name, value in self.metrics.items()),
            sorted(self.tags.items()),
        ]
        return hashlib.sha256(json.dumps(["pipespec.imported 1", *told]).encode()).hexdigest()


@frozen
class OldResults:
    """The runs of a table, or its problems."""

    runs: tuple[OldRun, ...]
    repeated: Mapping[int, int]
    """Rows that are equal to an earlier one, with that row. Such a row is not a separate run."""
    problems: tuple[CellProblem, ...]


def read_results(sheet: Sheet, options: TableOptions) -> OldResults:
    """Read all rows. If anything is wrong, there are no runs.

    Raises:
        UsageError: if a kind is stated for a column that does not exist.
    """
    columns, problems = read_columns(sheet, options.kinds)
    found = list(problems)
    numeric = _numeric(sheet, columns, options)
    runs: dict[str, OldRun] = {}
    repeated: dict[int, int] = {}
    for number, row in enumerate(sheet.rows[2:], start=2):
        if not any(cell.strip() for cell in row) and not _is_uncalculated(sheet, number):
            continue
        run = _ResultRow(sheet, number, row, options, numeric, found).read(columns)
        first = runs.setdefault(run.digest, run)
        if first is not run:
            repeated[run.row] = first.row
    if not runs and not found:
        message = "there is no row with values below the names and kinds"
        found.append(CellProblem(min(len(sheet.rows) + 1, 3), None, "", message, "write one run in each row"))
    if found:
        return OldResults((), {}, tuple(sorted(found, key=lambda one: (one.row, one.column or 0))))
    return OldResults(tuple(runs.values()), repeated, ())


def _is_uncalculated(sheet: Sheet, number: int) -> bool:
    return any(row == number for row, _ in sheet.uncalculated)


def _numeric(sheet: Sheet, columns: Collection[Column], options: TableOptions) -> frozenset[int]:
    """Return the columns of parameters in which most cells are numbers, so that `1,024` is meant as one number."""
    found = set()
    for column in columns:
        if column.kind is not Kind.PARAMETER:
            continue
        texts = [row[column.number].strip() for row in sheet.rows[2:] if column.number < len(row)]
        texts = [text for text in texts if text]
        numbers = sum(
            read_number(text, percent=options.percent, thousands=options.thousands).value is not None
            for text in texts
        )
        if numbers * 2 > len(texts) and all(_is_numberlike(text) for text in texts):
            found.add(column.number)
    return frozenset(found)


def _is_numberlike(text: str) -> bool:
    return read_number(text, percent=True, thousands=True).value is not None or is_spreadsheet_error(text)


@frozen
class _ResultRow:
    """One row while it is read. Problems are added to `found`."""

    sheet: Sheet
    number: int
    cells: tuple[str, ...]
    options: TableOptions
    numeric: frozenset[int]
    found: list[CellProblem]

    def read(self, columns: Collection[Column]) -> OldRun:
        texts = {kind: dict[str, str]() for kind in Kind}
        metrics: dict[str, float] = {}
        for column in columns:
            text = self._text(column)
            if not text:
                continue
            if column.kind is Kind.METRIC:
                value = self._taken(
                    column, read_number(text, percent=self.options.percent, thousands=self.options.thousands)
                )
                if isinstance(value, float):
                    metrics[column.name] = value
                continue
            if column.kind is Kind.DATE:
                text = str(self._taken(column, read_date(text)) or "")
            elif column.number in self.numeric:
                text = self._number_text(column, text)
            texts[column.kind][column.name] = text
        one = {
            kind: next(iter(texts[kind].values()), None) for kind in (Kind.EXPERIMENT, Kind.NAME, Kind.DATE)
        }
        return OldRun(
            self.number + 1,
            one[Kind.EXPERIMENT] or self.options.experiment,
            one[Kind.NAME],
            one[Kind.DATE],
            texts[Kind.PARAMETER],
            metrics,
            texts[Kind.TAG],
        )

    def _text(self, column: Column) -> str:
        """Return the content of a cell; "" if it is empty or cannot be used."""
        if column.kind is Kind.IGNORE:
            return ""
        if (self.number, column.number) in self.sheet.uncalculated:
            hint = "open the file in a spreadsheet program and save it, or write the value"
            return self._wrong(column, "the formula was never calculated", hint)
        text = self.cells[column.number] if column.number < len(self.cells) else ""
        plain = text.strip()
        if not plain:
            merged = self.sheet.merged.get((self.number, column.number))
            if merged is None:
                return ""
            return self._wrong(
                column, f"the cell is merged with {merged}", "split it and write the value in each row"
            )
        if is_spreadsheet_error(plain):
            return self._wrong(
                column, f"'{plain}' is an error of the spreadsheet", "correct it, or leave the cell empty"
            )
        if "\0" in text:
            return self._wrong(
                column, "the cell has a NUL character", "remove it; is the encoding right? --encoding sets it"
            )
        limit = _LONGEST.get(column.kind)
        if limit is not None and len(plain) > limit:
            message = (
                f"the text has {len(plain)} characters, and at most {limit} of a {column.kind} can be kept"
            )
            hint = (
                "make the column a tag"
                if column.kind is Kind.PARAMETER and len(plain) <= _LONGEST[Kind.TAG]
                else "shorten it"
            )
            return self._wrong(column, message, hint)
        return text if column.kind is Kind.TAG else plain

    def _number_text(self, column: Column, text: str) -> str:
        """Return a parameter in a column of numbers, as written unless its notation is only for people."""
        if not looks_percent(text) and not looks_grouped(text):
            return text
        read = read_number(text, percent=self.options.percent, thousands=self.options.thousands)
        value = self._taken(column, read)
        if value is None:
            return text
        return repr(value) if looks_percent(text) else text.replace(",", "")

    def _taken(self, column: Column, read: CellReading) -> float | str | None:
        if read.value is None:
            self._wrong(column, read.message, read.hint)
        return read.value

    def _wrong(self, column: Column, message: str, hint: str) -> str:
        self.found.append(CellProblem(self.number + 1, column.number, column.name, message, hint))
        return ""

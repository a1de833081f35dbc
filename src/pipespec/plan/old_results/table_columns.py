"""The columns of a table of results: the name of each, and its kind according to the second row.

Takes the first two rows, and kinds that the user states. Returns columns, or problems. Refuses names that MLflow does
not accept, duplicate names, values without a name above them, and unknown kinds. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from pipespec.document.mlflow_names import NAME_LENGTH, fit_name
from pipespec.document.wording import did_you_mean
from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.plan.old_results.sheet import CellProblem, Sheet, column_letters

__all__ = ["KINDS", "Column", "Kind", "read_columns", "read_stated_kinds"]


class Kind(StrEnum):
    """What the cells of a column are in their run."""

    PARAMETER = "parameter"
    METRIC = "metric"
    TAG = "tag"
    EXPERIMENT = "experiment"
    NAME = "name"
    DATE = "date"
    IGNORE = "ignore"


@frozen
class Column:
    """A column: its number from 0, its name and its kind."""

    number: int
    name: str
    kind: Kind


_WORDS: Final[Mapping[str, Kind]] = {
    **{kind.value: kind for kind in Kind},
    **{f"{kind.value}s": kind for kind in Kind},
    "param": Kind.PARAMETER,
    "params": Kind.PARAMETER,
}
KINDS: Final = "parameter, metric or tag"
_MAIN: Final = frozenset({Kind.PARAMETER, Kind.METRIC, Kind.TAG})
_SINGLE: Final = frozenset({Kind.EXPERIMENT, Kind.NAME, Kind.DATE})
_RESERVED: Final = re.compile(r"(?:mlflow|pipespec)\.(?!note\.content$)", re.IGNORECASE)


def read_stated_kinds(stated: tuple[str, ...]) -> Mapping[str, Kind]:
    """Parse kinds that a user states as `COLUMN=KIND`.

    Raises:
        UsageError: if a text does not have that form, or the kind is unknown.
    """
    found: dict[str, Kind] = {}
    for text in stated:
        name, equals, word = text.rpartition("=")
        if not equals or not name.strip():
            raise UsageError(f"'--kind {text}' does not say COLUMN=KIND; write for example --kind memo=tag")
        if word.strip().lower() not in _WORDS:
            raise UsageError(f"'--kind {text}': there is no kind '{word}'; the kinds are {', '.join(Kind)}")
        found[name.strip()] = _WORDS[word.strip().lower()]
    return found


def read_columns(
    sheet: Sheet, stated: Mapping[str, Kind]
) -> tuple[tuple[Column, ...], tuple[CellProblem, ...]]:
    """Return the columns that have a name, and what is wrong with the first two rows.

    Raises:
        UsageError: if a kind is stated for a column that does not exist.
    """
    names = [text.strip() for text in (sheet.rows[0] if sheet.rows else ())]
    for name in stated:
        if name not in names:
            near = did_you_mean(name, [one for one in names if one]) or "write the name as row 1 has it"
            raise UsageError(f"the table has no column '{name}', for which --kind says what it is; {near}")
    problems = [*_without_name(sheet, names), *_twice(names), *_without_kinds(sheet, names, stated)]
    columns = []
    for number, name in enumerate(names):
        if not name:
            continue
        kind = stated.get(name) or _WORDS.get(_second(sheet, number).lower())
        if kind is not None:
            columns.append(Column(number, name, kind))
    problems += _singles(columns)
    problems += [one for column in columns if (one := _name_problem(column)) is not None]
    return tuple(columns), tuple(problems)


def _second(sheet: Sheet, number: int) -> str:
    row = sheet.rows[1] if len(sheet.rows) > 1 else ()
    return row[number].strip() if number < len(row) else ""


def _without_kinds(sheet: Sheet, names: list[str], stated: Mapping[str, Kind]) -> Iterator[CellProblem]:
    wanting = [number for number, name in enumerate(names) if name and name not in stated]
    unknown = [number for number in wanting if _second(sheet, number).lower() not in _WORDS]
    if unknown and len(unknown) == len(wanting):
        message = f"no cell of row 2 says {KINDS}"
        hint = f"insert a row below the names that says of each column: {KINDS}"
        yield CellProblem(2, None, "", message, hint)
        return
    for number in unknown:
        name, word = names[number], _second(sheet, number)
        message = f"'{word}' is not a kind" if word else "the kind is empty"
        hint = f"write {KINDS}, or use --kind {_quoted(name)}=tag (also: {', '.join(k for k in Kind if k not in _MAIN)})"
        yield CellProblem(2, number, name, message, hint)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.:/-]+", name) else f'"{name}"'


def _without_name(sheet: Sheet, names: list[str]) -> Iterator[CellProblem]:
    width = max((len(row) for row in sheet.rows), default=0)
    for number in range(width):
        if number < len(names) and names[number]:
            continue
        place = next(
            (at for at, row in enumerate(sheet.rows) if number < len(row) and row[number].strip()), None
        )
        if place is None:
            continue
        merged = sheet.merged.get((0, number))
        why = f", because its first cell is merged with {merged}" if merged else ""
        hint = "split the merged cell and name each column" if merged else "name the column in row 1"
        message = f"the column has values, first in row {place + 1}, but no name{why}"
        yield CellProblem(1, number, "", message, hint)


def _twice(names: list[str]) -> Iterator[CellProblem]:
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if name and name in first:
            message = f"column {column_letters(first[name])} has this name, too"
            yield CellProblem(1, number, name, message, "give each column a name of its own")
        first.setdefault(name, number)


def _singles(columns: list[Column]) -> Iterator[CellProblem]:
    seen: dict[Kind, Column] = {}
    for column in columns:
        if column.kind in seen:
            message = f"column '{seen[column.kind].name}' is the {column.kind} of the runs already"
            yield CellProblem(2, column.number, column.name, message, "only one column can be that")
        elif column.kind in _SINGLE:
            seen[column.kind] = column


def _name_problem(column: Column) -> CellProblem | None:
    if column.kind not in _MAIN:
        return None
    name = column.name
    if _RESERVED.match(name):
        return CellProblem(
            1, column.number, name, "names that begin like this are MLflow's and pipespec's own", "rename it"
        )
    if len(name) > NAME_LENGTH:
        message = f"the name has {len(name)} characters, and MLflow allows {NAME_LENGTH}"
        return CellProblem(1, column.number, f"{name[:30]}…", message, "shorten it")
    if fit_name(name) != name:
        fitted = re.sub(r"_+", "_", fit_name(name)).strip("_ ") or "value"
        message = "MLflow's names have letters, digits, spaces and the characters _ - . : /"
        return CellProblem(1, column.number, name, message, f"rename it, for example to '{fitted}'")
    return None

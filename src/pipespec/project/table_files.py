"""Read tables that spreadsheets write: the cells of a .csv or .xlsx file as texts.

Takes a path and what the user says about it. Returns a `Sheet`. The encoding of a CSV file is detected: a byte order
mark, otherwise UTF-8, otherwise CP932, which Excel uses on Japanese Windows. The separator of cells is also detected:
`,`, `;` or a tab. Refuses what is not a table, and says how to correct it.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pipespec.errors import UsageError
from pipespec.plan.old_results.sheet import Sheet

__all__ = ["read_table"]

_LARGEST: Final = 64 << 20
"""Bytes. 5,000 runs with 40 columns take 2 MB."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_GUESSES: Final = (("utf-8", "UTF-8"), ("cp932", "CP932"))
_NO_TEXT: Final = frozenset("\x80\xa0\uf8f1\uf8f2\uf8f3")
"""The characters that single bytes become in CP932 and that no text in it contains."""
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_DELIMITERS: Final = {",": "", ";": " separated by semicolons", "\t": " separated by tabs"}


def read_table(path: Path, *, encoding: str | None = None, sheet: str | None = None) -> Sheet:
    """Read a table. `encoding` is for CSV files; `sheet` chooses one of several sheets of an .xlsx file.

    Raises:
        UsageError: if it cannot be read.
    """
    content = _content(path)
    if content.startswith(_OLE):
        raise UsageError(
            f"'{path}' is an old Excel file (.xls), or one with a password; save it as .xlsx or as CSV UTF-8"
        )
    if content.startswith(_ZIP):
        if encoding is not None:
            raise UsageError(f"'{path}' is an Excel file, which has no encoding; leave --encoding out")
        return _read_workbook(path, content, sheet)
    if sheet is not None:
        raise UsageError(f"'{path}' is not an Excel file, so it has no sheets; leave --sheet out")
    return _read_csv(path, content, encoding)


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            why = "is not a file" if path.exists() else "does not exist"
            raise UsageError(f"the table '{path}' {why}")
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"'{path}' has more than {_LARGEST >> 20} MiB; split it")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"'{path}' cannot be read: {error.strerror or error}") from error


# ------------------------------------------------------------------------------------------- CSV


def _read_csv(path: Path, content: bytes, encoding: str | None) -> Sheet:
    text, told = _decoded(path, content, encoding)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = tuple(map(tuple, reader))
    except csv.Error as error:
        hint = "a quote that is opened must be closed, and a quote inside a cell is written twice"
        raise UsageError(f"'{path}', line {reader.line_num}: {error}; {hint}") from error
    return Sheet(rows, f"CSV in {told}{_DELIMITERS[delimiter]}")


def _decoded(path: Path, content: bytes, encoding: str | None) -> tuple[str, str]:
    """Return the text, and the name of its encoding."""
    if encoding is not None:
        try:
            return content.decode(encoding).removeprefix("\ufeff"), encoding
        except LookupError as error:
            raise UsageError(
                f"there is no encoding '{encoding}'; write for example cp932, utf-8 or latin-1"
            ) from error
        except UnicodeError as error:
            raise UsageError(
                f"'{path}' is not in the encoding '{encoding}': {_where(error, content)}"
            ) from error
    for mark, codec, told in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(codec), told
            except UnicodeError as error:
                raise UsageError(
                    f"'{path}' begins like {told} but is not: {_where(error, content)}"
                ) from error
    for codec, told in _GUESSES:
        try:
            text = content.decode(codec)
        except UnicodeError:
            continue
        if _NO_TEXT.isdisjoint(text):
            return text, told
    if path.suffix.lower() == ".xlsx":
        raise UsageError(f"'{path}' is not an Excel file, whatever its name says; save it as .xlsx or CSV")
    raise UsageError(f"'{path}' is neither UTF-8 nor CP932; set its encoding, for example --encoding latin-1")


def _where(error: UnicodeError, content: bytes) -> str:
    if not isinstance(error, UnicodeDecodeError):
        return str(error)
    line = content.count(b"\n", 0, error.start) + 1
    return f"line {line} has a byte {content[error.start]:#04x} that cannot stand there"


def _delimiter(text: str) -> str:
    """Return the most frequent separator in the first two rows.

    The second row has priority: its words are known and contain none.
    """
    first, _, rest = text.partition("\n")
    second = rest.partition("\n")[0]
    return max(_DELIMITERS, key=lambda mark: (second.count(mark), first.count(mark)))


# ------------------------------------------------------------------------------------------ .xlsx


def _read_workbook(path: Path, content: bytes, name: str | None) -> Sheet:
    book = _load(path, content, data_only=True)
    chosen = _chosen(path, book, name)
    rows = [tuple(map(_text, row)) for row in chosen.iter_rows(values_only=True)]
    merged = {
        (row - 1, column - 1): area.start_cell.coordinate
        for area in chosen.merged_cells.ranges
        for row, column in area.cells
        if (row, column) != (area.min_row, area.min_col)
    }
    formulas = _load(path, content, data_only=False)[chosen.title]
    uncalculated = frozenset(
        (cell.row - 1, cell.column - 1)
        for row in formulas.iter_rows()
        for cell in row
        if cell.data_type == "f" and not rows[cell.row - 1][cell.column - 1]
    )
    return Sheet(tuple(rows), f"Excel, sheet '{chosen.title}'", merged, uncalculated)


def _load(path: Path, content: bytes, *, data_only: bool) -> Any:
    try:
        import openpyxl  # noqa: PLC0415 - it is in an extra, and few tables need it
    except ImportError:
        raise UsageError(
            f"'{path}' is an Excel file, which needs the package openpyxl: pip install openpyxl; or save it as CSV"
        ) from None
    try:
        return openpyxl.load_workbook(io.BytesIO(content), data_only=data_only)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, TypeError) as error:
        raise UsageError(
            f"'{path}' is not an .xlsx file that can be read ({error}); save it as .xlsx or CSV"
        ) from error


def _chosen(path: Path, book: Any, name: str | None) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    listed = ", ".join(f"'{title}'" for title in sheets)
    if name is not None:
        if name not in sheets:
            raise UsageError(f"'{path}' has no sheet '{name}'; it has {listed}")
        return sheets[name]
    filled = [sheet for sheet in sheets.values() if sheet.max_row > 1 or sheet["A1"].value is not None]
    if len(filled) > 1:
        raise UsageError(f"'{path}' has several sheets: {listed}; choose one with --sheet")
    if not sheets:
        raise UsageError(f"'{path}' has no sheet with cells")
    return filled[0] if filled else next(iter(sheets.values()))


def _text(value: Any) -> str:
    """Return a cell as a CSV file would contain it, dates with the year first."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case datetime():
            is_date = (value.hour, value.minute, value.second) == (0, 0, 0)
            return value.date().isoformat() if is_date else value.isoformat(" ", "seconds")
        case date():
            return value.isoformat()
        case float():
            return repr(value)
        case _:
            return str(value)

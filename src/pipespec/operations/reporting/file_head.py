"""The beginning of a file, as a page shows it: a whole picture, the first rows of a table, the first lines of a text.

Takes a local file and the suffix that determines its format. Returns a `Preview`, or None for formats without a useful
beginning. Reads no more than it shows, except for pictures, and loads no library that a run has not loaded: pandas is
never used. Secrets are removed before anything is cut.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pipespec.errors import counted
from pipespec.step.content_digest import open_regular
from pipespec.step.secrets import Redactor
from pipespec.views.report.report_parts import PicturePreview, Preview, Table, TextPreview
from pipespec.views.terminal_text import cut

__all__ = ["PICTURES", "SHOWN", "beginning_of", "last_lines"]

PICTURES: Final[Mapping[str, str]] = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
"""Their types by suffix."""

_TEXTS: Final = frozenset(
    {".json", ".txt", ".md", ".yaml", ".yml", ".toml", ".log", ".sql", ".html", ".xml", ".ini"}
)
_COLUMNAR: Final = frozenset({".parquet", ".feather", ".arrow"})
_LINEWISE: Final = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
SHOWN: Final = _TEXTS | _COLUMNAR | _LINEWISE | PICTURES.keys()
"""Suffixes of formats whose beginning can be shown."""

_HEAD: Final = 64 << 10
"""Maximum number of bytes that are read from a text."""
_ROWS: Final = 8
_COLUMNS: Final = 12
_CELL: Final = 60
"""Maximum width of a cell, in columns of a terminal."""
_LINES: Final = 24
_LINE: Final = 300
_WHOLE_COLUMNS: Final = 100 << 20
"""Maximum size in bytes of a columnar file that is opened."""


def beginning_of(path: Path, suffix: str, redact: Redactor) -> Preview | None:
    """Show the beginning of a file.

    Raises:
        OSError, ContentError: if it cannot be read.
        Exception: if its library says that it is not a file of its format.
    """
    if suffix in PICTURES:
        return _picture(path, PICTURES[suffix], redact)
    if suffix in _COLUMNAR:
        return _columns(path, suffix, redact)
    head, is_whole = _head(path, redact)
    if suffix in (".csv", ".tsv"):
        return _separated(head, "\t" if suffix == ".tsv" else ",", is_whole=is_whole)
    if suffix in (".jsonl", ".ndjson"):
        return _objects(head, is_whole=is_whole)
    return _text(head, suffix, is_whole=is_whole) if suffix in _TEXTS else None


def last_lines(path: Path, most: int, redact: Redactor) -> str:
    """Return the last lines of a log; nothing if it cannot be read."""
    try:
        with open_regular(path) as file:
            file.seek(max(0, file.seek(0, io.SEEK_END) - _HEAD))
            text = redact.clean(file.read(_HEAD)).decode(errors="replace")
    except (OSError, ValueError):
        return ""
    lines = text.splitlines()
    more = [f"... {len(lines) - most} more lines before"] if len(lines) > most else []
    return "\n".join([*more, *(cut(line, _LINE) for line in lines[-most:])])


def _head(path: Path, redact: Redactor) -> tuple[str, bool]:
    """Return the beginning of a file, and whether that is all. A secret that would be cut at the end is left out."""
    with open_regular(path) as file:
        content = file.read(_HEAD + 1)
    if len(content) <= _HEAD:
        return redact.clean(content).decode("utf-8-sig", errors="replace"), True
    kept = redact.clean(content)
    return kept[: len(kept) - redact.reach].decode("utf-8-sig", errors="replace"), False


def _picture(path: Path, media: str, redact: Redactor) -> Preview | None:
    with open_regular(path) as file:
        content = file.read()
    return PicturePreview(media, content) if redact.clean(content) == content else None


def _separated(head: str, delimiter: str, *, is_whole: bool) -> Preview | None:
    """Read a text table. If only a part of it was read, the last line is incomplete."""
    lines = io.StringIO(head if is_whole else head.rpartition("\n")[0], newline="")
    rows = list(islice(csv.reader(lines, delimiter=delimiter), None))
    if not rows:
        return None
    total = len(rows) - 1 if is_whole else None
    return _table(rows[0], rows[1 : 1 + _ROWS], total)


def _objects(head: str, *, is_whole: bool) -> Preview | None:
    """Read JSON lines. Values that are not objects are shown in one column."""
    lines = head.splitlines() if is_whole else head.splitlines()[:-1]
    values = [json.loads(line) for line in lines[:_ROWS] if line.strip()]
    found = [value if isinstance(value, dict) else {"value": value} for value in values]
    columns = list(dict.fromkeys(str(name) for row in found for name in row))
    rows = [[_cell(row.get(name, "")) for name in columns] for row in found]
    return _table(columns, rows, len(lines) if is_whole else None) if found else None


def _columns(path: Path, suffix: str, redact: Redactor) -> Preview | None:
    if path.stat().st_size > _WHOLE_COLUMNS:
        return None
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s, unless a step that ran has already imported it

    with pa.memory_map(str(path)) as file:
        batch, columns, total = _first_batch(file, suffix)
        rows = [[redact(str(value)) for value in row.values()] for row in batch.to_pylist()]
    more = [""] * (len(columns) - len(batch.schema.names))
    return _table([redact(name) for name in columns], [[*row, *more] for row in rows], total)


def _first_batch(file: Any, suffix: str) -> tuple[Any, list[str], int | None]:
    """Return the first rows of the first columns, the names of all columns, and the number of rows if it is known."""
    if suffix == ".parquet":
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - as pyarrow itself

        table = ParquetFile(file)
        names = table.schema_arrow.names
        batches = table.iter_batches(batch_size=_ROWS, columns=names[:_COLUMNS])
        empty = table.schema_arrow.empty_table().select(names[:_COLUMNS])
        return next(iter(batches), empty), names, table.metadata.num_rows
    from pyarrow import ipc  # noqa: PLC0415 - as pyarrow itself

    reader = ipc.open_file(file)
    names = reader.schema.names
    first = reader.get_batch(0) if reader.num_record_batches else reader.schema.empty_table()
    return first.slice(0, _ROWS).select(names[:_COLUMNS]), names, None


def _text(head: str, suffix: str, *, is_whole: bool) -> Preview | None:
    if suffix == ".json" and is_whole:
        head = json.dumps(json.loads(head), indent=2, ensure_ascii=False)
    lines = head.splitlines()
    shown = [cut(line, _LINE) for line in lines[:_LINES]]
    more = (
        "" if is_whole and len(lines) <= _LINES else _left(len(lines) - _LINES if is_whole else None, "line")
    )
    return TextPreview("\n".join(shown), more)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], total: int | None) -> Table:
    shown = tuple(tuple(cut(cell, _CELL) for cell in row[:_COLUMNS]) for row in islice(rows, _ROWS))
    left = [] if total is not None and total <= len(shown) else [_left(total and total - len(shown), "row")]
    if len(columns) > _COLUMNS:
        left.append(_left(len(columns) - _COLUMNS, "column"))
    return Table(tuple(cut(name, _CELL) for name in columns[:_COLUMNS]), shown, ", ".join(left))


def _left(count: int | None, what: str) -> str:
    if count is None:
        return f"more {what}s"
    return counted(count, f"more {what}")


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

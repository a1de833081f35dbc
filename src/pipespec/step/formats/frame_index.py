"""Decide what happens to the index of a pandas frame in a file.

Parquet and Feather keep the index, unless it only numbers the rows. Other files have only columns: index levels with a
name become the first columns. A level without a name is left out. If such a level is not just row numbers, the step's
log says so.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pipespec.document.wording import quote
from pipespec.step.failure import summary
from pipespec.step.formats.library_options import library

__all__ = ["is_kept", "with_index_columns"]


def is_kept(frame: Any, path: Path) -> bool:
    """Return whether Parquet and Feather keep the index. They recreate an index that only numbers the rows."""
    if _counts_rows(frame.index):
        return False
    try:
        library("pyarrow").Table.from_pandas(frame.iloc[:, :0], preserve_index=True)
    except Exception as error:  # noqa: BLE001 - each type of index has its own errors
        _tell(path, f"does not keep the index of the data frame, which Arrow cannot store: {summary(error)}")
        return False
    return True


def with_index_columns(frame: Any, path: Path) -> Any:
    """Return a frame in which the named levels of the index are columns."""
    index = frame.index
    if _counts_rows(index):
        return frame
    levels = range(index.nlevels)
    unnamed = [level for level in levels if index.names[level] is None]
    if any(index.get_level_values(level).dtype.kind not in "iu" for level in unnamed):
        which = "the index" if len(unnamed) == index.nlevels else "a level of the index"
        _tell(
            path,
            f"does not keep {which} of the data frame, which has no name; name it, or save it as '.parquet'",
        )
    twice = [level for level in levels if level not in unnamed and index.names[level] in frame.columns]
    for level in twice:
        name = index.names[level]
        if not index.get_level_values(level).equals(library("pandas").Index(frame[name])):
            _tell(path, f"has the column {quote(str(name))}, and not the index of that name")
    left_out = [*unnamed, *twice]
    if len(left_out) == index.nlevels:
        return frame
    return (frame.reset_index(level=left_out, drop=True) if left_out else frame).reset_index()


def _counts_rows(index: Any) -> bool:
    """Return whether an index is the default index of a frame: 0, 1, 2, and so on."""
    if index.nlevels > 1 or index.name is not None:
        return False
    return len(index) == 0 or bool(index.equals(library("pandas").RangeIndex(len(index))))


def _tell(path: Path, what: str) -> None:
    sys.stderr.write(f"pipespec: {quote(path.name)} {what}\n")

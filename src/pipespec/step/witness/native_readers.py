"""Readers that open files in C, C++ or Rust, without audit events of Python: their entry points are wrapped once they are loaded.

Uses the table below. A library that is not loaded costs nothing, and a reader that a library no longer has is left out. A wrapped
function behaves as before; the paths among its arguments are noted.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pipespec.step.witness.wrapped_functions import wrap_functions

__all__ = ["watch_native_readers"]

_READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "cv2": ("imread",),
    "duckdb": (
        "connect", "from_parquet", "read_csv", "read_json", "read_parquet",
        *(f"DuckDBPyConnection.{name}" for name in ("from_parquet", "read_csv", "read_json", "read_parquet")),
    ),
    "h5py": ("File.__init__",),
    "lightgbm": ("Booster.__init__", "Dataset.__init__"),
    "polars": (
        "read_avro", "read_csv", "read_excel", "read_ipc", "read_ipc_stream", "read_json", "read_ndjson", "read_parquet",
        "scan_csv", "scan_ipc", "scan_ndjson", "scan_parquet",
    ),
    "pyarrow": ("OSFile.__new__", "input_stream", "memory_map"),
    "pyarrow.csv": ("open_csv", "read_csv"),
    "pyarrow.dataset": ("FileSystemDataset.from_paths", "FileSystemDatasetFactory.__init__", "dataset"),
    "pyarrow.feather": ("read_feather", "read_table"),
    "pyarrow.fs": (
        "FileSystem.from_uri",
        "LocalFileSystem.get_file_info", "LocalFileSystem.open_input_file", "LocalFileSystem.open_input_stream",
        "SubTreeFileSystem.get_file_info", "SubTreeFileSystem.open_input_file", "SubTreeFileSystem.open_input_stream",
    ),
    "pyarrow.json": ("read_json",),
    "pyarrow.orc": ("ORCFile.__init__", "read_table"),
    "pyarrow.parquet": ("ParquetDataset.__init__", "ParquetFile.__init__", "read_metadata", "read_schema", "read_table"),
    "scipy.io": ("mminfo", "mmread"),
    "xgboost": ("Booster.load_model", "DMatrix.__init__"),
}  # fmt: skip

_QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "duckdb": (
        "execute", "from_query", "query", "sql",
        *(f"DuckDBPyConnection.{name}" for name in ("execute", "from_query", "query", "sql")),
    ),
    "polars": ("SQLContext.execute",),
}  # fmt: skip
"""Functions that take SQL, in which a text may be the name of a file."""

_TEXT_IN_SQL: Final = re.compile(
    r"""(?P<to>\b(?:to|export\s+database)\s*)?(?:'(?P<one>(?:[^']|'')*)'|"(?P<two>[^"]*)")""", re.IGNORECASE
)

_MOST: Final = 10_000
"""Files below a folder, or found by a pattern, that are noted."""


_CONNECTING: Final[Mapping[str, tuple[str, ...]]] = {"sqlite3": ("connect",), "sqlite3.dbapi2": ("connect",)}
_ATTACHES: Final = 24
"""`SQLITE_ATTACH`"""


def watch_native_readers(
    note: Callable[[str], object],
    note_folder: Callable[[str], object],
    note_database: Callable[[str], object],
) -> None:
    """Let the readers of what is loaded, and of what will be, note each file that they are given, and each folder that they search."""
    wrap_functions(_CONNECTING, partial(_telling_of_attached, note_database=note_database))
    wrap_functions(_READERS, partial(_noting, named=_as_they_are, note=note, note_folder=note_folder))
    wrap_functions(_QUERIES, partial(_noting, named=_in_sql, note=note, note_folder=note_folder))


def _telling_of_attached(
    function: Callable[..., Any], note_database: Callable[[str], object]
) -> Callable[..., Any]:
    """Let each connection to SQLite tell of the databases that statements attach to it."""

    def attached(action: int, name: str | None, *_: object) -> int:
        if action == _ATTACHES and name:
            with contextlib.suppress(Exception):
                note_database(name)
        return 0

    @functools.wraps(function)
    def connecting(*args: Any, **more: Any) -> Any:
        connection = function(*args, **more)
        with contextlib.suppress(Exception):
            connection.set_authorizer(attached)
        return connection

    return connecting


def _noting(
    function: Callable[..., Any],
    named: Callable[[Iterable[object]], Iterable[object]],
    note: Callable[[str], object],
    note_folder: Callable[[str], object],
) -> Callable[..., Any]:
    @functools.wraps(function)
    def noting(*args: Any, **more: Any) -> Any:
        try:
            for value in named((*args, *more.values())):
                for path in _paths(value, note_folder):
                    note(path)
        except Exception:  # noqa: BLE001, S110 - an error here would be the user's
            pass
        return function(*args, **more)

    return noting


def _as_they_are(values: Iterable[object]) -> Iterator[object]:
    """Yield arguments; below its folder, those of a method of a file system that has one."""
    below = ""
    for value in values:
        if isinstance(base := getattr(value, "base_path", None), str):
            below = base
        elif isinstance(folder := getattr(value, "base_dir", None), str):  # a `FileSelector`
            yield os.path.join(below, folder)  # noqa: PTH118 - as it was given
        elif below and isinstance(value, str):
            yield os.path.join(below, value)  # noqa: PTH118
        elif isinstance(value, str) and value.startswith("file://"):
            yield unquote(urlsplit(value).path)
        else:
            yield value


def _in_sql(values: Iterable[object]) -> Iterator[object]:
    """Yield the texts in SQL, but for those to which it writes."""
    for value in values:
        for found in _TEXT_IN_SQL.finditer(value) if isinstance(value, str) else ():
            if found["to"] is None:
                yield (found["one"] or found["two"] or "").replace("''", "'")


def _paths(value: object, note_folder: Callable[[str], object]) -> Iterator[str]:
    """Yield the files that an argument means: by name, in a list, below a folder, by a pattern."""
    if isinstance(value, list | tuple):
        for one in value[:_MOST]:
            if isinstance(one, str | os.PathLike):
                yield from _paths(one, note_folder)
        return
    if not isinstance(value, str | os.PathLike):
        return
    path = os.fspath(value)
    if not isinstance(path, str) or len(path) > 4096:
        return
    if os.path.isfile(path):  # noqa: PTH113 - as it was given
        yield path
    elif os.path.isdir(path):  # noqa: PTH112
        yield from _below(path, note_folder)
    elif glob.has_magic(path):
        for place in _searched(path):
            note_folder(place)
        yield from glob.iglob(path, recursive=True)  # noqa: PTH207 - the pattern may be absolute


def _searched(pattern: str) -> list[str]:
    """Return the folders in which a pattern finds names: those below the last one that it names without a sign, level by level."""
    parts = pattern.split("/")
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    searched: list[str] = []
    for number in range(first, len(parts)):
        if glob.has_magic(parts[number]):
            around = "/".join(parts[:number]) or ("/" if pattern.startswith("/") else ".")
            found = glob.glob(around, recursive=True)  # noqa: PTH207
            searched += [place for place in found[:_MOST] if os.path.isdir(place)]  # noqa: PTH112
    return searched


def _below(folder: str, note_folder: Callable[[str], object]) -> Iterator[str]:
    count = 0
    for place, _, names in os.walk(folder):
        note_folder(place)
        for name in names:
            count += 1
            if count > _MOST:
                return
            yield os.path.join(place, name)  # noqa: PTH118

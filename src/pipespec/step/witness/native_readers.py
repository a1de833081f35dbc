"""Readers that open files in C, C++ or Rust, without audit events of Python: their entry points are wrapped once they are loaded.

Uses the table below. A library that is not loaded costs nothing, and a reader that a library no longer has is left out. A wrapped
function behaves as before; the paths among its arguments are noted.
"""

from __future__ import annotations

import functools
import glob
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from pipespec.step.witness.wrapped_functions import wrap_functions

__all__ = ["watch_native_readers"]

_READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "cv2": ("imread",),
    "duckdb": ("connect", "from_parquet", "read_csv", "read_json", "read_parquet"),
    "h5py": ("File.__init__",),
    "lightgbm": ("Booster.__init__", "Dataset.__init__"),
    "polars": (
        "read_avro", "read_csv", "read_excel", "read_ipc", "read_ipc_stream", "read_json", "read_ndjson", "read_parquet",
        "scan_csv", "scan_ipc", "scan_ndjson", "scan_parquet",
    ),
    "pyarrow": ("OSFile.__new__", "input_stream", "memory_map"),
    "pyarrow.csv": ("open_csv", "read_csv"),
    "pyarrow.dataset": ("dataset",),
    "pyarrow.feather": ("read_feather", "read_table"),
    "pyarrow.fs": ("LocalFileSystem.get_file_info", "LocalFileSystem.open_input_file", "LocalFileSystem.open_input_stream"),
    "pyarrow.json": ("read_json",),
    "pyarrow.orc": ("ORCFile.__init__", "read_table"),
    "pyarrow.parquet": ("ParquetDataset.__init__", "ParquetFile.__init__", "read_metadata", "read_schema", "read_table"),
    "scipy.io": ("mminfo", "mmread"),
    "xgboost": ("Booster.load_model", "DMatrix.__init__"),
}  # fmt: skip

_MOST: Final = 10_000
"""Files below a folder, or found by a pattern, that are noted."""


def watch_native_readers(note: Callable[[str], object], note_folder: Callable[[str], object]) -> None:
    """Let the readers of what is loaded, and of what will be, note each file that they are given, and each folder that they search."""
    wrap_functions(_READERS, partial(_noting, note=note, note_folder=note_folder))


def _noting(
    function: Callable[..., Any], note: Callable[[str], object], note_folder: Callable[[str], object]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def noting(*args: Any, **more: Any) -> Any:
        try:
            for value in (*args, *more.values()):
                for path in _paths(value, note_folder):
                    note(path)
        except Exception:  # noqa: BLE001, S110 - an error here would be the user's
            pass
        return function(*args, **more)

    return noting


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

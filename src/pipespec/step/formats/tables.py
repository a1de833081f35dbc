"""Read and write frames and Series of pandas and polars, and plain rows, as `.csv .tsv .xlsx .parquet .feather`.

Options are keyword arguments of the library's own reader and writer (`pandas.read_csv`,
`polars.DataFrame.write_parquet`). `frame_index` decides about the index, unless `save` does. A Series is a table whose
last column contains its values. The same frame always produces the same bytes, so that the steps after a step that
makes the same table again are reused.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipespec.step.formats.frame_index import is_kept, with_index_columns
from pipespec.step.formats.library_options import FormatError, Loader, Options, Saver, call, library
from pipespec.step.formats.type_names import name_of

__all__ = ["LOADERS", "SAVERS"]

_SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
_UNNAMED: Final = "value"  # the column of a Series without a name
_INDEX_LEVEL: Final = re.compile(r"__index_level_\d+__")
_BLANK: Final = b"\n"  # a table without columns; a file without any content is not a table
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can represent
_PROPERTIES: Final = "docProps/core.xml"
_TIMES: Final = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


# pandas


def _pandas_csv(separator: str, path: Path, options: Options) -> Any:
    pandas = library("pandas")
    if _is_blank(path):
        return pandas.DataFrame()
    ours: dict[str, Any] = {"sep": separator} if "delimiter" not in options else {}
    if "engine" not in options and pandas.__version__.startswith("2."):
        ours["float_precision"] = "round_trip"  # as in pandas 3: floats are read exactly as they were written
    return call(pandas.read_csv, path, label="pandas.read_csv", options=options, **ours)


def _is_blank(path: Path) -> bool:
    """Return whether a file is a table without columns, which libraries refuse to read."""
    return path.stat().st_size == len(_BLANK) and path.read_bytes() == _BLANK


def _pandas_to_csv(separator: str, frame: Any, path: Path, options: Options) -> None:
    frame = frame if "index" in options else with_index_columns(frame, path)
    ours: dict[str, Any] = {"sep": separator, "index": False, "lineterminator": "\n"}
    call(frame.to_csv, path, label="pandas.DataFrame.to_csv", options=options, **ours)


def _pandas_excel(path: Path, options: Options) -> Any:
    library("openpyxl")
    ours = {"engine": "openpyxl"}
    return call(library("pandas").read_excel, path, label="pandas.read_excel", options=options, **ours)


def _pandas_to_excel(frame: Any, path: Path, options: Options) -> None:
    library("openpyxl")
    frame = frame if "index" in options else with_index_columns(frame, path)
    ours: dict[str, Any] = {"engine": "openpyxl", "index": False}
    call(frame.to_excel, path, label="pandas.DataFrame.to_excel", options=options, **ours)
    _without_times(path)


def _without_times(path: Path) -> None:
    """Rewrite a workbook (a zip of XML files) without the time at which it was written."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[_PROPERTIES] = _TIMES.sub(rb"\g<1>1980-01-01T00:00:00Z", members[_PROPERTIES])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)


def _pandas_parquet(path: Path, options: Options) -> Any:
    return call(library("pandas").read_parquet, path, label="pandas.read_parquet", options=options)


def _pandas_to_parquet(frame: Any, path: Path, options: Options) -> None:
    index = "index" not in options and is_kept(frame, path)
    call(frame.to_parquet, path, label="pandas.DataFrame.to_parquet", options=options, index=index)


def _pandas_feather(path: Path, options: Options) -> Any:
    return call(library("pandas").read_feather, path, label="pandas.read_feather", options=options)


def _pandas_to_feather(frame: Any, path: Path, options: Options) -> None:
    """Write Feather through pyarrow if the index is wanted, because `to_feather` refuses every index."""
    rest = {name: value for name, value in options.items() if name != "index"}
    index = bool(options["index"]) if "index" in options else is_kept(frame, path)
    table = library("pyarrow").Table.from_pandas(frame, preserve_index=index)
    write = library("pyarrow.feather").write_feather
    call(write, table, path, label="pyarrow.feather.write_feather", options=rest)


# polars


def _polars_csv(separator: str, path: Path, options: Options) -> Any:
    if _is_blank(path):
        return library("polars").DataFrame()
    return _polars_read("read_csv", path, options, separator=separator)


def _polars_to_csv(separator: str, frame: Any, path: Path, options: Options) -> None:
    _polars_write("write_csv", frame, path, options, separator=separator)
    if not frame.width:
        path.write_bytes(_BLANK)


def _polars_columnar(function: str, path: Path, options: Options) -> Any:
    """Leave out what pandas stored for an index without a name: polars has no index."""
    frame = _polars_read(function, path, options)
    return frame.drop([name for name in frame.columns if _INDEX_LEVEL.fullmatch(name)])


def _polars_read(function: str, path: Path, options: Options, **ours: Any) -> Any:
    # A file object, because polars reads `*` and `[` in a name as a pattern and may map the file lazily.
    with path.open("rb") as file:
        read = getattr(library("polars"), function)
        return call(read, file, label=f"polars.{function}", options=options, **ours)


def _polars_write(method: str, frame: Any, path: Path, options: Options, **ours: Any) -> None:
    call(getattr(frame, method), path, label=f"polars.DataFrame.{method}", options=options, **ours)


def _polars_excel(path: Path, options: Options) -> Any:
    library("openpyxl")
    frame = _polars_read("read_excel", path, options, engine="openpyxl", raise_if_empty=False)
    if frame.width or options:
        return frame
    # polars leaves out the header of a sheet without rows.
    header = next(library("openpyxl").load_workbook(path).active.iter_rows(max_row=1, values_only=True), ())
    return library("polars").DataFrame(schema=[str(name) for name in header if name is not None])


def _polars_to_excel(frame: Any, path: Path, options: Options) -> None:
    """Write with pandas: polars' own writer needs one more package and writes the current time."""
    _pandas_to_excel(frame.to_pandas(), path, options)


# Series: tables whose last column contains the values


def _pandas_series(load: Loader, path: Path, options: Options) -> Any:
    frame = load(path, options)
    if not len(frame.columns):
        raise FormatError("a Series is a table with a column of values, but this has no columns")
    index = list(frame.columns[:-1])
    return (frame.set_index(index) if index else frame).iloc[:, 0]


def _save_pandas_series(save: Saver, series: Any, path: Path, options: Options) -> None:
    save(series.to_frame(_UNNAMED if series.name is None else series.name), path, options)


def _polars_series(load: Loader, path: Path, options: Options) -> Any:
    frame = load(path, options)
    if frame.width != 1:
        raise FormatError(f"a Series is a table with one column, but this has {frame.width}")
    return frame.to_series()


def _save_polars_series(save: Saver, series: Any, path: Path, options: Options) -> None:
    save(series.to_frame(series.name or _UNNAMED), path, options)


# Rows and arrays as text


def _rows(separator: str, path: Path, options: Options) -> list[dict[str, str]]:
    """Read rows as dicts of text, with keys from the header."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = call(csv.DictReader, file, label="csv.DictReader", options=options, delimiter=separator)
        return list(reader)


def _save_rows(separator: str, rows: Any, path: Path, options: Options) -> None:
    for row in rows:
        if not isinstance(row, Mapping):
            raise FormatError(f"each row of the list must be a mapping of columns, not a '{name_of(row)}'")
    ours: dict[str, Any] = {"delimiter": separator, "lineterminator": "\n"}
    ours["fieldnames"] = list(rows[0]) if rows else []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = call(csv.DictWriter, file, label="csv.DictWriter", options=options, **ours)
        if writer.fieldnames:
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.write(_BLANK.decode())


def _array(separator: str, path: Path, options: Options) -> Any:
    """Read numbers without a header."""
    numpy = library("numpy")
    return call(numpy.loadtxt, path, label="numpy.loadtxt", options=options, delimiter=separator)


def _save_array(separator: str, array: Any, path: Path, options: Options) -> None:
    spelling = "%d" if array.dtype.kind in "iu" else "%.17g"  # enough digits to distinguish any two floats
    save = library("numpy").savetxt
    call(save, path, array, label="numpy.savetxt", options=options, delimiter=separator, fmt=spelling)


_PANDAS: Final[Mapping[str, tuple[Loader, Saver]]] = {
    **{
        suffix: (partial(_pandas_csv, separator), partial(_pandas_to_csv, separator))
        for suffix, separator in _SEPARATORS.items()
    },
    ".xlsx": (_pandas_excel, _pandas_to_excel),
    ".parquet": (_pandas_parquet, _pandas_to_parquet),
    ".feather": (_pandas_feather, _pandas_to_feather),
}
_POLARS: Final[Mapping[str, tuple[Loader, Saver]]] = {
    **{
        suffix: (
            partial(_polars_csv, separator),
            partial(_polars_to_csv, separator),
        )
        for suffix, separator in _SEPARATORS.items()
    },
    ".xlsx": (_polars_excel, _polars_to_excel),
    ".parquet": (partial(_polars_columnar, "read_parquet"), partial(_polars_write, "write_parquet")),
    ".feather": (partial(_polars_columnar, "read_ipc"), partial(_polars_write, "write_ipc")),
}

LOADERS: Final[Mapping[tuple[str, str], Loader]] = {
    **{(suffix, "pandas.DataFrame"): load for suffix, (load, _) in _PANDAS.items()},
    **{(suffix, "polars.DataFrame"): load for suffix, (load, _) in _POLARS.items()},
    **{(suffix, "pandas.Series"): partial(_pandas_series, load) for suffix, (load, _) in _PANDAS.items()},
    **{(suffix, "polars.Series"): partial(_polars_series, load) for suffix, (load, _) in _POLARS.items()},
    **{(suffix, "list"): partial(_rows, separator) for suffix, separator in _SEPARATORS.items()},
    **{(suffix, "numpy.ndarray"): partial(_array, separator) for suffix, separator in _SEPARATORS.items()},
}
SAVERS: Final[Mapping[tuple[str, str], Saver]] = {
    **{(suffix, "pandas.DataFrame"): save for suffix, (_, save) in _PANDAS.items()},
    **{(suffix, "polars.DataFrame"): save for suffix, (_, save) in _POLARS.items()},
    **{
        (suffix, "pandas.Series"): partial(_save_pandas_series, save) for suffix, (_, save) in _PANDAS.items()
    },
    **{
        (suffix, "polars.Series"): partial(_save_polars_series, save) for suffix, (_, save) in _POLARS.items()
    },
    **{(suffix, "list"): partial(_save_rows, separator) for suffix, separator in _SEPARATORS.items()},
    **{
        (suffix, "numpy.ndarray"): partial(_save_array, separator)
        for suffix, separator in _SEPARATORS.items()
    },
}

"""Datasets of Kedro's catalog: the suffix for a type, and the file of a dataset."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["FORMATS", "local_path", "suffix_of_type"]

FORMATS: Final = frozenset({".csv", ".tsv", ".xlsx", ".parquet", ".feather"})
"""Suffixes whose `save_args` are the same as those of our `save`."""

_SUFFIXES: Final = {
    "CSVDataset": ".csv",
    "ParquetDataset": ".parquet",
    "FeatherDataset": ".feather",
    "ExcelDataset": ".xlsx",
    "JSONDataset": ".json",
    "MetricsDataset": ".json",
    "YAMLDataset": ".yaml",
    "TextDataset": ".txt",
    "PickleDataset": ".pkl",
    "MatplotlibWriter": ".png",
    "MatplotlibDataset": ".png",
    "HTMLDataset": ".html",
}
_NOT_FOR: Final = ("spark.", "dask.", "ibis.", "geopandas.", "snowflake.", "databricks.")
"""Families of types whose values none of our formats can contain."""
_AS_NAMED: Final = frozenset({".svg", ".pdf", ".png", ".tsv", ".npy"})


def suffix_of_type(kind: str, path: str) -> str | None:
    """Return the suffix of the format for a type of dataset; None if there is none."""
    if kind.startswith(_NOT_FOR):
        return None
    suffix = _SUFFIXES.get(kind.rpartition(".")[2].replace("DataSet", "Dataset"))
    own = posixpath.splitext(path)[1].lower()
    return own if suffix in (".png", ".csv") and own in _AS_NAMED else suffix


def local_path(config: Mapping[str, Any]) -> str | None:
    """Return the path or URI of a dataset's file."""
    path = config.get("filepath") or config.get("path")
    return str(path) if path else None

"""Which packages a file format needs for a type: what a step would miss at its end, asked before it starts.

Takes a file's name and a type of `spec.file_formats.TYPES`; imports what reading or writing would, and refuses as they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipespec.spec.file_formats import suffix_of
from pipespec.step.formats import format_plugins
from pipespec.step.formats.library_options import FormatError, library

__all__ = ["require_packages"]

_IMAGES: Final = frozenset({".png", ".svg", ".pdf"})


def require_packages(name: str, kind: str | None) -> None:
    """Import what a file of this name needs for a value of this type; None leaves the type open.

    Raises:
        FormatError: naming the package that is not there.
    """
    if kind in ("bytes", "pathlib.Path"):
        return
    format_plugins.find(suffix_of(name))
    for package in _packages(suffix_of(name), kind):
        library(package)
    if suffix_of(name) == ".parquet" and kind is not None and kind.startswith("pandas."):
        _require_parquet()


def _packages(suffix: str, kind: str | None) -> Iterator[str]:
    if suffix == ".joblib":
        yield "joblib"
        return
    if suffix == ".pkl":
        return
    top = (kind or "").partition(".")[0]
    if top in ("pandas", "polars", "numpy", "matplotlib"):
        yield top
    if suffix in (".npy", ".npz"):
        yield "numpy"
    if suffix == ".xlsx":
        yield from ("openpyxl", "pandas")
    if suffix == ".feather" and top == "pandas":
        yield "pyarrow"
    if suffix in _IMAGES and top == "plotly":
        yield "kaleido"


def _require_parquet() -> None:
    """Either of two packages will do, as for `pandas.read_parquet`."""
    try:
        library("pyarrow")
    except FormatError as error:
        try:
            library("fastparquet")
        except FormatError:
            raise error from None

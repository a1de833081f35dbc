"""Import the packages that a file format needs for a type, so that they are missed before a step starts and not at its end.

Takes a file's name and a type of `spec.file_formats.TYPES`. Imports what reading or writing would import, and refuses
with the same errors.
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
    """Import what a file with this name needs for a value of this type. None means that the type is not known.

    Raises:
        FormatError: naming the package that is missing.
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
    """Import one of two packages, as `pandas.read_parquet` does."""
    try:
        library("pyarrow")
    except FormatError as error:
        try:
            library("fastparquet")
        except FormatError:
            raise error from None

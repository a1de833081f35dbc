"""Which types each file format can load and save: a table of suffix and type.

`step.formats` implements exactly this table, `checks` uses it to check annotations, and `docs/formats.md` shows it.
Types are dotted names as in an annotation, spelled as in `TYPES`. A type that is not in `TYPES` is not an error: such
an argument gets the default type of the suffix, and such a value can be saved if the format saves `object`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from pipespec.frozen_values import frozen

__all__ = ["FORMATS", "TYPES", "SuffixFormat", "format_of", "known_type", "nearest_suffix", "suffix_of"]

_ANY: Final = "object"
_RAW: Final = ("bytes", "pathlib.Path")
_FRAMES: Final = ("pandas.DataFrame", "polars.DataFrame")
_SERIES: Final = ("pandas.Series", "polars.Series")
_SCALARS: Final = ("str", "int", "float", "bool")
_MATPLOTLIB: Final = "matplotlib.figure.Figure"
_PLOTLY: Final = "plotly.graph_objects.Figure"

TYPES: Final = (*_FRAMES, *_SERIES, "numpy.ndarray", _MATPLOTLIB, _PLOTLY, "dict", "list", *_SCALARS, *_RAW)
"""The types that formats distinguish. All others count as `object`."""

_BY_ENDS: Final = {(name.split(".")[0], name.split(".")[-1]): name for name in TYPES} | {
    ("numpy", "NDArray"): "numpy.ndarray",
    ("pathlib", "PosixPath"): "pathlib.Path",
}


@frozen
class SuffixFormat:
    """What one suffix means.

    `default` is what an argument gets if its annotation is not in `TYPES` (`object`: any value that the file holds).
    `loads` and `saves` name types of `TYPES`; in `saves`, `object` means any value. `is_advised` is false for a format
    that works, but for which `validate` recommends another one.
    """

    suffix: str
    default: str
    loads: tuple[str, ...]
    saves: tuple[str, ...]
    is_advised: bool = True

    def can_load(self, annotation: str) -> bool:
        """Return whether an argument with this annotation (a dotted name) can get such a file."""
        name = known_type(annotation)
        return name is None or name in self.loads

    def can_save(self, saved: str) -> bool:
        """Return whether a value that counts as this type can be saved in such a file."""
        return saved in self.saves or _ANY in self.saves


def _table(suffix: str, *more: str) -> SuffixFormat:
    types = (*_FRAMES, *_SERIES, *more, *_RAW)
    return SuffixFormat(suffix, "pandas.DataFrame", types, types)


def _text(suffix: str, *saved: str) -> SuffixFormat:
    return SuffixFormat(suffix, "str", ("str", *_RAW), ("str", *_RAW, *saved))


_JSON: Final = ("dict", "list", *_SCALARS)
_JSON_TABLE: Final = (*_JSON, *_FRAMES, "numpy.ndarray", _PLOTLY, *_RAW)
_LINES: Final = ("list", *_FRAMES, "str", *_RAW)

FORMATS: Final[Mapping[str, SuffixFormat]] = MappingProxyType(
    {
        entry.suffix: entry
        for entry in (
            _table(".csv", "numpy.ndarray", "list", "str"),
            _table(".tsv", "numpy.ndarray", "list", "str"),
            _table(".xlsx"),
            SuffixFormat(".jsonl", "list", _LINES, _LINES),
            SuffixFormat(".json", _ANY, _JSON_TABLE, _JSON_TABLE),
            SuffixFormat(".yaml", _ANY, (*_JSON, *_RAW), (*_JSON, *_RAW)),
            _table(".parquet"),
            _table(".feather"),
            _text(".txt"),
            _text(".md"),
            _text(".html", _PLOTLY),
            _text(".sql"),
            SuffixFormat(".npy", "numpy.ndarray", ("numpy.ndarray", *_RAW), ("numpy.ndarray", *_RAW)),
            SuffixFormat(".npz", "dict", ("dict", "numpy.ndarray", *_RAW), ("dict", "numpy.ndarray", *_RAW)),
            SuffixFormat(".joblib", _ANY, TYPES, (*TYPES, _ANY)),
            SuffixFormat(".pkl", _ANY, TYPES, (*TYPES, _ANY), is_advised=False),
            SuffixFormat(".png", "bytes", _RAW, (_MATPLOTLIB, _PLOTLY, *_RAW)),
            _text(".svg", _MATPLOTLIB, _PLOTLY),
            SuffixFormat(".pdf", "bytes", _RAW, (_MATPLOTLIB, _PLOTLY, *_RAW)),
        )
    }
)
"""By suffix, in the order of the documentation."""


_OTHER_SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".arrow": ".feather",
        ".htm": ".html",
        ".ipc": ".feather",
        ".jl": ".jsonl",
        ".jpeg": ".png",
        ".jpg": ".png",
        ".log": ".txt",
        ".markdown": ".md",
        ".model": ".joblib",
        ".ndjson": ".jsonl",
        ".pickle": ".pkl",
        ".pq": ".parquet",
        ".tab": ".tsv",
        ".text": ".txt",
        ".xls": ".xlsx",
        ".xlsm": ".xlsx",
        ".yml": ".yaml",
    }
)
"""Suffixes of other tools for content that has a format here, and suffixes of images for what can be drawn."""


def nearest_suffix(suffix: str) -> str | None:
    """Return the supported suffix that an unknown one most likely means."""
    if suffix in _OTHER_SPELLINGS:
        return _OTHER_SPELLINGS[suffix]
    turned = (known for known in FORMATS if sorted(known) == sorted(suffix))
    return next(turned, None) or next(iter(get_close_matches(suffix, FORMATS, n=1, cutoff=0.85)), None)


@functools.lru_cache(maxsize=1024)
def suffix_of(file: str) -> str:
    """Return the last suffix of a file name in lower case, with its dot; empty if there is none."""
    name = file.rstrip("/").rpartition("/")[2]  # same result as PurePosixPath.suffix, in a tenth of the time
    dot = name.rfind(".")
    return name[dot:].lower() if 0 < dot < len(name) - 1 else ""


def format_of(file: str) -> SuffixFormat:
    """Return the format for the suffix of a file name. An unknown suffix saves bytes or a path, and loads a path."""
    suffix = suffix_of(file)
    return FORMATS.get(suffix) or SuffixFormat(suffix, "pathlib.Path", _RAW, _RAW)


def known_type(dotted: str) -> str | None:
    """Return the name in `TYPES` for a dotted name, or None.

    Libraries define their types in private modules and export them elsewhere (`pandas.core.frame.DataFrame`,
    `plotly.graph_objs._figure.Figure`). Therefore, only the package and the last word are compared.
    """
    parts = dotted.removeprefix("builtins.").split(".")
    if parts[:2] == ["pandera", "typing"]:  # data frames whose annotation also names their columns
        return _BY_ENDS.get(("polars" if "polars" in parts else "pandas", parts[-1]))
    return _BY_ENDS.get((parts[0], parts[-1]))

"""Write figures of matplotlib and plotly as pictures; figures of plotly also as `.html` and, to be read again, as `.json`.

Pictures contain no date and no random names, so that the same figure produces the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipespec.step.formats.library_options import (
    FormatError,
    Loader,
    Options,
    Saver,
    call,
    check_names,
    library,
)

__all__ = ["LOADERS", "SAVERS"]

_MATPLOTLIB: Final = "matplotlib.figure.Figure"
_PLOTLY: Final = "plotly.graph_objects.Figure"
_NO_DATE: Final[Mapping[str, Mapping[str, None]]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
_DIV: Final = "figure"  # otherwise plotly uses a random id


def _save_matplotlib(kind: str, figure: Any, path: Path, options: Options) -> None:
    metadata = options.get("metadata", {})
    if not isinstance(metadata, dict):
        raise FormatError("option 'metadata' of matplotlib.figure.Figure.savefig must be a mapping")
    chosen: Options = {**options, "metadata": {**_NO_DATE[kind], **metadata}}
    with library("matplotlib").rc_context({"svg.hashsalt": "pipespec"}):
        call(figure.savefig, path, label="matplotlib.figure.Figure.savefig", options=chosen, format=kind)


def _save_plotly(kind: str, figure: Any, path: Path, options: Options) -> None:
    library("kaleido")
    _call_plotly("write_image", figure, path, options, format=kind)


def _save_plotly_page(figure: Any, path: Path, options: Options) -> None:
    _call_plotly("write_html", figure, path, options, div_id=_DIV)


def _save_plotly_json(figure: Any, path: Path, options: Options) -> None:
    _call_plotly("write_json", figure, path, options, engine="json")


def _load_plotly_json(path: Path, options: Options) -> Any:
    read = library("plotly.io").read_json
    return call(read, path, label="plotly.io.read_json", options=options, engine="json")


def _call_plotly(function: str, figure: Any, path: Path, options: Options, **ours: Any) -> None:
    write = getattr(library("plotly.io"), function)
    check_names(write, 2, label=f"plotly.io.{function}", options=options)
    call(write, figure, path, label=f"plotly.io.{function}", options=options, **ours)


LOADERS: Final[Mapping[tuple[str, str], Loader]] = {(".json", _PLOTLY): _load_plotly_json}
SAVERS: Final[Mapping[tuple[str, str], Saver]] = {
    **{(f".{kind}", _MATPLOTLIB): partial(_save_matplotlib, kind) for kind in _NO_DATE},
    **{(f".{kind}", _PLOTLY): partial(_save_plotly, kind) for kind in _NO_DATE},
    (".html", _PLOTLY): _save_plotly_page,
    (".json", _PLOTLY): _save_plotly_json,
}

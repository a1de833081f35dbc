"""Read and write any Python object as `.joblib` or `.pkl`. Reading runs code from the file, so its digest is checked first."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.spec.file_formats import TYPES
from pipespec.step.formats.library_options import Loader, Options, Saver, call, library

__all__ = ["LOADERS", "SAVERS"]

# A path stands for a file to pass on. Never pickle it: the place that it names will not exist later.
_TYPES: Final = ("object", *(name for name in TYPES if name != "pathlib.Path"))


def _load_joblib(path: Path, options: Options) -> Any:
    return call(library("joblib").load, path, label="joblib.load", options=options)


def _save_joblib(value: object, path: Path, options: Options) -> None:
    call(library("joblib").dump, value, path, label="joblib.dump", options=options)


def _load_pickle(path: Path, options: Options) -> Any:
    with path.open("rb") as file:
        return call(pickle.load, file, label="pickle.load", options=options)


def _save_pickle(value: object, path: Path, options: Options) -> None:
    with path.open("wb") as file:
        call(pickle.dump, value, file, label="pickle.dump", options=options)


LOADERS: Final[Mapping[tuple[str, str], Loader]] = {
    **{(".joblib", name): _load_joblib for name in _TYPES},
    **{(".pkl", name): _load_pickle for name in _TYPES},
}
SAVERS: Final[Mapping[tuple[str, str], Saver]] = {
    **{(".joblib", name): _save_joblib for name in _TYPES},
    **{(".pkl", name): _save_pickle for name in _TYPES},
}

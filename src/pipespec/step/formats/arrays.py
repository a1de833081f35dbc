"""Read and write numpy's own files: `.npy` for one array, `.npz` for several by name. Pickled objects only on request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.step.formats.library_options import FormatError, Loader, Options, Saver, call, library

__all__ = ["LOADERS", "SAVERS"]

_TAKEN: Final = ("file", "allow_pickle")  # of numpy.savez, which takes arrays as keyword arguments too


def _load_array(path: Path, options: Options) -> Any:
    return call(library("numpy").load, path, label="numpy.load", options=options)


def _save_array(array: Any, path: Path, options: Options) -> None:
    call(library("numpy").save, path, array, label="numpy.save", options=options, allow_pickle=False)


def _load_arrays(path: Path, options: Options) -> dict[str, Any]:
    with _load_array(path, options) as archive:
        return {name: archive[name] for name in archive.files}


def _load_only_array(path: Path, options: Options) -> Any:
    arrays = _load_arrays(path, options)
    if len(arrays) != 1:
        raise FormatError(
            f"it contains {len(arrays)} arrays; annotate the argument as 'dict' to get them by name"
        )
    return next(iter(arrays.values()))


def _save_arrays(arrays: Mapping[str, Any], path: Path, options: Options) -> None:
    for name in arrays:
        if not isinstance(name, str) or name in _TAKEN:
            raise FormatError(f"{quote(str(name))} is not a valid name for an array in numpy.savez")
    save = library("numpy").savez
    call(save, path, label="numpy.savez", options=options, **{"allow_pickle": False, **arrays})


def _save_only_array(array: Any, path: Path, options: Options) -> None:
    _save_arrays({"arr_0": array}, path, options)


LOADERS: Final[Mapping[tuple[str, str], Loader]] = {
    (".npy", "numpy.ndarray"): _load_array,
    (".npz", "dict"): _load_arrays,
    (".npz", "numpy.ndarray"): _load_only_array,
}
SAVERS: Final[Mapping[tuple[str, str], Saver]] = {
    (".npy", "numpy.ndarray"): _save_array,
    (".npz", "dict"): _save_arrays,
    (".npz", "numpy.ndarray"): _save_only_array,
}

"""Read and write files: the suffix determines the format, the annotation or the value's type determines the type.

Takes paths and live objects. Implements exactly the table `spec.file_formats`. A heavy library is imported only when a
file or value needs it. Refuses everything that is not in the table, and names the way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import listing, quote
from pipespec.spec.file_formats import format_of, suffix_of
from pipespec.step.failure import summary
from pipespec.step.formats import (
    arrays,
    figures,
    format_plugins,
    json_files,
    pickled_objects,
    tables,
    text_files,
    yaml_files,
)
from pipespec.step.formats.library_options import FormatError, Loader, Options, Saver
from pipespec.step.formats.type_names import name_of, type_of_annotation, type_of_value

__all__ = ["LOADERS", "SAVERS", "FormatError", "gives_path", "load", "save"]

_MODULES: Final = (text_files, json_files, yaml_files, tables, arrays, pickled_objects, figures)

LOADERS: Final[Mapping[tuple[str, str], Loader]] = {
    key: loader for module in _MODULES for key, loader in module.LOADERS.items()
}
"""By (suffix, type). Bytes and paths are left out, because every suffix supports them."""

SAVERS: Final[Mapping[tuple[str, str], Saver]] = {
    key: saver for module in _MODULES for key, saver in module.SAVERS.items()
}


def gives_path(name: str, annotation: Any) -> bool:
    """Return whether an argument with this annotation (None if it has none) gets the path of a file instead of its content."""
    wanted = type_of_annotation(annotation)
    if wanted is None and format_of(name).default == "pathlib.Path":
        return format_plugins.find(suffix_of(name)) is None
    return wanted == "pathlib.Path"


def load(path: Path, name: str, annotation: Any, options: Options) -> Any:
    """Read a file for an argument with this annotation (None if it has none).

    `name` is the file's own name, whose suffix counts; `path` may have another name. For a `Path` annotation, `path`
    itself is returned. If a copy is needed, the caller makes it.

    Raises:
        FormatError: if the file cannot be read. Its cause is the library's own error.
    """
    wanted = type_of_annotation(annotation)
    is_raw = wanted in ("bytes", "pathlib.Path")
    wanted = wanted or format_of(name).default
    try:
        plugin = None if is_raw else format_plugins.find(suffix_of(name))
        if plugin is not None:
            return plugin.load(path, annotation, options)
        if wanted == "pathlib.Path":
            return path
        return _loader(name, wanted)(path, options)
    except FormatError as error:
        raise FormatError(f"{quote(name)} cannot be loaded as {wanted}: {error}") from error.__cause__
    except Exception as error:
        raise FormatError(f"{quote(name)} cannot be loaded as {wanted}: {summary(error)}") from error


def save(value: object, path: Path, name: str, options: Options) -> None:
    """Write a value to `path` in the format of the suffix of `name`.

    A value that is a path stands for its content, and is not accepted here.

    Raises:
        FormatError: if the value cannot be written. Its cause is the library's own error.
    """
    kind = type_of_value(value)
    try:
        plugin = None if kind == "bytes" else format_plugins.find(suffix_of(name))
        if plugin is not None:
            plugin.save(value, path, options)
        else:
            _saver(name, kind, value)(value, path, options)
    except FormatError as error:
        raise FormatError(f"{quote(name)} cannot be saved: {error}") from error.__cause__
    except RecursionError as error:
        raise FormatError(
            f"{quote(name)} cannot be saved: the value is nested too deeply, or contains itself"
        ) from error
    except Exception as error:
        raise FormatError(f"{quote(name)} cannot be saved: {summary(error)}") from error


def _loader(name: str, wanted: str) -> Loader:
    suffix = suffix_of(name)
    found = LOADERS.get((suffix, wanted))
    if found is not None:
        return found
    if wanted == "bytes":
        return text_files.load_bytes
    raise FormatError(f"a {quote(suffix)} file is loaded as {listing(format_of(name).loads)}")


def _saver(name: str, kind: str, value: object) -> Saver:
    suffix = suffix_of(name)
    found = SAVERS.get((suffix, kind)) or SAVERS.get((suffix, "object"))
    if found is not None:
        return found
    if kind == "bytes":
        return text_files.save_bytes
    takes = listing(format_of(name).saves)
    raise FormatError(
        f"a value of type {quote(name_of(value))} does not fit into a {quote(suffix)} file, which accepts {takes}"
    )

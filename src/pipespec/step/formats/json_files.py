"""Read and write JSON values as `.json` and `.jsonl`; frames and arrays as JSON rows and lists.

Writes each value in exactly one spelling: UTF-8, keys in the order of the value, floats in their shortest exact form,
and a line end at the end. Refuses NaN and infinities, which JSON does not have, and everything that could be read in
several ways.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, time
from enum import Enum
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.step.formats.frame_index import with_index_columns
from pipespec.step.formats.library_options import (
    FormatError,
    Loader,
    Options,
    Saver,
    call,
    check_names,
    library,
)
from pipespec.step.formats.type_names import name_of, type_of_value

__all__ = ["LOADERS", "SAVERS", "TYPES", "load_as", "load_json", "read_lines", "to_json"]

TYPES: Final = ("dict", "list", "str", "int", "float", "bool")
"""Annotations against which a JSON value is checked."""


def to_json(value: object, place: str = "") -> JSON:
    """Return a value in JSON's types: dataclasses and mappings as dicts, dates as ISO text, numpy values as Python values.

    Raises:
        FormatError: if JSON cannot represent the value; it names the place in the value.
    """
    match value:
        case None | bool():
            return value
        case Enum():
            return to_json(value.value, place)
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            if not math.isfinite(value):
                raise FormatError(
                    f"the value{_at(place)} is {value}, which JSON does not support; remove it or return null"
                )
            return float(value)
        case Mapping():
            return _object(value, place)
        case list() | tuple():
            return [to_json(item, f"{place}[{position}]") for position, item in enumerate(value)]
        case date() | time() if value == value:  # noqa: PLR0124 - pandas' NaT is a date that is not equal to itself
            return value.isoformat()
        case PurePath():
            return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return _object({field.name: getattr(value, field.name) for field in fields}, place)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return to_json(value.tolist(), place)
    raise FormatError(f"the value{_at(place)} is a {quote(name_of(value))}, which is not a JSON value")


def _object(value: Mapping[Any, Any], place: str) -> JSON:
    """Return a key as text. Whole numbers become text, as they do in JSON anyway."""
    found: dict[str, JSON] = {}
    for key, item in value.items():
        if isinstance(key, bool) or type_of_value(key) not in ("str", "int"):
            raise FormatError(f"the value{_at(place)} has the key {quote(repr(key))}, which is not text")
        name = str(to_json(key))
        if name in found:
            raise FormatError(f"the value{_at(place)} has two keys that are both written {quote(name)}")
        found[name] = to_json(item, f"{place}.{name}" if place else name)
    return found


def _at(place: str) -> str:
    return f" at {quote(place)}" if place else ""


def load_json(path: Path, options: Options) -> JSON:
    """Read one JSON value."""
    with path.open("rb") as file:
        value: JSON = call(json.loads, file.read(), label="json.loads", options=options)
    return value


def _save_json(value: object, path: Path, options: Options) -> None:
    ours: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "indent": 2}
    text = call(json.dumps, to_json(value), label="json.dumps", options=options, **ours)
    path.write_bytes((text + "\n").encode())


def read_lines(path: Path, options: Options) -> Iterator[tuple[int, JSON]]:
    """Yield the JSON value of each line that contains one, with the line number."""
    check_names(json.loads, 1, label="json.loads", options=options)
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield number, call(json.loads, line, label="json.loads", options=options)
            except ValueError as error:
                raise FormatError(f"line {number} is not a JSON value: {error}") from error


def _load_lines(path: Path, options: Options) -> list[JSON]:
    return [value for _, value in read_lines(path, options)]


def _save_lines(rows: Any, path: Path, options: Options) -> None:
    ours: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False}
    with path.open("wb") as file:
        for position, row in enumerate(rows):
            value = to_json(row, f"[{position}]")
            text = call(json.dumps, value, label="json.dumps", options=options, **ours)
            file.write((text + "\n").encode())


def load_as(name: str, load: Loader, path: Path, options: Options) -> Any:
    """Check a value against an annotated JSON type: if a dict is expected, a list must not be passed."""
    value = load(path, options)
    found = "null" if value is None else type_of_value(value)
    if found == name or (found, name) == ("int", "float"):
        return value
    raise FormatError(
        f"it contains a value of type {quote(found)}, but the argument is annotated {quote(name)}"
    )


def _load_frame(load: Loader, path: Path, options: Options) -> Any:
    rows = load(path, {})
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FormatError("it is not a list of JSON objects, one for each row")
    label = "pandas.DataFrame.from_records"
    return call(library("pandas").DataFrame.from_records, rows, label=label, options=options)


def _save_frame(save: Saver, frame: Any, path: Path, options: Options) -> None:
    """Convert rows column by column; missing values become null. pandas' own `to_json` would round floats to 15 digits."""
    rest = {name: value for name, value in options.items() if name != "index"}
    if "index" not in options:
        frame = with_index_columns(frame, path)
    elif options["index"]:
        frame = frame.reset_index()
    if not frame.columns.is_unique:
        raise FormatError("two columns of the data frame have the same name")
    filled = frame.astype(object).where(frame.notna(), None)
    save(filled.to_dict("records"), path, rest)


def _load_array(path: Path, options: Options) -> Any:
    value = load_json(path, {})
    if not isinstance(value, list):
        raise FormatError("it is not a list of numbers")
    return call(library("numpy").array, value, label="numpy.array", options=options)


def _load_polars(function: str, path: Path, options: Options) -> Any:
    if path.stat().st_size == 0:  # written if there are no rows; polars refuses to read it
        return library("polars").DataFrame()
    # A file object, because polars reads `*` and `[` in a name as a pattern.
    with path.open("rb") as file:
        return call(getattr(library("polars"), function), file, label=f"polars.{function}", options=options)


def _save_polars(method: str, frame: Any, path: Path, options: Options) -> None:
    call(getattr(frame, method), path, label=f"polars.DataFrame.{method}", options=options)


LOADERS: Final[Mapping[tuple[str, str], Loader]] = {
    (".json", "object"): load_json,
    (".jsonl", "list"): _load_lines,
    (".json", "pandas.DataFrame"): partial(_load_frame, load_json),
    (".jsonl", "pandas.DataFrame"): partial(_load_frame, _load_lines),
    (".json", "polars.DataFrame"): partial(_load_polars, "read_json"),
    (".jsonl", "polars.DataFrame"): partial(_load_polars, "read_ndjson"),
    (".json", "numpy.ndarray"): _load_array,
    **{(".json", name): partial(load_as, name, load_json) for name in TYPES},
}
SAVERS: Final[Mapping[tuple[str, str], Saver]] = {
    (".jsonl", "list"): _save_lines,
    (".json", "pandas.DataFrame"): partial(_save_frame, _save_json),
    (".jsonl", "pandas.DataFrame"): partial(_save_frame, _save_lines),
    (".json", "polars.DataFrame"): partial(_save_polars, "write_json"),
    (".jsonl", "polars.DataFrame"): partial(_save_polars, "write_ndjson"),
    (".json", "numpy.ndarray"): _save_json,
    **{(".json", name): _save_json for name in TYPES},
}

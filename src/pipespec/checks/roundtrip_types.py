"""Annotations -> value types: what a value is after saving and loading, and what its reader accepts.

The rules are those of `step.formats`, `step.arguments.input_loading` and `step.arguments.param_conversion`. JSON and YAML
store dates, paths and values of Enums as text, tuples as lists, dataclasses as mappings, and keys as text. `.joblib` and
`.pkl` store Python objects. If a dataclass itself is annotated, it is created from the mapping; inside other annotations
nothing is created.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipespec.checks.value_type_reader import (
    JSON_NUMBERS,
    NOT_JSON,
    OBJECT,
    TEXT,
    TEXTS,
    Mode,
    ValueTypeReader,
)
from pipespec.checks.value_types import ANY, ValueType, ValueTypes
from pipespec.python.signature import Annotation, DataclassDefinition, Definition
from pipespec.spec.file_formats import FORMATS, TYPES, format_of, known_type, suffix_of

__all__ = ["arrives", "as_json", "is_made_of_json", "kept", "must_be", "taken"]

_JSON: Final = frozenset({".json", ".yaml"})
_OBJECTS: Final = frozenset({".joblib", ".pkl"})
_OTHERS: Final[ValueTypes] = tuple(
    ValueType(name)
    for name in (*(kind for kind in TYPES if kind != "dict"), *NOT_JSON, *TEXTS, "None", OBJECT)
)
"""All values but mappings: an argument that is annotated with a dataclass gets them unchanged."""


def is_made_of_json(file: str) -> bool:
    """Return whether a file contains JSON values, which have fewer types than Python's."""
    return suffix_of(file) in _JSON | {".jsonl"}


def arrives(
    file: str, asked: Annotation, returned: Annotation | None, definitions: Mapping[str, Definition]
) -> ValueTypes:
    """Return what an argument with the annotation `asked` gets from a file with a function's return value.

    `returned` is the return annotation, or None if there is none; `definitions` are those of the function.
    """
    suffix = suffix_of(file)
    wanted = _single(asked)
    entry = format_of(file)
    loaded = wanted if wanted in entry.loads else entry.default
    if loaded in ("bytes", "pathlib.Path"):
        return ANY
    if suffix in _OBJECTS:
        return ANY if returned is None else kept(returned, definitions)
    if suffix in _JSON | {".jsonl"}:
        if loaded == "polars.DataFrame":
            return ANY
        if suffix == ".jsonl" and loaded == "str":
            return TEXT
        return ANY if returned is None else as_json(returned, definitions)
    if loaded == "list":  # rows of a table, by their columns
        cells = (ValueType("str"), ValueType("None"))
        return (ValueType("list", item=(ValueType("dict", key=TEXT, item=cells),)),)
    if loaded == "dict":  # the arrays of an archive
        return (ValueType("dict", key=TEXT),)
    return (ValueType(loaded),)


def kept(returned: Annotation, definitions: Mapping[str, Definition]) -> ValueTypes:
    """Return what the argument would get if a file kept Python's own values."""
    return _top(ValueTypeReader(definitions, Mode.GIVEN).read(returned))


def must_be(file: str, asked: Annotation, definitions: Mapping[str, Definition]) -> ValueTypes:
    """Return what loading accepts; it checks less than the annotation says."""
    suffix, wanted = suffix_of(file), _single(asked)
    members = [member for member in asked.members if member.name != "None"]
    definition = definitions.get(members[0].name) if len(members) == 1 else None
    if isinstance(definition, DataclassDefinition):
        made = ValueTypeReader(definitions, Mode.MADE).read(members[0])
        return ANY if suffix not in FORMATS else (*made, *_OTHERS)
    if suffix in _JSON and wanted in ("dict", "list", "str", "bool", "int", "float"):
        return tuple(map(ValueType, JSON_NUMBERS.get(wanted, (wanted,))))
    if suffix in _JSON and wanted == "numpy.ndarray":
        return (ValueType("list"),)
    if is_made_of_json(file) and wanted == "pandas.DataFrame":
        return (ValueType("list", item=(ValueType("dict"),)),)
    return ANY


def taken(asked: Annotation, definitions: Mapping[str, Definition], *, from_json: bool) -> ValueTypes:
    """Return what an annotation says about its argument. A frame or array is created from the rows of JSON."""
    if from_json and _single(asked) in ("pandas.DataFrame", "numpy.ndarray"):
        return ANY
    members = [member for member in asked.members if member.name != "None"]
    if len(members) == 1 and isinstance(definitions.get(members[0].name), DataclassDefinition):
        return (*ValueTypeReader(definitions, Mode.MADE).read(asked), ValueType(OBJECT))
    return ValueTypeReader(definitions, Mode.ASKED_OF_JSON if from_json else Mode.ASKED).read(asked)


def _single(asked: Annotation) -> str | None:
    """Return the known type that an annotation requires, as `step.formats` sees it."""
    members = [member for member in asked.members if member.name != "None"]
    return known_type(members[0].name) if len(members) == 1 else None


def as_json(returned: Annotation, definitions: Mapping[str, Definition]) -> ValueTypes:
    """Return what a JSON file contains; bytes, paths, frames and arrays are written in special ways."""
    found: list[ValueType] = []
    for member in returned.members:
        match known_type(member.name):
            case "bytes" | "pathlib.Path" | "numpy.ndarray" | "plotly.graph_objects.Figure":
                return ANY
            case "pandas.DataFrame" | "polars.DataFrame":
                found.append(ValueType("list", item=(ValueType("dict", key=TEXT),)))
            case _:
                found += ValueTypeReader(definitions, Mode.GIVEN_AS_JSON).read(member)
    return _top(tuple(found))


def _top(shapes: ValueTypes) -> ValueTypes:
    """An output is never None: a step that returns None fails."""
    return tuple(shape for shape in shapes if shape.kind != "None")

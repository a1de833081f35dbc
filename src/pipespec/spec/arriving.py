"""Annotations -> shapes: what a step's value is once it was saved and loaded, and what its reader takes.

The rules are those of `step.formats`, `step.inputs` and `step.params`. JSON and YAML hold dates, paths and
Enums' values as text, tuples as lists, dataclasses as mappings, and keys as text; `.joblib` and `.pkl` hold
Python's own values. Of an annotated dataclass the mapping that arrives is made one; nothing below any other
annotation is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.spec.shapes import ANY, Shape, Shapes
from pipespec.spec.signature import (
    Annotation,
    Argument,
    DataclassDefinition,
    Definition,
    EnumDefinition,
    RecordDefinition,
)
from pipespec.spec.suffixes import FORMATS, TYPES, format_of, known_type, suffix_of

__all__ = ["arrives", "as_json", "is_made_of_json", "kept", "must_be", "taken"]

_JSON: Final = frozenset({".json", ".yaml"})
_OBJECTS: Final = frozenset({".joblib", ".pkl"})
_MOST_DEPTH: Final = 8
_NUMBERS: Final = {"int": ("int", "bool"), "float": ("float", "int", "bool")}
"""What an annotation allows: Python's `bool` is an `int`, and every type checker takes an `int` for a `float`."""
_JSON_NUMBERS: Final = {"int": ("int",), "float": ("float", "int")}
_TEXTS: Final = frozenset(
    {"datetime.date", "datetime.datetime", "datetime.time"}
    | {f"pathlib.{name}" for name in ("Path", "PurePath", "PosixPath", "PurePosixPath")}
)
_NOT_JSON: Final = frozenset({"bytes", "set", "frozenset", "complex"})
_MAPPINGS: Final = frozenset({"dict", "collections.abc.Mapping", "collections.abc.MutableMapping"})
_WITH_ITEMS: Final = {
    "collections.abc.Sequence": ("str", "bytes"),
    "collections.abc.Collection": ("str", "bytes", "dict", "set", "frozenset"),
    "collections.abc.Iterable": (
        "str",
        "bytes",
        "dict",
        "set",
        "frozenset",
        "pandas.DataFrame",
        "pandas.Series",
    ),
}
_OBJECT: Final = "an object of a class"
_TEXT: Final[Shapes] = (Shape("str"),)
_OTHERS: Final[Shapes] = tuple(
    Shape(name)
    for name in (*(kind for kind in TYPES if kind != "dict"), *_NOT_JSON, *_TEXTS, "None", _OBJECT)
)
"""All that is no mapping: an argument that is annotated with a dataclass gets it as it is."""


def is_made_of_json(file: str) -> bool:
    """Tell whether a file holds JSON values, which are less than Python's."""
    return suffix_of(file) in _JSON | {".jsonl"}


def arrives(
    file: str, asked: Annotation, returned: Annotation | None, definitions: Mapping[str, Definition]
) -> Shapes:
    """Return what an argument annotated `asked` gets from a file that holds what a function says to return.

    `returned` is None where nothing says what was saved; `definitions` are of its function.
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
            return _TEXT
        return ANY if returned is None else as_json(returned, definitions)
    if loaded == "list":  # rows of a table, by their columns
        cells = (Shape("str"), Shape("None"))
        return (Shape("list", item=(Shape("dict", key=_TEXT, item=cells),)),)
    if loaded == "dict":  # the arrays of an archive
        return (Shape("dict", key=_TEXT),)
    return (Shape(loaded),)


def kept(returned: Annotation, definitions: Mapping[str, Definition]) -> Shapes:
    """Return what would arrive if a file kept Python's own values."""
    return _top(_Reader(definitions, _Mode.GIVEN).read(returned))


def must_be(file: str, asked: Annotation, definitions: Mapping[str, Definition]) -> Shapes:
    """Return what loading takes without complaint; it sees less than the annotation says."""
    suffix, wanted = suffix_of(file), _single(asked)
    members = [member for member in asked.members if member.name != "None"]
    definition = definitions.get(members[0].name) if len(members) == 1 else None
    if isinstance(definition, DataclassDefinition):
        made = _Reader(definitions, _Mode.MADE).read(members[0])
        return ANY if suffix not in FORMATS else (*made, *_OTHERS)
    if suffix in _JSON and wanted in ("dict", "list", "str", "bool", "int", "float"):
        return tuple(map(Shape, _JSON_NUMBERS.get(wanted, (wanted,))))
    if suffix in _JSON and wanted == "numpy.ndarray":
        return (Shape("list"),)
    if is_made_of_json(file) and wanted == "pandas.DataFrame":
        return (Shape("list", item=(Shape("dict"),)),)
    return ANY


def taken(asked: Annotation, definitions: Mapping[str, Definition], *, from_json: bool) -> Shapes:
    """Return what an annotation says that its argument is; of JSON's rows a frame or an array is made."""
    if from_json and _single(asked) in ("pandas.DataFrame", "numpy.ndarray"):
        return ANY
    members = [member for member in asked.members if member.name != "None"]
    if len(members) == 1 and isinstance(definitions.get(members[0].name), DataclassDefinition):
        return (*_Reader(definitions, _Mode.MADE).read(asked), Shape(_OBJECT))
    return _Reader(definitions, _Mode.ASKED_OF_JSON if from_json else _Mode.ASKED).read(asked)


def _single(asked: Annotation) -> str | None:
    """Return the known type that an annotation asks for, as `step.formats` sees it."""
    members = [member for member in asked.members if member.name != "None"]
    return known_type(members[0].name) if len(members) == 1 else None


def as_json(returned: Annotation, definitions: Mapping[str, Definition]) -> Shapes:
    """Return what a JSON file holds; bytes, paths, frames and arrays are written in ways of their own."""
    found: list[Shape] = []
    for member in returned.members:
        match known_type(member.name):
            case "bytes" | "pathlib.Path" | "numpy.ndarray" | "plotly.graph_objects.Figure":
                return ANY
            case "pandas.DataFrame" | "polars.DataFrame":
                found.append(Shape("list", item=(Shape("dict", key=_TEXT),)))
            case _:
                found += _Reader(definitions, _Mode.GIVEN_AS_JSON).read(member)
    return _top(tuple(found))


def _top(shapes: Shapes) -> Shapes:
    """No output is None: a step that returns it fails."""
    return tuple(shape for shape in shapes if shape.kind != "None")


class _Mode(Enum):
    """Whose annotation is read: what was saved as JSON, or as Python's own; what is asked of either; what is made."""

    GIVEN_AS_JSON = auto()
    GIVEN = auto()
    ASKED_OF_JSON = auto()
    ASKED = auto()
    MADE = auto()


_GIVEN: Final = (_Mode.GIVEN_AS_JSON, _Mode.GIVEN)
_AS_JSON: Final = (_Mode.GIVEN_AS_JSON, _Mode.MADE)


@dataclass(frozen=True, slots=True)
class _Reader:
    definitions: Mapping[str, Definition]
    mode: _Mode

    def read(self, annotation: Annotation | None, depth: int = 0) -> Shapes:
        if annotation is None or depth > _MOST_DEPTH:
            return ANY
        return tuple(shape for member in annotation.members for shape in self._member(member, depth + 1))

    def _member(self, annotation: Annotation, depth: int) -> Shapes:
        name = annotation.name
        if name in _NUMBERS:
            return tuple(map(Shape, (_JSON_NUMBERS if self.mode is _Mode.MADE else _NUMBERS)[name]))
        if name in ("None", "bool", "str"):
            return (Shape(name),)
        if name == "typing.Literal":
            return _of_values(annotation.literals) if not annotation.args else ANY
        if name in _TEXTS:
            return self._text(name)
        if name in _NOT_JSON:
            return self._not_json(annotation, depth)
        if name in ("list", "tuple"):
            return (self._list(annotation, depth),)
        if name in _MAPPINGS:
            is_open = self.mode is _Mode.GIVEN and name != "dict"  # a mapping need not be a dict
            return (self._mapping(annotation, depth), *((Shape(_OBJECT),) if is_open else ()))
        if name in _WITH_ITEMS:
            return self._with_items(annotation, depth)
        if name in self.definitions:
            return self._defined(self.definitions[name], depth)
        known = known_type(name)
        return ANY if known is None or self.mode in _AS_JSON else (Shape(known),)

    def _text(self, name: str) -> Shapes:
        if self.mode in _AS_JSON:
            return _TEXT
        if name.startswith("pathlib."):
            return (Shape("pathlib.Path"),)
        with_time = (Shape("datetime.datetime"),) if name == "datetime.date" else ()
        return (Shape(name), *with_time)

    def _not_json(self, annotation: Annotation, depth: int) -> Shapes:
        name = annotation.name
        if self.mode is _Mode.GIVEN_AS_JSON:
            return ()
        if self.mode is _Mode.MADE:
            is_list = name in ("set", "frozenset")
            return (self._list(annotation, depth),) if is_list else () if name == "bytes" else ANY
        return (Shape(name),)

    def _list(self, annotation: Annotation, depth: int) -> Shape:
        args = annotation.args
        if annotation.name == "tuple" and args and args[-1].name != "...":
            return Shape("list", parts=tuple(self.read(part, depth) for part in args))
        return Shape("list", item=self.read(args[0], depth) if args else None)

    def _mapping(self, annotation: Annotation, depth: int) -> Shape:
        above, below = annotation.args if len(annotation.args) == 2 else (None, None)
        key = _TEXT if self.mode is _Mode.GIVEN_AS_JSON else self.read(above, depth)
        return Shape("dict", key=key, item=self.read(below, depth))

    def _with_items(self, annotation: Annotation, depth: int) -> Shapes:
        if self.mode in _GIVEN:
            return ANY
        if self.mode is _Mode.MADE:
            return (self._list(annotation, depth), Shape("str"), Shape("dict"))
        return (self._list(annotation, depth), *map(Shape, _WITH_ITEMS[annotation.name]))

    def _defined(self, definition: Definition, depth: int) -> Shapes:
        match definition:
            case EnumDefinition():
                return self._enum(definition)
            case DataclassDefinition():
                return self._dataclass(definition, depth)
            case RecordDefinition(is_mapping=True):
                return self._typed_dict(definition, depth)
            case RecordDefinition():
                return self._named_tuple(definition, depth)

    def _enum(self, definition: EnumDefinition) -> Shapes:
        if self.mode is _Mode.ASKED_OF_JSON and definition.is_plain:
            return (Shape(definition.name),)
        if self.mode not in _AS_JSON or not all(member.is_literal for member in definition.members):
            return ANY
        names = [member.name for member in definition.members] if self.mode is _Mode.MADE else []
        return _of_values([*(member.value for member in definition.members), *names])

    def _dataclass(self, definition: DataclassDefinition, depth: int) -> Shapes:
        if self.mode is _Mode.ASKED_OF_JSON:
            return (Shape(definition.name),)
        fields = definition.fields if self.mode is _Mode.MADE else definition.stored
        if fields is None:
            return ANY
        return (self._record(fields, depth),) if self.mode in _AS_JSON else (Shape(_OBJECT),)

    def _typed_dict(self, definition: RecordDefinition, depth: int) -> Shapes:
        if self.mode is _Mode.MADE:
            return ANY
        return (replace(self._record(definition.stored, depth), takes_more=self.mode not in _GIVEN),)

    def _named_tuple(self, definition: RecordDefinition, depth: int) -> Shapes:
        if self.mode is _Mode.MADE:
            return ANY
        if self.mode is _Mode.ASKED_OF_JSON:
            return (Shape(definition.name),)
        return (Shape("list", parts=tuple(self.read(part.annotation, depth) for part in definition.stored)),)

    def _record(self, fields: Sequence[Argument], depth: int) -> Shape:
        shapes = {field.name: self.read(field.annotation, depth) for field in fields}
        return Shape("dict", fields=shapes, optional=frozenset(one.name for one in fields if one.has_default))


def _of_values(values: Iterable[JSON]) -> Shapes:
    """Return what some values are; any where one of them is no scalar."""
    scalars = [value for value in values if not isinstance(value, list | dict)]
    kinds = ["None" if value is None else type(value).__name__ for value in scalars]
    shapes = [Shape(kind, values=(value,)) for kind, value in zip(kinds, scalars, strict=True)]
    return tuple(shapes) if len(scalars) == len(list(values)) else ANY

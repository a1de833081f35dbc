"""Annotations -> value types, for three purposes: the type of a value that is saved, expected, or created.

Takes annotations with the definitions of their function. Unknown annotations mean any value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from pipespec.checks.value_types import ANY, ValueType, ValueTypes
from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.python.signature import (
    Annotation,
    Argument,
    DataclassDefinition,
    Definition,
    EnumDefinition,
    RecordDefinition,
)
from pipespec.spec.file_formats import known_type

__all__ = ["JSON_NUMBERS", "NOT_JSON", "OBJECT", "TEXT", "TEXTS", "Mode", "ValueTypeReader"]

_MOST_DEPTH: Final = 8
_NUMBERS: Final = {"int": ("int", "bool"), "float": ("float", "int", "bool")}
"""What an annotation allows: Python's `bool` is an `int`, and every type checker accepts an `int` as a `float`."""
JSON_NUMBERS: Final = {"int": ("int",), "float": ("float", "int")}
TEXTS: Final = frozenset(
    {"datetime.date", "datetime.datetime", "datetime.time"}
    | {f"pathlib.{name}" for name in ("Path", "PurePath", "PosixPath", "PurePosixPath")}
)
NOT_JSON: Final = frozenset({"bytes", "set", "frozenset", "complex"})
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
OBJECT: Final = "an object of a class"
"""The kind of a value that keeps its class: a dataclass in a `.joblib`."""
TEXT: Final[ValueTypes] = (ValueType("str"),)


class Mode(Enum):
    """What an annotation describes: a value saved as JSON or as a Python object, a value expected from either, or a created value."""

    GIVEN_AS_JSON = auto()
    GIVEN = auto()
    ASKED_OF_JSON = auto()
    ASKED = auto()
    MADE = auto()


_GIVEN: Final = (Mode.GIVEN_AS_JSON, Mode.GIVEN)
_AS_JSON: Final = (Mode.GIVEN_AS_JSON, Mode.MADE)


@frozen
class ValueTypeReader:
    """Reads the annotations of one function in one mode."""

    definitions: Mapping[str, Definition]
    mode: Mode

    def read(self, annotation: Annotation | None, depth: int = 0) -> ValueTypes:
        """Return what an annotation allows. `depth` counts how deep it is nested, since classes may contain themselves."""
        if annotation is None or depth > _MOST_DEPTH:
            return ANY
        return tuple(shape for member in annotation.members for shape in self._member(member, depth + 1))

    def _member(self, annotation: Annotation, depth: int) -> ValueTypes:
        name = annotation.name
        if name in _NUMBERS:
            return tuple(map(ValueType, (JSON_NUMBERS if self.mode is Mode.MADE else _NUMBERS)[name]))
        if name in ("None", "bool", "str"):
            return (ValueType(name),)
        if name == "typing.Literal":
            return _of_values(annotation.literals) if not annotation.args else ANY
        if name in TEXTS:
            return self._text(name)
        if name in NOT_JSON:
            return self._not_json(annotation, depth)
        if name in ("list", "tuple"):
            return (self._list(annotation, depth),)
        if name in _MAPPINGS:
            is_open = self.mode is Mode.GIVEN and name != "dict"  # a mapping is not always a dict
            return (self._mapping(annotation, depth), *((ValueType(OBJECT),) if is_open else ()))
        if name in _WITH_ITEMS:
            return self._with_items(annotation, depth)
        if name in self.definitions:
            return self._defined(self.definitions[name], depth)
        known = known_type(name)
        return ANY if known is None or self.mode in _AS_JSON else (ValueType(known),)

    def _text(self, name: str) -> ValueTypes:
        if self.mode in _AS_JSON:
            return TEXT
        if name.startswith("pathlib."):
            return (ValueType("pathlib.Path"),)
        with_time = (ValueType("datetime.datetime"),) if name == "datetime.date" else ()
        return (ValueType(name), *with_time)

    def _not_json(self, annotation: Annotation, depth: int) -> ValueTypes:
        name = annotation.name
        if self.mode is Mode.GIVEN_AS_JSON:
            return ()
        if self.mode is Mode.MADE:
            is_list = name in ("set", "frozenset")
            return (self._list(annotation, depth),) if is_list else () if name == "bytes" else ANY
        return (ValueType(name),)

    def _list(self, annotation: Annotation, depth: int) -> ValueType:
        args = annotation.args
        if annotation.name == "tuple" and args and args[-1].name != "...":
            return ValueType("list", parts=tuple(self.read(part, depth) for part in args))
        return ValueType("list", item=self.read(args[0], depth) if args else None)

    def _mapping(self, annotation: Annotation, depth: int) -> ValueType:
        above, below = annotation.args if len(annotation.args) == 2 else (None, None)
        key = TEXT if self.mode is Mode.GIVEN_AS_JSON else self.read(above, depth)
        return ValueType("dict", key=key, item=self.read(below, depth))

    def _with_items(self, annotation: Annotation, depth: int) -> ValueTypes:
        if self.mode in _GIVEN:
            return ANY
        if self.mode is Mode.MADE:
            return (self._list(annotation, depth), ValueType("str"), ValueType("dict"))
        return (self._list(annotation, depth), *map(ValueType, _WITH_ITEMS[annotation.name]))

    def _defined(self, definition: Definition, depth: int) -> ValueTypes:
        match definition:
            case EnumDefinition():
                return self._enum(definition)
            case DataclassDefinition():
                return self._dataclass(definition, depth)
            case RecordDefinition(is_mapping=True):
                return self._typed_dict(definition, depth)
            case RecordDefinition():
                return self._named_tuple(definition, depth)

    def _enum(self, definition: EnumDefinition) -> ValueTypes:
        if self.mode is Mode.ASKED_OF_JSON and definition.is_plain:
            return (ValueType(definition.name),)
        if self.mode not in _AS_JSON or not all(member.is_literal for member in definition.members):
            return ANY
        names = [member.name for member in definition.members] if self.mode is Mode.MADE else []
        return _of_values([*(member.value for member in definition.members), *names])

    def _dataclass(self, definition: DataclassDefinition, depth: int) -> ValueTypes:
        if self.mode is Mode.ASKED_OF_JSON:
            return (ValueType(definition.name),)
        fields = definition.fields if self.mode is Mode.MADE else definition.stored
        if fields is None:
            return ANY
        return (self._record(fields, depth),) if self.mode in _AS_JSON else (ValueType(OBJECT),)

    def _typed_dict(self, definition: RecordDefinition, depth: int) -> ValueTypes:
        if self.mode is Mode.MADE:
            return ANY
        return (replace(self._record(definition.stored, depth), takes_more=self.mode not in _GIVEN),)

    def _named_tuple(self, definition: RecordDefinition, depth: int) -> ValueTypes:
        if self.mode is Mode.MADE:
            return ANY
        if self.mode is Mode.ASKED_OF_JSON:
            return (ValueType(definition.name),)
        return (
            ValueType("list", parts=tuple(self.read(part.annotation, depth) for part in definition.stored)),
        )

    def _record(self, fields: Sequence[Argument], depth: int) -> ValueType:
        shapes = {field.name: self.read(field.annotation, depth) for field in fields}
        return ValueType(
            "dict", fields=shapes, optional=frozenset(one.name for one in fields if one.has_default)
        )


def _of_values(values: Iterable[JSON]) -> ValueTypes:
    """Return the type of some values; any if one of them is not a scalar."""
    scalars = [value for value in values if not isinstance(value, list | dict)]
    kinds = ["None" if value is None else type(value).__name__ for value in scalars]
    shapes = [ValueType(kind, values=(value,)) for kind, value in zip(kinds, scalars, strict=True)]
    return tuple(shapes) if len(scalars) == len(list(values)) else ANY

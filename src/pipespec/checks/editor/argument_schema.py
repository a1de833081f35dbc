"""The JSON schema of the values for one argument, for editors: its annotation, default and description.

Takes what was read from source. A `${...}` or `???` is accepted for any value. If an annotation cannot be expressed in JSON,
everything is accepted: an editor must not mark what `validate` accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipespec.python.signature import (
    Annotation,
    Argument,
    CallableSource,
    DataclassDefinition,
    Definition,
    EnumDefinition,
)

__all__ = ["EXPRESSION", "argument_schema"]

EXPRESSION: Final = r"\$\{|^\?\?\?$"
"""The pattern of texts that are allowed instead of any other value."""

_MOST_DEPTH: Final = 8  # dataclasses may contain themselves
_SCALARS: Final[Mapping[str, tuple[str, str]]] = {
    "bool": ("boolean", "true or false"),
    "int": ("integer", "a whole number"),
    "float": ("number", "a number"),
}
_TEXTS: Final = frozenset(
    {"str", "datetime.date", "datetime.datetime", "datetime.time"}
    | {f"pathlib.{name}" for name in ("Path", "PurePath", "PosixPath", "PurePosixPath")}
)
_OF_NUMBERS: Final[Mapping[str, str]] = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
}
_OF_LENGTH: Final[Mapping[str, str]] = {"min_length": "min", "max_length": "max"}
_LISTS: Final = frozenset({"list", "tuple", "set", "frozenset"})
_MAPPINGS: Final = frozenset({"dict", "collections.abc.Mapping"})


def argument_schema(argument: Argument, source: CallableSource, text: str | None) -> dict[str, Any]:
    """Return the schema of one argument's value; `text` is its description in the docstring."""
    schema = {} if argument.annotation is None else _schema(argument.annotation, source.definitions, 0)
    schema = {"description": f"{_spelt(argument)}{'' if text is None else f' - {text}'}", **schema}
    if argument.default_is_literal and argument.default is not None:
        schema["default"] = argument.default
    return schema


def _spelt(argument: Argument) -> str:
    kind = "" if argument.annotation is None else f": {argument.annotation.text}"
    default = f" = {argument.default_text}" if argument.has_default else ""
    return f"`{argument.name}{kind}{default}`"


def _schema(annotation: Annotation, definitions: Mapping[str, Definition], depth: int) -> dict[str, Any]:
    """Return the schema of an annotation; it is empty if JSON schema cannot express it."""
    if depth > _MOST_DEPTH:
        return {}
    if len(annotation.members) > 1:
        choices = [_schema(member, definitions, depth + 1) for member in annotation.members]
        return {"anyOf": choices} if all(choices) else {}
    name, definition = annotation.name, definitions.get(annotation.name)
    if name in _SCALARS:
        kind, words = _SCALARS[name]
        return {**_or_expression(kind, words), **_size(annotation)}
    if name in _TEXTS:
        length = _length(annotation, "Length") if name == "str" else {}
        text = {"type": "string", **length}
        return {"anyOf": [text, {"$ref": "#/$defs/expression"}]} if length else text
    if name == "None":
        return {"type": "null"}
    if name == "typing.Literal" and not annotation.args:
        return {"anyOf": [{"enum": list(annotation.literals)}, {"$ref": "#/$defs/expression"}]}
    if name in _LISTS:
        return _list(annotation, definitions, depth)
    if name in _MAPPINGS:
        below = annotation.args[1:2]
        values = _schema(below[0], definitions, depth + 1) if below else {}
        return {
            **_or_expression("object", "a mapping"),
            "additionalProperties": values or True,
            **_length(annotation, "Properties"),
        }
    if isinstance(definition, EnumDefinition):
        return _enum(definition)
    if isinstance(definition, DataclassDefinition):
        return _dataclass(definition, definitions, depth)
    return {}


def _or_expression(kind: str, words: str) -> dict[str, Any]:
    """Return the schema of a kind of value, or a text with an expression. The message is for editors."""
    message = f"{words} is needed here, or an expression such as ${{params.name}}"
    return {"type": [kind, "string"], "pattern": EXPRESSION, "patternErrorMessage": message}


def _size(annotation: Annotation) -> dict[str, Any]:
    """Return the limits of a number. Multiples of fractions are left out, since editors calculate them with floats."""
    return {
        _OF_NUMBERS[limit.kind]: limit.bound
        for limit in annotation.limits
        if limit.kind in _OF_NUMBERS and (limit.kind != "multiple_of" or isinstance(limit.bound, int))
    }


def _length(annotation: Annotation, of: str) -> dict[str, Any]:
    """Return the limits of a length; `of` is a text ("Length"), a list ("Items") or a mapping ("Properties")."""
    return {
        f"{_OF_LENGTH[limit.kind]}{of}": limit.bound
        for limit in annotation.limits
        if limit.kind in _OF_LENGTH and isinstance(limit.bound, int) and limit.bound >= 0
    }


def _list(annotation: Annotation, definitions: Mapping[str, Definition], depth: int) -> dict[str, Any]:
    schema = {**_or_expression("array", "a list"), **_length(annotation, "Items")}
    args = [arg for arg in annotation.args if arg.name != "..."]
    if len(args) == 1 and (annotation.name != "tuple" or len(annotation.args) == 2):
        schema["items"] = _schema(args[0], definitions, depth + 1) or True
    return schema


def _enum(definition: EnumDefinition) -> dict[str, Any]:
    """Return the names and values of the members. If a value is computed, everything is allowed."""
    if not all(member.is_literal for member in definition.members):
        return {}
    names = [member.name for member in definition.members]
    values = [member.value for member in definition.members if member.value not in names]
    return {"anyOf": [{"enum": [*names, *values]}, {"$ref": "#/$defs/expression"}]}


def _dataclass(
    definition: DataclassDefinition, definitions: Mapping[str, Definition], depth: int
) -> dict[str, Any]:
    fields = {
        field.name: {
            "description": _spelt(field),
            **({} if field.annotation is None else _schema(field.annotation, definitions, depth + 1)),
        }
        for field in definition.fields
    }
    return {
        **_or_expression("object", f"a mapping with the fields of {definition.name.rpartition('.')[2]}"),
        "properties": fields,
        "required": [field.name for field in definition.fields if not field.has_default],
        "additionalProperties": False,
    }

"""Determine the type of an annotation or a value, among the types that formats distinguish.

Takes live objects. Returns names of `spec.file_formats.TYPES`. Imports none of the libraries that define them.
"""

from __future__ import annotations

import dataclasses
import os
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import date, time
from enum import Enum
from typing import Any

from pipespec.spec.file_formats import known_type

__all__ = ["bare", "layers", "name_of", "type_of_annotation", "type_of_value"]


def bare(annotation: Any) -> Any:
    """Remove wrappers that do not change the type: `Annotated`, `X | None`, `NewType`, `type X = ...`."""
    for layer in layers(annotation):
        annotation = layer
    return annotation


def layers(annotation: Any) -> Iterator[Any]:
    """Yield an annotation, then what each wrapper contains, and the bare type last."""
    while True:
        yield annotation
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = annotation.__origin__
        elif _is_union(annotation):
            members = [item for item in typing.get_args(annotation) if item is not types.NoneType]
            if len(members) != 1:
                return
            annotation = members[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif _is_alias(annotation):
            annotation = annotation.__value__
        elif _is_alias(typing.get_origin(annotation)):  # `NDArray[np.float64]` of new versions of numpy
            annotation = typing.get_origin(annotation).__value__
        else:
            return


def type_of_annotation(annotation: Any) -> str | None:
    """Return the known type that an argument's annotation asks for; None if the suffix decides."""
    plain = bare(annotation)
    origin = typing.get_origin(plain) or plain
    if not isinstance(origin, type):
        return None
    return known_type(f"{origin.__module__}.{origin.__qualname__}")


def type_of_value(value: object) -> str:
    """Return the known type as which a value is saved; `object` if it has none.

    Subclasses count as their base class. For formats of JSON values, a dataclass and any mapping count as a dict, a
    tuple as a list, a numpy number as a number, a date as text, and a member of an Enum as its value.
    """
    for ancestor in type(value).__mro__:
        known = known_type(f"{ancestor.__module__}.{ancestor.__qualname__}")
        if known is not None:
            return known
    match value:
        case Enum():
            return type_of_value(value.value)
        case Mapping():
            return "dict"
        case tuple():
            return "list"
        case bytearray() | memoryview():
            return "bytes"
        case os.PathLike():
            return "pathlib.Path"
        case date() | time():
            return "str"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "dict"
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return type_of_value(value.item())
    return "object"


def name_of(value: object) -> str:
    """Return the full name of a value's type, as a user would write it: `dict`, `sklearn.pipeline.Pipeline`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _is_alias(annotation: Any) -> bool:
    return (
        type(annotation).__name__ == "TypeAliasType"
    )  # from `typing` since Python 3.12, before that from typing_extensions


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)

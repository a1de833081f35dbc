"""Recreate values that another process of pipespec wrote as JSON: with exactly the same types, or not at all.

Takes what `json` read and a type with plain parts: texts, numbers, enums, tuples, mappings, unions with None,
dataclasses of these. The rules for a user's params are more lenient; they are in `arguments/param_conversion.py`.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias, TypeVar

__all__ = ["ShapeError", "read_exact"]

T = TypeVar("T")

_Reader: TypeAlias = Callable[[Any], Any]


class ShapeError(ValueError):
    """A value is not of the type that was written."""


def read_exact(value: object, kind: type[T]) -> T:
    """Return the value as an instance of a type.

    Raises:
        ShapeError: if it is not one.
    """
    wanted: Any = kind
    made: T = _reader(wanted)(value)
    return made


@functools.cache
def _reader(kind: Any) -> _Reader:
    """Build the reader of a type, once."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (each for each in arguments if each is not types.NoneType)
        return functools.partial(_none_or, _reader(inner))
    if origin is tuple:
        return functools.partial(_tuple, _reader(arguments[0]))
    if origin is Mapping:
        return functools.partial(_mapping, _reader(arguments[1]))
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}
        return functools.partial(_record, kind, readers)
    if issubclass(kind, Enum):
        return functools.partial(_member, kind)
    return functools.partial(_plain, (int, float) if kind is float else (kind,))


def _none_or(read: _Reader, value: Any) -> Any:
    return None if value is None else read(value)


def _tuple(read: _Reader, value: Any) -> tuple[Any, ...]:
    _plain((list,), value)
    return tuple(map(read, value))


def _mapping(read: _Reader, value: Any) -> dict[str, Any]:
    _plain((dict,), value)
    return {name: read(one) for name, one in value.items()}


def _record(kind: Any, readers: Mapping[str, _Reader], value: Any) -> Any:
    _plain((dict,), value)
    if not value.keys() <= readers.keys():
        raise ShapeError(kind.__name__)
    try:
        return kind(**{name: readers[name](one) for name, one in value.items()})
    except TypeError as error:  # a field without a default is missing
        raise ShapeError(kind.__name__) from error


def _member(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError as error:
        raise ShapeError(kind.__name__) from error


def _plain(kinds: tuple[type, ...], value: Any) -> Any:
    if type(value) not in kinds:
        raise ShapeError(kinds[0].__name__)
    return value

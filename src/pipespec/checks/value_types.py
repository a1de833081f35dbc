"""The possible values according to annotations, and whether one type can be passed as another.

Takes two unions of types, returns a `Passing`. Doubts are resolved in favour of the user: an unknown type is any value, and
a union fits if one member may fit. No list, mapping or field is invented: "only an empty list fits" is different from
"nothing fits".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final, TypeAlias

from pipespec.document.nodes import Scalar
from pipespec.frozen_values import frozen

__all__ = ["ANY", "Passing", "ValueType", "ValueTypes", "is_any", "overlap", "spelt"]


class Passing(IntEnum):
    """How many of the given values may be what is asked."""

    NEVER = 0
    EMPTY = 1
    """Only empty lists and mappings."""
    FITS = 2


@frozen
class ValueType:
    """Values of one class; `kind` is its name (`int`, `list`, `pandas.DataFrame`), empty for any value at all.

    A tuple counts as a list: code that accepts one usually accepts the other.
    """

    kind: str
    values: tuple[Scalar, ...] | None = None
    """For a `Literal`: its values."""
    parts: tuple[ValueTypes, ...] | None = None
    """For a list of fixed length: the type at each position."""
    item: ValueTypes | None = None
    """For any other list, and for a mapping: the type of the values. None means any."""
    key: ValueTypes | None = None
    fields: Mapping[str, ValueTypes] | None = None
    """For a mapping with known keys: the type of each value."""
    optional: frozenset[str] = frozenset()
    """The keys of `fields` that may be missing."""
    takes_more: bool = False
    """In a requirement: whether keys other than `fields` are allowed."""


ValueTypes: TypeAlias = tuple[ValueType, ...]
"""A union. An empty one means that no value is possible."""

ANY: Final[ValueTypes] = (ValueType(""),)


def is_any(shapes: ValueTypes) -> bool:
    """Return whether nothing is known."""
    return any(not shape.kind for shape in shapes)


def overlap(given: ValueTypes | None, asked: ValueTypes | None) -> Passing:
    """Return whether some of the given values fit what is asked; None means any."""
    if given is None or asked is None:
        return Passing.FITS
    return max((_pair(one, other) for one in given for other in asked), default=Passing.NEVER)


def _pair(given: ValueType, asked: ValueType) -> Passing:
    if not given.kind or not asked.kind:
        return Passing.FITS
    if given.kind != asked.kind:
        return Passing.NEVER
    if given.kind == "list":
        return _lists(given, asked)
    if given.kind == "dict":
        return _mappings(given, asked)
    if given.values is not None and asked.values is not None and not set(given.values) & set(asked.values):
        return Passing.NEVER
    return Passing.FITS


def _lists(given: ValueType, asked: ValueType) -> Passing:
    if given.parts is None and asked.parts is None:
        return _of_items(overlap(given.item, asked.item))
    if given.parts is not None and asked.parts is not None and len(given.parts) != len(asked.parts):
        return Passing.NEVER
    length = len(given.parts if given.parts is not None else asked.parts or ())
    pairs = zip(_positions(given, length), _positions(asked, length), strict=True)
    return min((overlap(one, other) for one, other in pairs), default=Passing.FITS)


def _positions(shape: ValueType, length: int) -> Iterable[ValueTypes | None]:
    return shape.parts if shape.parts is not None else [shape.item] * length


def _of_items(found: Passing) -> Passing:
    return Passing.FITS if found is Passing.FITS else Passing.EMPTY


def _mappings(given: ValueType, asked: ValueType) -> Passing:
    if given.fields is None and asked.fields is None:
        return _of_items(min(overlap(given.key, asked.key), overlap(given.item, asked.item)))
    names = {**(given.fields or {}), **(asked.fields or {})}
    return min((_field(name, given, asked) for name in names), default=Passing.FITS)


def _field(name: str, given: ValueType, asked: ValueType) -> Passing:
    must_come = asked.fields is not None and name in asked.fields and name not in asked.optional
    comes = given.fields is not None and name in given.fields and name not in given.optional
    if not must_come and not comes:
        return Passing.FITS  # it may be missing
    if given.fields is not None and name not in given.fields:
        return Passing.NEVER
    if asked.fields is not None and name not in asked.fields:
        return Passing.FITS if asked.takes_more else Passing.NEVER
    keys = overlap(given.key, asked.key) if given.fields is None or asked.fields is None else Passing.FITS
    return min(keys, overlap(_below(given, name), _below(asked, name)))


def _below(shape: ValueType, name: str) -> ValueTypes | None:
    return shape.item if shape.fields is None else shape.fields[name]


def spelt(shapes: ValueTypes) -> str:
    """Spell types like annotations: `dict[str, float]`, `[int, str]` with known length, `{depth: int}` with known keys."""
    kinds = {shape.kind for shape in shapes if shape.values is None}
    implied = {"int", "bool"} if "float" in kinds else {"bool"} if "int" in kinds else set()
    texts = dict.fromkeys(
        _one(shape) for shape in shapes if shape.kind not in implied and shape.values is None
    )
    values = [repr(value) for shape in shapes for value in shape.values or ()]
    return " | ".join([*texts, *([f"Literal[{', '.join(values)}]"] if values else [])]) or "nothing"


def _one(shape: ValueType) -> str:
    if not shape.kind:
        return "Any"
    if shape.parts is not None:
        return f"[{', '.join(map(spelt, shape.parts))}]"
    if shape.fields is not None:
        return f"{{{', '.join(f'{name}: {spelt(below)}' for name, below in shape.fields.items())}}}"
    if shape.item is None or is_any(shape.item):
        return shape.kind
    key = f"{spelt(shape.key or ANY)}, " if shape.kind == "dict" else ""
    return f"{shape.kind}[{key}{spelt(shape.item)}]"

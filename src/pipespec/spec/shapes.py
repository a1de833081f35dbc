"""What values may be, as far as annotations tell, and whether what is given can be what is asked.

Takes two unions of shapes, gives a `Passing`. Everything is judged in favour of the user: a shape of nobody's
knowledge is all values, and a union fits where one of its members may. No list, mapping or field is made
up: what only an empty list fits is told apart from what nothing fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from pipespec.document.nodes import Scalar

__all__ = ["ANY", "Passing", "Shape", "Shapes", "is_any", "overlap", "spelt"]


class Passing(IntEnum):
    """How much of what is given may be what is asked."""

    NEVER = 0
    EMPTY = 1
    """Empty lists and mappings alone."""
    FITS = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """Values of one class; `kind` is its name (`int`, `list`, `pandas.DataFrame`), empty for any value at all.

    A tuple counts as a list: code that takes the one seldom minds the other.
    """

    kind: str
    values: tuple[Scalar, ...] | None = None
    """Of a `Literal`, the only ones."""
    parts: tuple[Shapes, ...] | None = None
    """Of a list of fixed length, what stands at each position."""
    item: Shapes | None = None
    """Of any other list and of a mapping: what they hold. None is any."""
    key: Shapes | None = None
    fields: Mapping[str, Shapes] | None = None
    """Of a mapping with known keys, what stands under each."""
    optional: frozenset[str] = frozenset()
    """Those of `fields` that may be missing."""
    takes_more: bool = False
    """Where it is asked: other keys than `fields` may come, too."""


Shapes: TypeAlias = tuple[Shape, ...]
"""A union; none at all is what no value is."""

ANY: Final[Shapes] = (Shape(""),)


def is_any(shapes: Shapes) -> bool:
    """Tell whether nothing is known."""
    return any(not shape.kind for shape in shapes)


def overlap(given: Shapes | None, asked: Shapes | None) -> Passing:
    """Return whether some value that is given may be one that is asked; None is any."""
    if given is None or asked is None:
        return Passing.FITS
    return max((_pair(one, other) for one in given for other in asked), default=Passing.NEVER)


def _pair(given: Shape, asked: Shape) -> Passing:
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


def _lists(given: Shape, asked: Shape) -> Passing:
    if given.parts is None and asked.parts is None:
        return _of_items(overlap(given.item, asked.item))
    if given.parts is not None and asked.parts is not None and len(given.parts) != len(asked.parts):
        return Passing.NEVER
    length = len(given.parts if given.parts is not None else asked.parts or ())
    pairs = zip(_positions(given, length), _positions(asked, length), strict=True)
    return min((overlap(one, other) for one, other in pairs), default=Passing.FITS)


def _positions(shape: Shape, length: int) -> Iterable[Shapes | None]:
    return shape.parts if shape.parts is not None else [shape.item] * length


def _of_items(found: Passing) -> Passing:
    return Passing.FITS if found is Passing.FITS else Passing.EMPTY


def _mappings(given: Shape, asked: Shape) -> Passing:
    if given.fields is None and asked.fields is None:
        return _of_items(min(overlap(given.key, asked.key), overlap(given.item, asked.item)))
    names = {**(given.fields or {}), **(asked.fields or {})}
    return min((_field(name, given, asked) for name in names), default=Passing.FITS)


def _field(name: str, given: Shape, asked: Shape) -> Passing:
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


def _below(shape: Shape, name: str) -> Shapes | None:
    return shape.item if shape.fields is None else shape.fields[name]


def spelt(shapes: Shapes) -> str:
    """Spell shapes as annotations are: `dict[str, float]`, `[int, str]` of known length, `{depth: int}` of known keys."""
    kinds = {shape.kind for shape in shapes if shape.values is None}
    implied = {"int", "bool"} if "float" in kinds else {"bool"} if "int" in kinds else set()
    texts = dict.fromkeys(
        _one(shape) for shape in shapes if shape.kind not in implied and shape.values is None
    )
    values = [repr(value) for shape in shapes for value in shape.values or ()]
    return " | ".join([*texts, *([f"Literal[{', '.join(values)}]"] if values else [])]) or "nothing"


def _one(shape: Shape) -> str:
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

"""The points of a matrix, and how variants of a step are named by them. Pure.

A separate module, because processes of steps need it and nothing else of a spec.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeAlias

from pipespec.document.nodes import JSON

__all__ = ["Variant", "deferred_id", "point_text", "variant_id"]

Variant: TypeAlias = tuple[tuple[str, JSON], ...]
"""A point of a matrix: (axis, value) pairs, axes sorted. Empty for a step without a matrix."""


def variant_id(step: str, variant: Variant) -> str:
    """Name a variant by its values: `train[depth=4,learning_rate=0.1]`, never by its position.

    A value is spelled as in JSON. A text is written without quotes if it contains no `,=[]"`, spaces or control
    characters, and cannot be read as another JSON value.
    """
    if not variant:
        return step
    return f"{step}[{point_text(variant)}]"


def deferred_id(step: str, axes: Iterable[str]) -> str:
    """Name the one entry that represents all variants to come: `train[genre=*]`."""
    return f"{step}[{','.join(f'{axis}=*' for axis in sorted(set(axes)))}]"


def point_text(point: Variant) -> str:
    """Format a point as between the brackets of a variant's name: `depth=4,learning_rate=0.1`."""
    return ",".join(f"{axis}={_spell(value)}" for axis, value in point)


def _spell(value: JSON) -> str:
    spelling = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if (
        not isinstance(value, str)
        or not value
        or any(c in ',=[]{}"\\' or c.isspace() or not c.isprintable() for c in value)
    ):
        return spelling
    try:
        json.loads(value)
    except ValueError:
        return value
    return spelling

"""Limits of values in `Annotated[int, Gt(0)]`: those of annotated-types, pydantic's `Field` and `msgspec.Meta`.

Takes a JSON value and the limits of its type. Returns the first limit that it breaks. `python.annotated_limits` reads
limits from source, `step.arguments.live_limits` from live types; both use this rule. A limit of size applies to
numbers, one of length to texts, lists and mappings; all other values meet every limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final, TypeGuard

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen

__all__ = ["LIBRARIES", "LIMITS", "Limit", "broken_limit", "limits_of"]

LIBRARIES: Final = frozenset({"annotated_types", "msgspec", "pydantic"})
"""The packages whose metadata is read. What other packages put into `Annotated` is ignored."""

_OF_NUMBERS: Final = {
    "gt": "greater than",
    "ge": "at least",
    "lt": "less than",
    "le": "at most",
    "multiple_of": "a multiple of",
}
_OF_LENGTH: Final = {"min_length": "at least", "max_length": "at most"}

LIMITS: Final = (*_OF_NUMBERS, *_OF_LENGTH)
"""The names of limits, which are the same in all three libraries."""


@frozen
class Limit:
    """One limit. `kind` is one of `LIMITS`, `bound` a finite number."""

    kind: str
    bound: float

    def __str__(self) -> str:
        if self.kind in _OF_NUMBERS:
            return f"{_OF_NUMBERS[self.kind]} {self.bound}"
        return f"of length {_OF_LENGTH[self.kind]} {self.bound}"

    def holds(self, value: JSON) -> bool:
        """Return whether a value meets the limit, or is of a kind to which the limit does not apply."""
        if self.kind in _OF_LENGTH:
            if not isinstance(value, str | list | dict):
                return True
            return len(value) >= self.bound if self.kind == "min_length" else len(value) <= self.bound
        return not _is_number(value) or self._holds_for(value)

    def _holds_for(self, value: float) -> bool:
        match self.kind:
            case "gt":
                return value > self.bound
            case "ge":
                return value >= self.bound
            case "lt":
                return value < self.bound
            case "le":
                return value <= self.bound
            case _:
                from fractions import Fraction  # noqa: PLC0415 - 3 ms at the start, and few pipelines need it

                # By their decimal digits: 0.3 is a multiple of 0.1.
                return Fraction(repr(value)) % Fraction(repr(self.bound)) == 0


def limits_of(found: Mapping[str, object]) -> tuple[Limit, ...]:
    """Return the limits among some names with values. A bound that is not a JSON number is ignored."""
    return tuple(
        Limit(kind, bound)
        for kind in LIMITS
        if _is_number(bound := found.get(kind)) and (kind != "multiple_of" or bound > 0)
    )


def broken_limit(value: JSON, limits: Iterable[Limit]) -> Limit | None:
    """Return the first limit that a value does not meet, or None."""
    return next((limit for limit in limits if not limit.holds(value)), None)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

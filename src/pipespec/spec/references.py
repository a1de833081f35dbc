"""The small languages inside values: references to outputs, durations, callables.

Takes texts, gives parsed values or a `NotAReferenceError` that says what was expected where.

    reference  = step [ "[" selection "]" ] [ "." output [ "/" part ] ]
    selection  = "*" | axis "=" value { "," axis "=" value }
    value      = JSON | bare text without any of , = [ ] { } " and space | "${matrix." axis "}"
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.errors import Span
from pipespec.spec.model import CallableRef, Variant

__all__ = [
    "AxisReference",
    "NotAReferenceError",
    "Reference",
    "parse_call",
    "parse_duration",
    "parse_reference",
]

_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_STEP: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AXIS_REFERENCE: Final = re.compile(r"\$\{\s*matrix\.([A-Za-z_][A-Za-z0-9_]*)\s*\}")
_BARE: Final = re.compile(r'[^,=\[\]{}"\s]+')
_SPACE: Final = re.compile(r"\s*")
_DECODER: Final = json.JSONDecoder()


class NotAReferenceError(ValueError):
    """A text that is none of the language; the message is the end of a sentence that names it."""


@dataclass(frozen=True, slots=True)
class AxisReference:
    """`${matrix.depth}` as a value in a selection: each variant of the reading step puts its own there."""

    axis: str


Selected: TypeAlias = tuple[str, JSON | AxisReference]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to an output, as written; `selection` is None without brackets, empty for `[*]`."""

    step: str
    output: str | None = None
    part: str | None = None
    selection: tuple[Selected, ...] | None = None

    def chosen(self, point: Variant) -> Variant | None:
        """Return the selection with the axes of the reading variant filled in, sorted; None without brackets."""
        if self.selection is None:
            return None
        values = dict(point)
        chosen = [(axis, values[v.axis] if isinstance(v, AxisReference) else v) for axis, v in self.selection]
        return tuple(sorted(chosen, key=lambda pair: pair[0]))


def parse_reference(written: str) -> Reference:
    """Parse a reference to an output.

    Raises:
        NotAReferenceError: where it is none.
    """
    found = _STEP.match(written)
    if found is None:
        raise NotAReferenceError("does not begin with the name of a step")
    position, selection = found.end(), None
    if written[position : position + 1] == "[":
        selection, position = _selection(written, position + 1)
    rest = written[position:]
    if not rest:
        return Reference(found[0], selection=selection)
    if rest[0] != ".":
        raise NotAReferenceError(f"goes on with {quote(rest)} where '.output' or its end is expected")
    output, slash, part = rest[1:].partition("/")
    if not _NAME.fullmatch(output):
        raise NotAReferenceError(f"names an output {quote(output)}, which is no name")
    if slash and any(segment in ("", ".", "..") for segment in part.split("/")):
        raise NotAReferenceError(f"names a part {quote(part)}, which is no path inside the output")
    return Reference(found[0], output, part if slash else None, selection)


def _selection(written: str, position: int) -> tuple[tuple[Selected, ...], int]:
    """Parse from behind the `[` to behind the `]`."""
    position = _skipped(written, position)
    if written.startswith("*", position):
        return (), _closed(written, position + 1)
    chosen: dict[str, JSON | AxisReference] = {}
    while True:
        axis = _NAME.match(written, position)
        if axis is None:
            raise NotAReferenceError("lacks '*' or 'axis=value' in its brackets")
        position = _skipped(written, axis.end())
        if not written.startswith("=", position):
            raise NotAReferenceError(f"lacks '=' and a value behind axis {quote(axis[0])}")
        if axis[0] in chosen:
            raise NotAReferenceError(f"names axis {quote(axis[0])} twice")
        chosen[axis[0]], position = _value(written, _skipped(written, position + 1), axis[0])
        position = _skipped(written, position)
        if not written.startswith(",", position):
            return tuple(chosen.items()), _closed(written, position)
        position = _skipped(written, position + 1)


def _value(written: str, position: int, axis: str) -> tuple[JSON | AxisReference, int]:
    if own := _AXIS_REFERENCE.match(written, position):
        return AxisReference(own[1]), own.end()
    if written[position : position + 1] in ('"', "[", "{"):
        try:
            value, end = _DECODER.raw_decode(written, position)
        except (ValueError, RecursionError):
            raise NotAReferenceError(f"has a value of axis {quote(axis)} that is no JSON") from None
        return value, end
    bare = _BARE.match(written, position)
    if bare is None:
        raise NotAReferenceError(f"lacks a value of axis {quote(axis)}")
    return _bare_value(bare[0]), bare.end()


def _bare_value(written: str) -> JSON:
    """Read a bare value as a variant's name spells it: a JSON scalar, else the text itself."""
    try:
        value: JSON = json.loads(written)
    except ValueError:
        return written
    return value if not isinstance(value, float) or math.isfinite(value) else written


def _skipped(written: str, position: int) -> int:
    space = _SPACE.match(written, position)
    return space.end() if space else position


def _closed(written: str, position: int) -> int:
    position = _skipped(written, position)
    if not written.startswith("]", position):
        raise NotAReferenceError("lacks ']'")
    return position + 1


def parse_duration(written: str) -> float:
    """Return the seconds of `30s`, `1.5h`; the schema sees to the form."""
    return float(written[:-1]) * _SECONDS[written[-1]]


def parse_call(written: str, span: Span) -> CallableRef:
    """Return `module:function` in its parts; the schema sees to the form."""
    module, _, qualname = written.partition(":")
    return CallableRef(module, qualname, span)

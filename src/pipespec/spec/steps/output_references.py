"""References to outputs: `step.output/part`, `step[depth=4].model`, `step[*]`.

Takes a text. Returns an `OutputReference`, or raises a `NotAReferenceError` that says what was expected where.

    reference  = step [ "[" selection "]" ] [ "." output [ "/" part ] ]
    selection  = "*" | axis "=" value { "," axis "=" value }
    value      = JSON | bare text without any of , = [ ] { } " and space | "${matrix." axis "}"
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.frozen_values import frozen
from pipespec.spec.variant_names import Variant, point_text

__all__ = [
    "AxisReference",
    "NotAReferenceError",
    "OutputReference",
    "parse_reference",
]

_STEP: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AXIS_REFERENCE: Final = re.compile(r"\$\{\s*matrix\.([A-Za-z_][A-Za-z0-9_]*)\s*\}")
_BARE: Final = re.compile(r'[^,=\[\]{}"\s]+')
_SPACE: Final = re.compile(r"\s*")
_DECODER: Final = json.JSONDecoder()


class NotAReferenceError(ValueError):
    """A text that is not a reference. The message is the end of a sentence that names it."""


@frozen
class AxisReference:
    """`${matrix.depth}` as a value in a selection. Each variant of the reading step uses its own value."""

    axis: str


Selected: TypeAlias = tuple[str, JSON | AxisReference]


@frozen
class OutputReference:
    """A reference to an output, as written. `selection` is None without brackets, and empty for `[*]`."""

    step: str
    output: str | None = None
    part: str | None = None
    selection: tuple[Selected, ...] | None = None

    def __str__(self) -> str:
        chosen = None if self.selection is None else ",".join(map(_selected_text, self.selection)) or "*"
        at = "" if chosen is None else f"[{chosen}]"
        output = "" if self.output is None else f".{self.output}"
        return f"{self.step}{at}{output}{'' if self.part is None else f'/{self.part}'}"

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the reading step that choose the variant."""
        chosen = (value for _, value in self.selection or ())
        return tuple(dict.fromkeys(value.axis for value in chosen if isinstance(value, AxisReference)))

    def at(self, values: Mapping[str, JSON]) -> OutputReference:
        """Return the reference with the values of some axes of the reading step filled in."""
        if self.selection is None:
            return self
        chosen = [
            (axis, values[value.axis] if isinstance(value, AxisReference) and value.axis in values else value)
            for axis, value in self.selection
        ]
        return replace(self, selection=tuple(chosen))

    def chosen(self, point: Variant) -> Variant | None:
        """Return the selection with the axes of the reading variant filled in, sorted; None without brackets."""
        if self.selection is None:
            return None
        values = dict(point)
        chosen = [(axis, values[v.axis] if isinstance(v, AxisReference) else v) for axis, v in self.selection]
        return tuple(sorted(chosen, key=lambda pair: pair[0]))


def _selected_text(selected: Selected) -> str:
    axis, value = selected
    if isinstance(value, AxisReference):
        return f"{axis}=${{matrix.{value.axis}}}"
    return point_text(((axis, value),))


def parse_reference(written: str) -> OutputReference:
    """Parse a reference to an output.

    Raises:
        NotAReferenceError: if it is not one.
    """
    found = _STEP.match(written)
    if found is None:
        raise NotAReferenceError("does not start with the name of a step")
    position, selection = found.end(), None
    if written[position : position + 1] == "[":
        selection, position = _selection(written, position + 1)
    rest = written[position:]
    if not rest:
        return OutputReference(found[0], selection=selection)
    if rest[0] != ".":
        raise NotAReferenceError(f"has {quote(rest)} where '.output' or the end is expected")
    output, slash, part = rest[1:].partition("/")
    if not _NAME.fullmatch(output):
        raise NotAReferenceError(f"has the output {quote(output)}, which is not a valid name")
    if slash and any(segment in ("", ".", "..") for segment in part.split("/")):
        raise NotAReferenceError(f"has the part {quote(part)}, which is not a path inside the output")
    return OutputReference(found[0], output, part if slash else None, selection)


def _selection(written: str, position: int) -> tuple[tuple[Selected, ...], int]:
    """Parse from after the `[` to after the `]`."""
    position = _skipped(written, position)
    if written.startswith("*", position):
        return (), _closed(written, position + 1)
    chosen: dict[str, JSON | AxisReference] = {}
    while True:
        axis = _NAME.match(written, position)
        if axis is None:
            raise NotAReferenceError("needs '*' or 'axis=value' in its brackets")
        position = _skipped(written, axis.end())
        if not written.startswith("=", position):
            raise NotAReferenceError(f"needs '=' and a value after axis {quote(axis[0])}")
        if axis[0] in chosen:
            raise NotAReferenceError(f"has axis {quote(axis[0])} twice")
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
            raise NotAReferenceError(f"has a value for axis {quote(axis)} that is not valid JSON") from None
        return value, end
    bare = _BARE.match(written, position)
    if bare is None:
        raise NotAReferenceError(f"has no value for axis {quote(axis)}")
    return _bare_value(bare[0]), bare.end()


def _bare_value(written: str) -> JSON:
    """Parse a bare value as in a variant's name: a JSON scalar, or otherwise the text itself."""
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

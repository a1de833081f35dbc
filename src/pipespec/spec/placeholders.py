"""`${matrix.axis}` and `${step.name}`: the references whose value depends on the step that they stand in.

Takes nodes of one step and the values of one of its variants, gives nodes with these in place, which remember
where they were set. All other references are resolved before (`document.interpolate`), or only when a step
runs (`${secret:NAME}`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, plain
from pipespec.document.scalars import spell

__all__ = ["NoSuchPartError", "axes_used", "fill", "named"]

_AXIS: Final = re.compile(r"(?<!\$)\$\{\s*matrix\.([^\s.{}]+)((?:\.[^\s.{}]+)*)\s*\}")
_NAME: Final = re.compile(r"(?<!\$)\$\{\s*step\.name\s*\}")


class NoSuchPartError(KeyError):
    """A reference names something that an axis's value does not have; `args` are axis and path as written."""


def axes_used(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield each axis that a text in the node refers to, with that text's node."""
    match node:
        case ScalarNode(value=str(text)) if "${" in text:
            for found in _AXIS.finditer(text):
                yield found[1], node
        case SequenceNode(items=items):
            for item in items:
                yield from axes_used(item)
        case MappingNode(entries=entries):
            for entry in entries.values():
                yield from axes_used(entry.value)


def fill(node: Node, axes: Mapping[str, Node], step: str) -> Node:
    """Return the node with axes and the step's name in place; parts that refer to neither are shared.

    A text that is one reference becomes the axis's value of any kind; inside text it becomes text.

    Raises:
        NoSuchPartError: for a part that the axis's value does not have. Axes are known to be there.
    """
    match node:
        case ScalarNode(value=str(text)) if "${" in text:
            return _filled(node, text, axes, step)
        case SequenceNode(items=items):
            new = tuple(fill(item, axes, step) for item in items)
            return node if all(a is b for a, b in zip(new, items, strict=True)) else replace(node, items=new)
        case MappingNode(entries=entries):
            changed = {
                key: Entry(entry.key_span, value)
                for key, entry in entries.items()
                if (value := fill(entry.value, axes, step)) is not entry.value
            }
            return replace(node, entries={**entries, **changed}) if changed else node
        case _:
            return node


def named(text: str, step: str) -> str:
    """Return a text with the step's name in place."""
    return _NAME.sub(lambda _: step, text)


def _filled(node: ScalarNode, text: str, axes: Mapping[str, Node], step: str) -> Node:
    whole = _AXIS.fullmatch(text)
    if whole is not None:
        value = _value(whole, axes)
        return replace(value, span=node.span, origin=value.origin or value.span)
    new = _AXIS.sub(lambda found: spell(plain(_value(found, axes))), named(text, step))
    return node if new == text else replace(node, value=new)


def _value(found: re.Match[str], axes: Mapping[str, Node]) -> Node:
    value: Node | None = axes[found[1]]
    for key in found[2].split(".")[1:]:
        value = value.get(key) if isinstance(value, MappingNode) else None
        if value is None:
            raise NoSuchPartError(found[1], found[0])
    assert value is not None
    return value

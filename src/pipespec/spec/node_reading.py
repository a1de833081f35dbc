"""Reading nodes of any shape: what is not of the wanted kind reads as absent.

`schema` has told of every wrong kind before; so `build_spec` can go on with what is sound, and all mistakes of a
file are found in one go.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["entries", "flag", "items", "number", "text", "whole_number"]

_NONE: Mapping[str, Entry] = {}


def entries(node: Node | None) -> Mapping[str, Entry]:
    """Return a mapping's entries, none for anything else."""
    return node.entries if isinstance(node, MappingNode) else _NONE


def items(node: Node | None) -> tuple[Node, ...]:
    """Return a list's items, none for anything else."""
    return node.items if isinstance(node, SequenceNode) else ()


def text(node: Node | None) -> str | None:
    """Return a text."""
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else None


def flag(node: Node | None, default: bool) -> bool:  # noqa: FBT001 - the value where none stands
    """Return true or false, also one that a reference brought in as text."""
    value = node.value if isinstance(node, ScalarNode) else None
    return default if value is None else value is True or value == "true"


def number(node: Node | None) -> int | float | None:
    """Return a number."""
    value = node.value if isinstance(node, ScalarNode) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole_number(node: Node | None) -> int | None:
    """Return a whole number, also one that a reference brought in as text (`${env:WORKERS}`) or as `2.0`."""
    if (found := text(node)) is not None:
        return int(found) if found.isascii() and found.isdigit() else None
    value = number(node)
    return int(value) if value is not None and float(value).is_integer() else None

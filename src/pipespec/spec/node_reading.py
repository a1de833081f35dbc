"""Read nodes of any structure. A node of the wrong kind counts as absent.

`schema` has already reported every wrong kind. Therefore, `build_spec` can continue with the valid parts, and all
mistakes in a file are found in one pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["entries", "flag", "items", "number", "text", "whole_number"]

_NONE: Mapping[str, Entry] = {}


def entries(node: Node | None) -> Mapping[str, Entry]:
    """Return a mapping's entries, or none for anything else."""
    return node.entries if isinstance(node, MappingNode) else _NONE


def items(node: Node | None) -> tuple[Node, ...]:
    """Return a list's items, or none for anything else."""
    return node.items if isinstance(node, SequenceNode) else ()


def text(node: Node | None) -> str | None:
    """Return a text."""
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else None


def flag(node: Node | None, default: bool) -> bool:  # noqa: FBT001 - the value if none is given
    """Return true or false. A reference may also provide it as text."""
    value = node.value if isinstance(node, ScalarNode) else None
    return default if value is None else value is True or value == "true"


def number(node: Node | None) -> int | float | None:
    """Return a number."""
    value = node.value if isinstance(node, ScalarNode) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole_number(node: Node | None) -> int | None:
    """Return a whole number. A reference may also provide it as text (`${env:WORKERS}`), and `2.0` is accepted."""
    if (found := text(node)) is not None:
        return int(found) if found.isascii() and found.isdigit() else None
    value = number(node)
    return int(value) if value is not None and float(value).is_integer() else None

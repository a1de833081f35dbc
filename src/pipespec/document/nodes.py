"""The tree between text and meaning: scalars, sequences and mappings that contain their place.

Every node has the span where it is written and, after interpolation, the span that set its value (`origin`). Nodes are
frozen. A changed tree is a new tree that shares the unchanged parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias, assert_never

from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = [
    "JSON",
    "Entry",
    "MappingNode",
    "Node",
    "Scalar",
    "ScalarNode",
    "SequenceNode",
    "plain",
    "set_at",
    "walk",
]

Scalar: TypeAlias = str | int | float | bool | None
JSON: TypeAlias = Scalar | list["JSON"] | dict[str, "JSON"]


@frozen
class ScalarNode:
    """A text, number, bool or null.

    `text` is how it was written, if that differs from the value (a plain `3.10`, `no`), otherwise None. `origin` is
    where the value was set, if a reference took it from there. `quoted` distinguishes `"5"` from `5`. `asked` marks a
    text that comes from the environment (`${env:N}`, or its default). If a number is needed, such a text is read as a
    number.
    """

    value: Scalar
    span: Span
    text: str | None = None
    quoted: bool = False
    asked: bool = False
    origin: Span | None = None


@frozen
class SequenceNode:
    """A list; `items` in order."""

    items: tuple[Node, ...]
    span: Span
    origin: Span | None = None


@frozen
class Entry:
    """One key of a mapping: its place and its value."""

    key_span: Span
    value: Node


@frozen
class MappingNode:
    """A mapping; `entries` in the order of the text. Keys are unique strings."""

    entries: Mapping[str, Entry]
    span: Span
    origin: Span | None = None

    def get(self, key: str) -> Node | None:
        """Return the value of `key`, or None if there is no such key."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


def set_at(node: Node) -> Span:
    """Return the place that set a node's value: where it is written, or where a reference took it from."""
    return node.origin or node.span


def plain(node: Node) -> JSON:
    """Return the node's value as plain JSON types, without places."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode(items=items):
            return [plain(item) for item in items]
        case MappingNode(entries=entries):
            return {key: plain(entry.value) for key, entry in entries.items()}
        case _:
            assert_never(node)


def walk(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """Yield every node with its path of keys and positions, a parent before its children, in order."""
    yield path, node
    match node:
        case SequenceNode(items=items):
            for position, item in enumerate(items):
                yield from walk(item, (*path, position))
        case MappingNode(entries=entries):
            for key, entry in entries.items():
                yield from walk(entry.value, (*path, key))
        case ScalarNode():
            return

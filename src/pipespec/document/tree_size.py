"""The size of a tree if everything shared in it were written out. Shared parts are visited once.

Takes nodes and returns numbers. They may be very large, because nothing is expanded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["Measure", "Measures"]


class Measure(NamedTuple):
    """The number of nodes, of characters in texts and keys, and of levels. A scalar has no level."""

    nodes: int
    characters: int
    levels: int


class Measures:
    """Measures trees that share parts. Every measured collection must live as long as this object."""

    def __init__(self) -> None:
        self._known: dict[int, Measure] = {}

    def of(self, node: Node) -> Measure:
        """Measure `node`. If trees are built bottom-up, its children are already known."""
        if isinstance(node, ScalarNode):
            return Measure(1, len(node.value) if isinstance(node.value, str) else 0, 0)
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = self._collection(node)
        return known

    def copied(self, node: Node, original: Node) -> None:
        """Record that `node` differs from `original`, which has been measured, only in its place."""
        if not isinstance(node, ScalarNode):
            self._known[id(node)] = self.of(original)

    def _collection(self, node: SequenceNode | MappingNode) -> Measure:
        if isinstance(node, SequenceNode):
            return _sum(0, map(self.of, node.items))
        return _sum(sum(map(len, node.entries)), (self.of(entry.value) for entry in node.entries.values()))


def _sum(characters: int, parts: Iterable[Measure]) -> Measure:
    nodes, levels = 1, 0
    for part in parts:
        nodes += part.nodes
        characters += part.characters
        levels = max(levels, part.levels)
    return Measure(nodes, characters, levels + 1)

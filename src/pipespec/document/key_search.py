"""Find a key in a tree that a user wrote at another place: `epochs` is at `params.model.epochs`.

Takes a mapping and a key. Returns the path of the uppermost key with this name, or None. Examines a few thousand keys
at most.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from pipespec.document.nodes import MappingNode, Node

__all__ = ["find_key", "single_keys"]

_MOST: Final = 2_000


def find_key(tree: MappingNode, key: str) -> tuple[str, ...] | None:
    """Return the keys that lead to the uppermost `key`, including `key` itself as the last."""
    waiting: deque[tuple[tuple[str, ...], MappingNode]] = deque([((), tree)])
    seen = 0
    while waiting and seen < _MOST:
        path, node = waiting.popleft()
        if key in node.entries:
            return (*path, key)
        seen += len(node.entries) + 1
        below = ((name, entry.value) for name, entry in node.entries.items())
        waiting.extend(((*path, name), value) for name, value in below if isinstance(value, MappingNode))
    return None


def single_keys(key: str, node: Node) -> list[str]:
    """Return a key and the keys below it that have no siblings, as `--set a.b.c=1` gives them."""
    keys = [key]
    while isinstance(node, MappingNode) and len(node.entries) == 1:
        ((below, entry),) = node.entries.items()
        keys.append(below)
        node = entry.value
    return keys

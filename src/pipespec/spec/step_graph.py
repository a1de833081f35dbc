"""Order, cycles and reach in a graph of names, as a mapping from each name to those it waits for (`upstream`).

Names in `upstream`'s values that are no keys of it are left out of account. All is iterative and linear in names
and edges, so a chain of 10,000 steps is no deeper than one of two.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

__all__ = ["Upstream", "ancestors", "descendants", "find_cycle", "topological_order"]

Upstream: TypeAlias = Mapping[str, Sequence[str]]


def topological_order(upstream: Upstream) -> tuple[str, ...]:
    """Order names so that each follows all that it waits for; of those that are ready the first of the file goes first.

    Raises:
        ValueError: where there is a cycle (`find_cycle` says which).
    """
    position = {name: number for number, name in enumerate(upstream)}
    waits_for = {name: len({up for up in ups if up in position}) for name, ups in upstream.items()}
    downstream = _reversed(upstream)
    ready = [position[name] for name, count in waits_for.items() if count == 0]
    names = list(upstream)
    order: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for down in downstream[name]:
            waits_for[down] -= 1
            if waits_for[down] == 0:
                heapq.heappush(ready, position[down])
    if len(order) < len(names):
        raise ValueError("the graph has a cycle, so there is no order")
    return tuple(order)


def find_cycle(upstream: Upstream) -> tuple[str, ...] | None:
    """Return one cycle as a path from each name to one that it waits for, the first repeated at the end, or None.

    It begins at that of its names that stands first in the file.
    """
    done: set[str] = set()
    for start in upstream:
        if start not in done and (cycle := _cycle_from(start, upstream, done)) is not None:
            first = min(cycle, key={name: number for number, name in enumerate(upstream)}.__getitem__)
            turn = cycle.index(first)
            return (*cycle[turn:], *cycle[:turn], first)
    return None


def _cycle_from(start: str, upstream: Upstream, done: set[str]) -> list[str] | None:
    """Walk up depth first; a name met again while still on the path closes a cycle."""
    path, on_path = [start], {start}
    pending = [iter(upstream[start])]
    while pending:
        name = next(pending[-1], None)
        if name is None:
            pending.pop()
            left = path.pop()
            on_path.discard(left)
            done.add(left)
        elif name in on_path:
            return path[path.index(name) :]
        elif name in upstream and name not in done:
            path.append(name)
            on_path.add(name)
            pending.append(iter(upstream[name]))
    return None


def ancestors(upstream: Upstream, names: Iterable[str]) -> frozenset[str]:
    """Return all that these names wait for, near and far, without themselves unless one waits for another."""
    return _reached(upstream, names)


def descendants(upstream: Upstream, names: Iterable[str]) -> frozenset[str]:
    """Return all that wait for these names, near and far, without themselves unless one waits for another."""
    return _reached(_reversed(upstream), names)


def _reached(edges: Mapping[str, Iterable[str]], names: Iterable[str]) -> frozenset[str]:
    reached: set[str] = set()
    pending = [near for name in names for near in edges.get(name, ())]
    while pending:
        name = pending.pop()
        if name not in reached and name in edges:
            reached.add(name)
            pending.extend(edges[name])
    return frozenset(reached)


def _reversed(upstream: Upstream) -> Mapping[str, Sequence[str]]:
    downstream: dict[str, list[str]] = {name: [] for name in upstream}
    for name, ups in upstream.items():
        for up in dict.fromkeys(ups):
            if up in downstream:
                downstream[up].append(name)
    return downstream

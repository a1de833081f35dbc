"""Order, cycles and reachability in a graph of names. The graph is a mapping from each name to those it waits for (`upstream`).

Names in the values of `upstream` that are not keys are ignored. All functions are iterative and linear in the number of
names and edges, so a chain of 10,000 steps needs no more stack than a chain of two.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

__all__ = ["Upstream", "ancestors", "descendants", "find_cycle", "topological_order"]

Upstream: TypeAlias = Mapping[str, Sequence[str]]


def topological_order(upstream: Upstream) -> tuple[str, ...]:
    """Order names so that each follows all that it waits for. Among those that are ready, the first in the file comes first.

    Raises:
        ValueError: if there is a cycle (`find_cycle` says which).
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
    """Return one cycle as a path from each name to one that it waits for, with the first repeated at the end, or None.

    It begins at the name in the cycle that comes first in the file.
    """
    done: set[str] = set()
    for start in upstream:
        if start not in done and (cycle := _cycle_from(start, upstream, done)) is not None:
            first = min(cycle, key={name: number for number, name in enumerate(upstream)}.__getitem__)
            turn = cycle.index(first)
            return (*cycle[turn:], *cycle[:turn], first)
    return None


def _cycle_from(start: str, upstream: Upstream, done: set[str]) -> list[str] | None:
    """Walk upwards, depth first. A name that is reached again while it is still on the path closes a cycle."""
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
    """Return all direct and indirect upstream names, without the given names unless one waits for another."""
    return _reached(upstream, names)


def descendants(upstream: Upstream, names: Iterable[str]) -> frozenset[str]:
    """Return all direct and indirect downstream names, without the given names unless one waits for another."""
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

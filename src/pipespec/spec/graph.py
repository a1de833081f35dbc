"""Order of steps: from "waits for" edges to one topological order, one cycle, all ancestors.

Takes a mapping from each id to the ids that it waits for. Nothing recurses, and all is linear in ids and edges.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["ancestors", "find_cycle", "topological_order"]


def topological_order(upstream: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Order ids so that each follows all that it waits for; ties keep the order of the mapping, level by level.

    Every id that is waited for must be a key, and there must be no cycle (`find_cycle` says).
    """
    missing = {step: len(set(above)) for step, above in upstream.items()}
    followers = _followers(upstream)
    order = [step for step, count in missing.items() if count == 0]
    for step in order:  # grows while it is read
        for follower in followers.get(step, ()):
            missing[follower] -= 1
            if missing[follower] == 0:
                order.append(follower)
    if len(order) != len(upstream):
        raise ValueError("a cycle has no topological order")
    return tuple(order)


def find_cycle(upstream: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    """Return one cycle, each id waiting for the next and the first repeated at the end, or None.

    Ids that are waited for but are no keys have no upstream.
    """
    done: set[str] = set()
    for start in upstream:
        path: dict[str, int] = {}
        trail: list[tuple[str, list[str]]] = []
        step: str | None = start
        while step is not None or trail:
            if step is not None:
                if step in path:
                    return (*list(path)[path[step] :], step)
                if step not in done:
                    path[step] = len(path)
                    trail.append((step, list(upstream.get(step, ()))[::-1]))
            step = None
            if trail and trail[-1][1]:
                step = trail[-1][1].pop()
            elif trail:
                finished, _ = trail.pop()
                del path[finished]
                done.add(finished)
    return None


def ancestors(upstream: Mapping[str, Sequence[str]], ids: Iterable[str]) -> frozenset[str]:
    """Return all that these ids wait for, directly or not; an id itself only where another of them waits for it."""
    found: set[str] = set()
    frontier: Collection[str] = tuple(ids)
    while frontier:
        frontier = {above for step in frontier for above in upstream.get(step, ())} - found
        found |= frontier
    return frozenset(found)


def _followers(upstream: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    followers: dict[str, list[str]] = {}
    for step, above in upstream.items():
        for one in dict.fromkeys(above):
            followers.setdefault(one, []).append(step)
    return followers

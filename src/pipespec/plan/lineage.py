"""From what a run's outputs were produced, and what was produced from them: runs are nodes, what they read are edges. Pure.

An edge means that a run reads an output of another run, of any pipeline, or external data. If a later run of a step
produced the same content again, everything that read the output of the earlier run also counts as produced from the
later one.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pipespec.display import Displayed
from pipespec.frozen_values import frozen
from pipespec.plan.store_name import StoreName

__all__ = ["Lineage", "LineageEdge", "LineageRun", "OutsideData", "downstream"]


@frozen
class LineageRun:
    """One run of a step. `state` is `finished`, `deleted` (in MLflow), or `gone` if only its id is known."""

    run_id: str
    step: str = ""
    pipeline: str = ""
    state: str = "finished"
    ended: float | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    """The beginning of each output's digest."""
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    call: str = ""
    commit: str = ""
    seconds: float | None = None
    experiment_id: str = ""
    models: tuple[str, ...] = ()
    """Versions of registered models that were created from it: `news-classifier/3 @champion`."""


@frozen
class OutsideData:
    """Data that no run produced, as a pipeline names it, with the beginning of its digest."""

    path: str
    digest: str


@frozen
class LineageEdge:
    """The run `reader` had `output` of the run `source`, or external data, as an argument."""

    source: str | OutsideData
    output: str
    argument: str
    reader: str


@dataclass(frozen=True, repr=False)
class Lineage(Displayed):
    """The lineage of the run `root`. `above` are the edges that lead to it, `below` those that start from it."""

    root: str
    runs: Mapping[str, LineageRun]
    store: StoreName
    above: tuple[LineageEdge, ...] = ()
    below: tuple[LineageEdge, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def edges(self) -> tuple[LineageEdge, ...]:
        """All edges, each once."""
        return tuple(dict.fromkeys((*self.above, *self.below)))


def downstream(
    root: str, runs: Mapping[str, LineageRun], edges: Iterable[LineageEdge], same: Mapping[str, Iterable[str]]
) -> tuple[LineageEdge, ...]:
    """Return the edges below a run, level by level. `same` maps an edge's source to the runs that produced the same content again."""
    readers: defaultdict[str, list[LineageEdge]] = defaultdict(list)
    for edge in edges:
        if isinstance(edge.source, str) and edge.reader in runs:
            readers[edge.source].append(edge)
    found: dict[LineageEdge, None] = {}
    seen, waiting = {root}, deque([root])
    while waiting:
        run_id = waiting.popleft()
        for twin in dict.fromkeys((run_id, *same.get(run_id, ()))):
            for edge in readers[twin]:
                if twin != run_id and not _is_same(runs, run_id, twin, edge.output):
                    continue
                found[LineageEdge(run_id, edge.output, edge.argument, edge.reader)] = None
                if edge.reader not in seen:
                    seen.add(edge.reader)
                    waiting.append(edge.reader)
    return tuple(found)


def _is_same(runs: Mapping[str, LineageRun], one: str, other: str, output: str) -> bool:
    here, there = (runs[each].outputs.get(output) if each in runs else None for each in (one, other))
    return here is not None and here == there

"""What every picture draws: nodes, the edges between them, and their states.

Takes a `PipelineSpec` and, optionally, the state of each id (`complete`, `stale`, `missing`, `running`, `failed`,
`interrupted`), which determines its colour. Static pictures draw many variants of one step as one node, so that they
remain legible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.views.state_words import FILLS

__all__ = ["Edge", "GraphPicture", "Node", "edges_between", "make_picture"]

_MOST_VARIANTS: Final = 8


@frozen
class Node:
    """What is drawn as one node: a step, or all variants of one."""

    name: str
    ids: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The node as an input would name it: an id, or `train[*]` for all variants."""
        return self.name if len(self.ids) == 1 else f"{self.name}[*]"

    @property
    def label(self) -> str:
        """The reference, and the number of variants that it means."""
        return self.name if len(self.ids) == 1 else f"{self.reference}, {len(self.ids)} variants"


@frozen
class Edge:
    """`reader` waits for `source`. `outputs` are what it reads; empty if only the order counts."""

    source: str
    reader: str
    outputs: tuple[str, ...]


@frozen
class GraphPicture:
    """Nodes by name in the order of the pipeline, and the edges between them."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    states: Mapping[str, str]

    def state_of(self, node: Node) -> str | None:
        """Return the most important state among those of a node, or None if none is known."""
        found = {self.states.get(step_id) for step_id in node.ids}
        return next((state for state in FILLS if state in found), None)

    def remarks(self, node: Node) -> list[str]:
        """The number of variants that a node represents, and its states: one word, or the number of each."""
        count = Counter(self.states[step_id] for step_id in node.ids if step_id in self.states)
        if len(node.ids) == 1:
            return list(count)
        return [
            f"{len(node.ids)} variants",
            *(f"{count[state]} {state}" for state in FILLS if count[state]),
        ]


def make_picture(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> GraphPicture:
    """Return what is drawn of a pipeline."""
    count = Counter(step.name for step in spec.steps.values())
    ids: dict[str, list[str]] = {}
    for step_id, step in spec.steps.items():
        ids.setdefault(step.name if count[step.name] > _MOST_VARIANTS else step_id, []).append(step_id)
    nodes = {name: Node(name, tuple(together)) for name, together in ids.items()}
    drawn_as = {step_id: name for name, together in ids.items() for step_id in together}
    return GraphPicture(nodes, edges_between(spec, drawn_as), states or {})


def edges_between(spec: PipelineSpec, drawn_as: Mapping[str, str]) -> tuple[Edge, ...]:
    """Join the edges between the same two nodes. An edge within one node is not drawn."""
    handed_on: dict[tuple[str, str], dict[str, None]] = {}
    for step_id, step in spec.steps.items():
        for above in spec.upstream[step_id]:
            handed_on.setdefault((drawn_as[above], drawn_as[step_id]), {})
        for producer, output in _reads(step):
            handed_on.setdefault((drawn_as[producer], drawn_as[step_id]), {})[output] = None
    return tuple(
        Edge(source, reader, tuple(outputs))
        for (source, reader), outputs in handed_on.items()
        if source != reader
    )


def _reads(step: StepSpec) -> Iterator[tuple[str, str]]:
    """Yield (id, output) for everything that a step's inputs and axes read from other steps."""
    for source in (*step.step_inputs, *(axis.source for axis in step.listed)):
        output = (source.output or "") + (f"/{source.part}" if source.part else "")
        yield from ((producer, output) for producer in source.producers)

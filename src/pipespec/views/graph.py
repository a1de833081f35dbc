"""The steps of a pipeline and what they hand on: a text tree, Mermaid, DOT, JSON.

Takes a `PipelineSpec`, and optionally the state of each id (`complete`, `stale`, `missing`, `running`,
`failed`), which colours it. Pictures draw the many variants of one step as one node, so that they stay legible;
JSON has every variant. Whatever a name holds, it stays text in each format.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipespec.spec.model import PipelineSpec, StepInput, StepSpec
from pipespec.views.terminal import printable

__all__ = ["render_text", "to_dot", "to_json", "to_mermaid"]

_MOST_VARIANTS: Final = 8
_DEEPEST: Final = 24
"""Levels that a text tree is indented; what is deeper has a tree of its own, so that chains stay legible."""

_COLOURS: Final = {
    "failed": "#f4b6b6",
    "running": "#b6d4f4",
    "missing": "#e4e4e4",
    "stale": "#f7e3a1",
    "complete": "#bfe5bf",
}
"""By state, the one that matters most first: it colours a node of several variants."""

_BRANCH, _LAST, _BAR, _BLANK = "├─ ", "└─ ", "│  ", "   "
_NOT_PLAIN: Final = re.compile(r"[^\w .,=()/-]")


@dataclass(frozen=True, slots=True)
class _Node:
    """What is drawn as one: a step, or all variants of one."""

    name: str
    ids: tuple[str, ...]

    @property
    def reference(self) -> str:
        """As an input would name it: an id, or `train[*]` for all variants."""
        return self.name if len(self.ids) == 1 else f"{self.name}[*]"

    @property
    def label(self) -> str:
        return self.name if len(self.ids) == 1 else f"{self.reference}, {len(self.ids)} variants"


@dataclass(frozen=True, slots=True)
class _Edge:
    """`reader` waits for `source`; `outputs` are what it reads, empty where only the order counts."""

    source: str
    reader: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Picture:
    """Nodes by name in the order of the pipeline, and the edges between them."""

    nodes: Mapping[str, _Node]
    edges: tuple[_Edge, ...]
    states: Mapping[str, str]

    def state_of(self, node: _Node) -> str | None:
        found = {self.states.get(step_id) for step_id in node.ids}
        return next((state for state in _COLOURS if state in found), None)

    def remarks(self, node: _Node) -> list[str]:
        """How many variants a node stands for, and its states: one word, or the number of each."""
        count = Counter(self.states[step_id] for step_id in node.ids if step_id in self.states)
        if len(node.ids) == 1:
            return list(count)
        return [
            f"{len(node.ids)} variants",
            *(f"{count[state]} {state}" for state in _COLOURS if count[state]),
        ]


def render_text(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> str:
    """Draw trees from the steps that nothing reads down to what they need; a step is drawn once, then named."""
    picture = _picture(spec, states)
    needs: dict[str, list[_Edge]] = {name: [] for name in picture.nodes}
    for edge in picture.edges:
        needs[edge.reader].append(edge)
    read = {edge.source for edge in picture.edges}
    drawn: set[str] = set()
    lines: list[str] = []
    # All nodes come second for those in a circle, which variants drawn as one can make.
    for roots in ([name for name in picture.nodes if name not in read], list(picture.nodes)):
        for root in roots:  # grows by the steps that are too deep to be drawn where they are needed
            if root not in drawn:
                roots.extend(_draw_tree(root, picture, needs, drawn, lines))
    return "\n".join(lines)


def to_mermaid(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> str:
    """Write a Mermaid flowchart from what is needed to what needs it; order alone is a dotted arrow."""
    picture = _picture(spec, states)
    names = {name: f"n{number}" for number, name in enumerate(picture.nodes)}
    lines = ["flowchart LR"]
    for name, node in picture.nodes.items():
        state = picture.state_of(node)
        lines.append(f'  {names[name]}["{_mermaid(node.label)}"]{f":::{state}" if state else ""}')
    for edge in picture.edges:
        arrow = f'-->|"{_mermaid(", ".join(edge.outputs))}"|' if edge.outputs else "-.->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.reader]}")
    if picture.states:
        lines.extend(f"  classDef {state} fill:{colour},color:#000" for state, colour in _COLOURS.items())
    return "\n".join(lines)


def to_dot(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> str:
    """Write a Graphviz digraph from what is needed to what needs it; order alone is a dashed arrow."""
    picture = _picture(spec, states)
    names = {name: f"n{number}" for number, name in enumerate(picture.nodes)}
    lines = [
        f'digraph "{_dot(spec.name)}" {{',
        "  rankdir=LR",
        '  node [shape=box, style="rounded,filled", fillcolor=white]',
    ]
    for name, node in picture.nodes.items():
        state = picture.state_of(node)
        colour = f', fillcolor="{_COLOURS[state]}"' if state else ""
        lines.append(f'  {names[name]} [label="{_dot(node.label)}"{colour}]')
    for edge in picture.edges:
        style = f'label="{_dot(", ".join(edge.outputs))}"' if edge.outputs else "style=dashed"
        lines.append(f"  {names[edge.source]} -> {names[edge.reader]} [{style}]")
    return "\n".join([*lines, "}"])


def to_json(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the shape of `schemas/graph.schema.json`: every variant, and an edge for each pair of them."""
    return {
        "version": 1,
        "pipeline": spec.name,
        "steps": [
            {
                "step": step_id,
                "name": step.name,
                "variant": dict(step.variant),
                "call": str(step.call),
                "outputs": list(step.outputs),
                "tags": list(step.tags),
                "state": (states or {}).get(step_id),
            }
            for step_id, step in spec.steps.items()
        ],
        "edges": [
            {
                "from": edge.source,
                "to": edge.reader,
                "kind": "data" if edge.outputs else "order",
                "outputs": list(edge.outputs),
            }
            for edge in _edges(spec, {step_id: step_id for step_id in spec.steps})
        ],
    }


def _picture(spec: PipelineSpec, states: Mapping[str, str] | None) -> _Picture:
    count = Counter(step.name for step in spec.steps.values())
    ids: dict[str, list[str]] = {}
    for step_id, step in spec.steps.items():
        ids.setdefault(step.name if count[step.name] > _MOST_VARIANTS else step_id, []).append(step_id)
    nodes = {name: _Node(name, tuple(together)) for name, together in ids.items()}
    drawn_as = {step_id: name for name, together in ids.items() for step_id in together}
    return _Picture(nodes, _edges(spec, drawn_as), states or {})


def _edges(spec: PipelineSpec, drawn_as: Mapping[str, str]) -> tuple[_Edge, ...]:
    """Join the edges between the same two nodes; an edge within one node is not drawn."""
    handed_on: dict[tuple[str, str], dict[str, None]] = {}
    for step_id, step in spec.steps.items():
        for above in spec.upstream[step_id]:
            handed_on.setdefault((drawn_as[above], drawn_as[step_id]), {})
        for producer, output in _reads(step):
            handed_on.setdefault((drawn_as[producer], drawn_as[step_id]), {})[output] = None
    return tuple(
        _Edge(source, reader, tuple(outputs))
        for (source, reader), outputs in handed_on.items()
        if source != reader
    )


def _reads(step: StepSpec) -> Iterator[tuple[str, str]]:
    """Yield (id, output) for all that a step's inputs and axes read from other steps."""
    for source in (*(spec.source for spec in step.inputs.values()), *step.deferred.values()):
        if isinstance(source, StepInput):
            output = (source.output or "") + (f"/{source.part}" if source.part else "")
            yield from ((producer, output) for producer in source.producers)


def _draw_tree(
    root: str, picture: _Picture, needs: Mapping[str, Sequence[_Edge]], drawn: set[str], lines: list[str]
) -> list[str]:
    """Write one tree, depth first without recursion, and return the steps that were too deep for it."""
    too_deep: list[str] = []
    pending: list[tuple[str, tuple[str, ...] | None, str, str]] = [(root, None, "", "")]
    while pending:
        name, outputs, branch, indent = pending.pop()
        node = picture.nodes[name]
        remarks = picture.remarks(node)
        if name in drawn and needs[name]:
            remarks.append("see above")
        elif len(indent) > _DEEPEST * len(_BLANK) and needs[name]:
            remarks.append("see below")
            too_deep.append(name)
        elif name not in drawn:
            drawn.add(name)
            last = len(needs[name]) - 1
            pending.extend(
                (
                    edge.source,
                    edge.outputs,
                    indent + (_LAST if number == last else _BRANCH),
                    indent + (_BLANK if number == last else _BAR),
                )
                for number, edge in reversed(list(enumerate(needs[name])))
            )
        lines.append(branch + _line(node, outputs, remarks))
    return too_deep


def _line(node: _Node, outputs: Sequence[str] | None, remarks: list[str]) -> str:
    """Spell a step as the reference that reads it: `titles.ids`, `train[*].{model, scores}`, or after `order only`."""
    text = node.reference
    match outputs:
        case None:
            pass
        case []:
            remarks = [*remarks, "order only"]
        case [one]:
            text += f".{one}"
        case _:
            text += f".{{{', '.join(outputs)}}}"
    return printable(text + (f"  ({', '.join(remarks)})" if remarks else ""))


def _mermaid(text: str) -> str:
    """Write all but letters, digits and a few marks as Mermaid's numbered entities, which it never reads as syntax."""
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", printable(text))


def _dot(text: str) -> str:
    """Escape for a quoted string of DOT, in which Graphviz reads backslashes and HTML's entities."""
    text = printable(text)
    for character, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "\\\\"), ('"', '\\"')):
        text = text.replace(character, escape)
    return text

"""The graph of a pipeline's steps in DOT, for Graphviz."""

from __future__ import annotations

from collections.abc import Mapping

from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.views.graph.graph_picture import make_picture
from pipespec.views.state_words import FILLS
from pipespec.views.terminal_text import printable

__all__ = ["to_dot"]


def to_dot(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> str:
    """Write a Graphviz digraph with edges from what is needed to what needs it. If only the order counts, the arrow is dashed."""
    picture = make_picture(spec, states)
    names = {name: f"n{number}" for number, name in enumerate(picture.nodes)}
    lines = [
        f'digraph "{_dot(spec.name)}" {{',
        "  rankdir=LR",
        '  node [shape=box, style="rounded,filled", fillcolor=white]',
    ]
    for name, node in picture.nodes.items():
        state = picture.state_of(node)
        colour = f', fillcolor="{FILLS[state]}"' if state else ""
        lines.append(f'  {names[name]} [label="{_dot(node.label)}"{colour}]')
    for edge in picture.edges:
        style = f'label="{_dot(", ".join(edge.outputs))}"' if edge.outputs else "style=dashed"
        lines.append(f"  {names[edge.source]} -> {names[edge.reader]} [{style}]")
    return "\n".join([*lines, "}"])


def _dot(text: str) -> str:
    """Escape a text for a quoted string of DOT, in which Graphviz interprets backslashes and HTML entities."""
    text = printable(text)
    for character, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "\\\\"), ('"', '\\"')):
        text = text.replace(character, escape)
    return text

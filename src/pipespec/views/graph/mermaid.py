"""The graph of a pipeline's steps as a Mermaid flowchart, for Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.views.graph.graph_picture import make_picture
from pipespec.views.state_words import FILLS
from pipespec.views.terminal_text import printable

__all__ = ["to_mermaid"]

_NOT_PLAIN: Final = re.compile(r"[^\w .,=()/-]")


def to_mermaid(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> str:
    """Write a Mermaid flowchart with edges from what is needed to what needs it. If only the order counts, the arrow is dotted."""
    picture = make_picture(spec, states)
    names = {name: f"n{number}" for number, name in enumerate(picture.nodes)}
    lines = ["flowchart LR"]
    for name, node in picture.nodes.items():
        state = picture.state_of(node)
        lines.append(f'  {names[name]}["{_mermaid(node.label)}"]{f":::{state}" if state else ""}')
    for edge in picture.edges:
        arrow = f'-->|"{_mermaid(", ".join(edge.outputs))}"|' if edge.outputs else "-.->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.reader]}")
    if picture.states:
        lines.extend(f"  classDef {state} fill:{colour},color:#000" for state, colour in FILLS.items())
    return "\n".join(lines)


def _mermaid(text: str) -> str:
    """Write everything except letters, digits and a few other characters as numbered entities, which Mermaid never reads as syntax."""
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", printable(text))

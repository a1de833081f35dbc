"""The graph of a pipeline's steps as trees for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.views.graph.graph_picture import Edge, GraphPicture, Node, make_picture
from pipespec.views.state_words import state_word
from pipespec.views.styled_text import joined
from pipespec.views.terminal_text import printable

__all__ = ["render_text"]

_DEEPEST: Final = 24
"""Maximum number of levels by which a text tree is indented. Deeper steps have their own tree, so that chains remain legible."""

_BRANCH, _LAST, _BAR, _BLANK = "├─ ", "└─ ", "│  ", "   "


def render_text(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> str:
    """Draw trees from the steps that nothing reads down to what they need. A step is drawn once, and later only named."""
    picture = make_picture(spec, states)
    needs: dict[str, list[Edge]] = {name: [] for name in picture.nodes}
    for edge in picture.edges:
        needs[edge.reader].append(edge)
    read = {edge.source for edge in picture.edges}
    drawn: set[str] = set()
    lines: list[str] = []
    # After these, all nodes, for those in a circle, which can arise when variants are drawn as one.
    for roots in ([name for name in picture.nodes if name not in read], list(picture.nodes)):
        for root in roots:  # grows by the steps that are too deep to be drawn where they are needed
            if root not in drawn:
                roots.extend(_draw_tree(root, picture, needs, drawn, lines))
    return joined("\n", lines)


def _draw_tree(
    root: str, picture: GraphPicture, needs: Mapping[str, Sequence[Edge]], drawn: set[str], lines: list[str]
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
        lines.append(joined("", [branch, _line(node, outputs, remarks)]))
    return too_deep


def _line(node: Node, outputs: Sequence[str] | None, remarks: list[str]) -> str:
    """Format a step as the reference that reads it: `titles.ids`, `train[*].{model, scores}`, or after `order only`."""
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
    if not remarks:
        return printable(text)
    told = joined(", ", (state_word(printable(remark)) for remark in remarks))
    return joined("", [printable(text), "  (", told, ")"])

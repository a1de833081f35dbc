"""The graph of a pipeline's steps as a stand-alone SVG: no scripts, no external files, with its own style for light and dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from pipespec.errors import UsageError
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.views.graph.graph_layout import Box, Layout, lay_out
from pipespec.views.graph.graph_picture import Edge, GraphPicture, Node, make_picture
from pipespec.views.html_page import package_text, render_template
from pipespec.views.state_words import FILLS, MARKS
from pipespec.views.terminal_text import columns_of, cut, printable

__all__ = ["to_svg"]

_HEIGHT: Final = 46
_LEAST: Final = 96
_BESIDE: Final = 33
"""Space that a text leaves free at its sides."""

_NAME_COLUMN, _NOTE_COLUMN = 8.1, 7.0
"""The width of a column in the font of each line.

Chinese and Japanese characters take two columns. Fonts differ, so these are the widths of wide ones.
"""

_MOST_COLUMNS: Final = 30
_MOST_NODES: Final = 1_000
_MARGIN: Final = 16


def to_svg(spec: PipelineSpec, states: Mapping[str, str] | None = None) -> str:
    """Draw from left to right. A step with many variants is one node; if only the order counts, the line is dashed.

    Raises:
        UsageError: for more nodes than people can view, and if the package for the layout is not installed.
    """
    picture = make_picture(spec, states)
    if len(picture.nodes) > _MOST_NODES:
        raise UsageError(
            f"{len(picture.nodes):,} steps are too many for a picture, which can contain {_MOST_NODES:,}; "
            "use '--format html', which shows the steps around a step"
        )
    lines = {name: _lines(node, picture, spec) for name, node in picture.nodes.items()}
    sizes = {name: (_width(*texts), float(_HEIGHT)) for name, texts in lines.items()}
    layout = lay_out(sizes, [(edge.source, edge.reader) for edge in picture.edges])
    return render_template(
        "graph/picture.svg.j2",
        title=printable(spec.name),
        colours=Markup(package_text("colours.css")),  # noqa: S704 - our own file
        left=-_MARGIN,
        width=layout.width + 2 * _MARGIN,
        height=layout.height + 2 * _MARGIN,
        nodes=[_node(node, lines[name], layout.boxes[name], picture) for name, node in picture.nodes.items()],
        frames=layout.frames,
        edges=_edges(picture, layout),
    )


def _lines(node: Node, picture: GraphPicture, spec: PipelineSpec) -> tuple[str, str]:
    """A node's name and, below it, its state, the states of its variants, or its function."""
    count = Counter(picture.states[step] for step in node.ids if step in picture.states)
    states = [
        f"{MARKS[state]} {state}" if len(node.ids) == 1 else f"{MARKS[state]} {count[state]} {state}"
        for state in FILLS
        if count[state]
    ]
    note = "  ".join(states) or str(spec.steps[node.ids[0]].call)
    return cut(printable(_name(node)), _MOST_COLUMNS), cut(printable(note), _MOST_COLUMNS)


def _name(node: Node) -> str:
    return node.name if len(node.ids) == 1 else f"{node.name} \u00d7{len(node.ids)}"


def _width(name: str, note: str) -> float:
    text = max(columns_of(name) * _NAME_COLUMN, columns_of(note) * _NOTE_COLUMN)
    return round(max(_LEAST, text + _BESIDE), 1)


def _node(node: Node, lines: tuple[str, str], box: Box, picture: GraphPicture) -> dict[str, Any]:
    remarks = ", ".join(picture.remarks(node))
    return {
        "box": box,
        "name": lines[0],
        "note": lines[1],
        "state": picture.state_of(node) or "",
        "folded": len(node.ids) > 1,
        "title": printable(_name(node)) + (f" ({remarks})" if remarks else ""),
    }


def _edges(picture: GraphPicture, layout: Layout) -> list[dict[str, Any]]:
    return [
        {"path": path, "order": not edge.outputs, "title": _title(edge), "tip": _tip(path)}
        for edge, path in zip(picture.edges, layout.paths, strict=True)
    ]


def _tip(path: str) -> str:
    """The end of a path, which it always reaches horizontally from the left: `1 2C3 4 5 6 7 8H9` -> `9 8`."""
    before, _, x = path.rpartition("H")
    return f"{x} {before.rpartition(' ')[2]}"


def _title(edge: Edge) -> str:
    return printable(f"{edge.source} → {edge.reader}: {', '.join(edge.outputs) or 'order only'}")

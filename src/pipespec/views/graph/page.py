"""The steps of a pipeline as one self-contained HTML page, drawn and laid out in the reader's browser."""

from __future__ import annotations

from typing import Final

from pipespec.views.graph.portrait import Portrait, to_json
from pipespec.views.page import render_page
from pipespec.views.terminal import printable

__all__ = ["GRAPH_SCRIPTS", "GRAPH_STYLES", "to_html"]

GRAPH_STYLES: Final = ("graph/graph.css",)
GRAPH_SCRIPTS: Final = (
    "vendor/dagre.js",
    "graph/layout.js",
    "graph/model.js",
    "graph/draw.js",
    "graph/viewport.js",
    "graph/panel.js",
    "graph/walk.js",
    "graph/graph.js",
)
"""What a page has to hold so that `new GraphView(element, graph)` draws the shape of `schemas/graph.schema.json`."""


def to_html(portrait: Portrait) -> str:
    """Return the page: it asks for nothing, and opens offline."""
    spec = portrait.spec
    return render_page(
        "graph/graph.html.j2",
        title=f"{printable(spec.name)}: graph",
        data={"graph": to_json(portrait)},
        styles=(*GRAPH_STYLES, "graph/page.css"),
        scripts=(*GRAPH_SCRIPTS, "graph/page.js"),
        heading=printable(spec.name),
        description="\n".join(map(printable, (spec.description or "").splitlines())),
    )

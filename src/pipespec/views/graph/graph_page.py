"""The graph of a pipeline's steps as one self-contained HTML page, with the layout computed in the reader's browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipespec.views.graph.portrait import Portrait, to_json
from pipespec.views.html_page import render_page
from pipespec.views.terminal_text import number_text, printable, seconds_text

__all__ = ["GRAPH_SCRIPTS", "GRAPH_STYLES", "page_data", "to_html"]

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
"""What a page must contain so that `new GraphView(element, graph)` draws the structure of `schemas/graph.schema.json`."""


def page_data(graph: Any) -> dict[str, Any]:
    """Return the structure of `schemas/graph.schema.json`, with the times and metrics of runs as a page shows them."""
    return {**graph, "steps": [{**step, "run": _shown_run(step["run"])} for step in graph["steps"]]}


def _shown_run(run: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if run is None:
        return None
    metrics = {
        name: "not finite" if value is None else number_text(value) for name, value in run["metrics"].items()
    }
    took = None if run["seconds"] is None else seconds_text(run["seconds"])
    return {**run, "shown": {"took": took, "metrics": metrics}}


def to_html(portrait: Portrait) -> str:
    """Return the page. It loads nothing, and opens offline."""
    spec = portrait.spec
    return render_page(
        "graph/graph.html.j2",
        title=f"{printable(spec.name)}: graph",
        data={"graph": page_data(to_json(portrait))},
        styles=(*GRAPH_STYLES, "graph/page.css"),
        scripts=(*GRAPH_SCRIPTS, "graph/page.js"),
        heading=printable(spec.name),
        description="\n".join(map(printable, (spec.description or "").splitlines())),
    )

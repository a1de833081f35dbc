"""Lineage as one self-contained HTML page: the picture of `graph`, in which each box is a run.

Takes a `Lineage`. Returns a page that loads nothing.
"""

from __future__ import annotations

import math
from typing import Any, Final

from pipespec.plan.lineage import Lineage, LineageRun, OutsideData
from pipespec.views.graph.graph_page import GRAPH_SCRIPTS, GRAPH_STYLES, page_data
from pipespec.views.html_page import render_page
from pipespec.views.lineage_view import run_text
from pipespec.views.mlflow_links import run_url, ui_command
from pipespec.views.terminal_text import age_text, printable

__all__ = ["to_html"]

_STATES: Final = {"finished": "complete", "failed": "failed", "running": "running"}


def to_html(found: Lineage, *, now: float) -> str:
    """Return the page. `now` is in POSIX seconds."""
    root = found.runs[found.root]
    return render_page(
        "graph/graph.html.j2",
        title=f"{printable(run_text(root))}: lineage",
        data={"graph": page_data(_graph(found, now))},
        styles=(*GRAPH_STYLES, "graph/page.css"),
        scripts=(*GRAPH_SCRIPTS, "graph/page.js"),
        heading=f"Lineage of {printable(_name(root))}",
        description="\n".join(found.notes),
    )


def _name(run: LineageRun) -> str:
    return f"{run_text(run)} {run.run_id[:8]}"


def _graph(found: Lineage, now: float) -> dict[str, Any]:
    """Return the structure of `schemas/graph.schema.json`, with runs instead of steps."""
    outside = dict.fromkeys(edge.source for edge in found.edges if isinstance(edge.source, OutsideData))
    names: dict[str | OutsideData, str] = {run_id: _name(run) for run_id, run in found.runs.items()}
    names |= {data: f"{data.path} {data.digest[:8]}" for data in outside}
    edges: dict[tuple[str, str], list[str]] = {}
    for edge in found.edges:
        edges.setdefault((names[edge.source], names[edge.reader]), []).append(edge.output or edge.argument)
    return {
        "version": 1,
        "pipeline": run_text(found.runs[found.root]),
        "steps": [
            *(_outside(data, names[data]) for data in outside),
            *(_step(found, run, names, now) for run in found.runs.values()),
        ],
        "edges": [
            {"from": source, "to": reader, "kind": "data", "outputs": list(dict.fromkeys(outputs))}
            for (source, reader), outputs in edges.items()
        ],
    }


def _step(found: Lineage, run: LineageRun, names: dict[str | OutsideData, str], now: float) -> dict[str, Any]:
    read = {edge.argument: names[edge.source] for edge in found.edges if edge.reader == run.run_id}
    age = "" if run.ended is None else f"ended {age_text(max(now - run.ended, 0.0))}"
    url = run_url(found.store.uri, run.experiment_id, run.run_id)
    commit = f"commit {run.commit[:12]}" if run.commit else ""
    return {
        **_box(names[run.run_id]),
        "call": run.call,
        "description": "\n".join(
            line for line in (run.state if run.state != "finished" else "", age, commit, *run.models) if line
        ),
        "params": {
            name: {"value": value, "file": "MLflow", "line": 0, "layer": "set"}
            for name, value in run.params.items()
        },
        "inputs": read,
        "outputs": list(run.outputs),
        "files": {name: f"sha256 {digest}" for name, digest in run.outputs.items()},
        "state": _STATES.get(run.state, "missing"),
        "run": {
            "run_id": run.run_id,
            "seconds": run.seconds,
            "metrics": {name: value if math.isfinite(value) else None for name, value in run.metrics.items()},
            "url": url,
            "open": None if url else ui_command(found.store.uri),
        },
    }


def _outside(data: OutsideData, name: str) -> dict[str, Any]:
    return {**_box(name), "description": f"data from outside, sha256 {data.digest}"}


def _box(name: str) -> dict[str, Any]:
    return {
        "step": name,
        "name": name,
        "variant": {},
        "call": "",
        "place": None,
        "description": None,
        "params": {},
        "inputs": {},
        "outputs": [],
        "files": {},
        "tags": [],
        "state": None,
        "run": None,
    }

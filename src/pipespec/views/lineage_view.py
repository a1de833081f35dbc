"""Lineage as text, Mermaid and JSON.

Takes a `Lineage`. As text, it is a tree in each direction. What was already shown is only named again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from pipespec.plan.lineage import Lineage, LineageEdge, LineageRun, OutsideData
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.terminal_text import age_text, printable

__all__ = ["render_text", "run_text", "to_json", "to_mermaid"]

_MOST_LINES: Final = 500
"""Maximum number of lines of a tree that are shown. JSON contains all."""


def render_text(found: Lineage, *, now: float) -> str:
    """Show the run, from what it was produced, and what was produced from it."""
    lines = [_line(found.runs[found.root], now)]
    if found.above:
        lines += ["", "made of:", *_tree(found, _sources(found.above), now)]
    if found.below:
        lines += ["", "used by:", *_tree(found, _readers(found.below), now)]
    if not found.edges:
        lines += ["", "nothing is recorded above or below it"]
    return "\n".join([*lines, "", *found.notes, name_of_store(found.store)])


_Below = Callable[[str], Sequence[tuple[str | OutsideData, str]]]


def _sources(edges: Sequence[LineageEdge]) -> _Below:
    """Return a function for the things that a run read, each with the output and the argument."""
    read: defaultdict[str, dict[tuple[str | OutsideData, str], None]] = defaultdict(dict)
    for edge in edges:
        read[edge.reader][edge.source, _through(edge)] = None
    return lambda run_id: list(read.get(run_id, ()))


def _readers(edges: Sequence[LineageEdge]) -> _Below:
    """Return a function for the runs that read a run."""
    readers: defaultdict[str, dict[tuple[str | OutsideData, str], None]] = defaultdict(dict)
    for edge in edges:
        assert isinstance(edge.source, str)
        readers[edge.source][edge.reader, _through(edge)] = None
    return lambda run_id: list(readers.get(run_id, ()))


def _through(edge: LineageEdge) -> str:
    if not edge.output:
        return edge.argument
    return edge.output if edge.output == edge.argument else f"{edge.output} as {edge.argument}"


def _tree(found: Lineage, below: _Below, now: float) -> Iterator[str]:
    shown: set[str] = set()
    waiting = [(found.root, 0, "")]
    count = 0
    while waiting:
        run_id, depth, through = waiting.pop()
        told = f"  ({printable(through)})" if through else ""
        if depth:
            count += 1
            if count > _MOST_LINES:
                yield "  ... --format json has all of it"
                return
            again = bool(below(run_id)) and run_id in shown
            yield f"{'  ' * depth}{_line(found.runs[run_id], now)}{told}{'  ...' if again else ''}"
            if again:
                continue
        shown.add(run_id)
        for source, name in reversed(below(run_id)):
            if isinstance(source, str):
                waiting.append((source, depth + 1, name))
        for source, name in below(run_id):
            if isinstance(source, OutsideData):
                yield f"{'  ' * (depth + 1)}{printable(source.path)}  sha256 {source.digest}  ({printable(name)})"


def _line(run: LineageRun, now: float) -> str:
    age = "" if run.ended is None else f"  {age_text(max(now - run.ended, 0.0))}"
    state = "" if run.state == "finished" else f"  {run.state}"
    models = f"  registered: {', '.join(run.models)}" if run.models else ""
    return f"{printable(run_text(run))}  run {run.run_id[:8]}{age}{state}{printable(models)}"


def run_text(run: LineageRun) -> str:
    """Return the subject of a run: `news/train`, or just `run` if it is not known."""
    return f"{run.pipeline}/{run.step}" if run.step else "run"


def to_mermaid(found: Lineage) -> str:
    """Return a flowchart in which runs are boxes and external data are cylinders."""
    names: dict[str | OutsideData, str] = {}
    lines = ["flowchart LR"]
    for run in found.runs.values():
        names[run.run_id] = f"r{run.run_id[:12]}"
        models = "".join(f"<br>{_escaped(model)}" for model in run.models)
        label = f"{_escaped(run_text(run))}<br>{run.run_id[:8]}{models}"
        lines.append(f'  {names[run.run_id]}["{label}"]')
    for edge in found.edges:
        if isinstance(edge.source, OutsideData) and edge.source not in names:
            names[edge.source] = f"d{len(names)}"
            lines.append(f'  {names[edge.source]}[("{_escaped(edge.source.path)}")]')
    lines += [
        f'  {names[edge.source]} -->|"{_escaped(_through(edge))}"| {names[edge.reader]}'
        for edge in found.edges
    ]
    lines.append(f"  style {names[found.root]} stroke-width:3px")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return a text as a label from which it cannot break out."""
    return "".join(c if c.isalnum() or c in " ._-/=:,*" else f"#{ord(c)};" for c in printable(text))


def to_json(found: Lineage) -> dict[str, Any]:
    """Return the structure of `schemas/lineage.schema.json`."""
    return {
        "version": 1,
        "run_id": found.root,
        "runs": [_run_json(run) for run in found.runs.values()],
        "up": [_edge_json(edge) for edge in found.above],
        "down": [_edge_json(edge) for edge in found.below],
        "notes": list(found.notes),
    }


def _run_json(run: LineageRun) -> Mapping[str, Any]:
    return {
        "run_id": run.run_id,
        "step": run.step or None,
        "pipeline": run.pipeline or None,
        "state": run.state,
        "ended": run.ended,
        "commit": run.commit or None,
        "outputs": dict(run.outputs),
        **({"models": list(run.models)} if run.models else {}),
    }


def _edge_json(edge: LineageEdge) -> Mapping[str, Any]:
    source: Mapping[str, Any] = (
        {"external": asdict(edge.source)}
        if isinstance(edge.source, OutsideData)
        else {"run_id": edge.source, "output": edge.output}
    )
    return {**source, "argument": edge.argument, "reader": edge.reader}

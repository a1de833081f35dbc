"""What a pipeline says beside its steps: where MLflow keeps records, how a run goes about it, who is told."""

from __future__ import annotations

from collections.abc import Mapping

from pipespec.document.nodes import MappingNode, Node, plain
from pipespec.document.resolvers import Scope
from pipespec.document.scalars import spell
from pipespec.spec.findings import Findings
from pipespec.spec.model import EngineSpec, MlflowSpec, Notice
from pipespec.spec.placeholders import fill, is_open
from pipespec.spec.reading import entries, items, text, whole_number
from pipespec.spec.spelling import shown

__all__ = [
    "read_engine",
    "read_experiment",
    "read_mlflow",
    "read_notify",
    "read_resources",
]


def read_experiment(document: MappingNode, pipeline: str, step: str, found: Findings) -> str:
    """Return the experiment of a step's runs: `<pipeline>/<step>` where nothing else is said."""
    stated = entries(document.get("mlflow")).get("experiment")
    if stated is None or not text(stated.value):
        return f"{pipeline}/{step}"
    return text(fill(stated.value, Scope(document, step), found)) or ""


def read_mlflow(node: Node | None, found: Findings) -> MlflowSpec:
    """Return where records go."""
    below = entries(node)

    def written(key: str) -> str | None:
        return text(below[key].value) if key in below else None

    tags = below["tags"].value if "tags" in below else None
    _needs_mapping(tags, "'mlflow.tags'", found)
    return MlflowSpec(
        written("tracking_uri"),
        written("artifact_location"),
        {key: spell(plain(entry.value)) for key, entry in entries(tags).items()},
    )


def read_engine(node: Node | None, found: Findings) -> EngineSpec:
    """Return how a run goes about it."""
    below = entries(node)

    def value(key: str) -> Node | None:
        return below[key].value if key in below else None

    keep_going = value("keep_going")
    return EngineSpec(
        workers=whole_number(value("workers")),
        executor=text(value("executor")) or "local",
        scheduler=text(value("scheduler")),
        keep_going=keep_going is not None and spell(plain(keep_going)) == "true",
        resources=read_resources(value("resources"), "'engine.resources'", found),
    )


def read_resources(node: Node | None, subject: str, found: Findings) -> Mapping[str, int]:
    """Return amounts by name, what is none left out; `subject` begins a message."""
    _needs_mapping(node, subject, found)
    amounts = {name: whole_number(entry.value) for name, entry in entries(node).items()}
    return {name: amount for name, amount in amounts.items() if amount is not None and amount >= 0}


def _needs_mapping(node: Node | None, subject: str, found: Findings) -> None:
    """Tell of a reference that stands for a mapping and turned out to be text."""
    if node is not None and is_open(node):
        message = f"{subject} is {shown(text(node))}, which is text and no mapping"
        found.error("wrong-kind", message, node.span)


def read_notify(node: Node | None) -> tuple[Notice, ...]:
    """Return who is told."""
    notices = []
    for item in items(node):
        below = entries(item)
        if "url" in below:
            ends = (
                tuple(word for end in items(below["on"].value) if (word := text(end)))
                if "on" in below
                else ()
            )
            notices.append(Notice(below["url"].value, ends or Notice(below["url"].value).on))
    return tuple(notices)

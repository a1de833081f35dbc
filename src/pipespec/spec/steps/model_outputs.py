"""Outputs that are MLflow models: `flavor`, `example` and `register` beside the name of a folder.

Takes the mapping of an output and returns a `ModelOutput`. Refuses names that MLflow's registry does not accept, and
outputs that cannot be a model: a file, or a value that a function of the user saves.
"""

from __future__ import annotations

from pipespec.document.nodes import MappingNode, Node, ScalarNode, set_at
from pipespec.document.wording import quote
from pipespec.spec.node_reading import text
from pipespec.spec.placeholders import is_open
from pipespec.spec.registered_models import (
    FLAVORS,
    ModelOutput,
    Registration,
    alias_problem,
    model_name_problem,
)
from pipespec.spec.spec_findings import SpecFindings

__all__ = ["read_model"]


def read_model(node: MappingNode, subject: str, file: str, found: SpecFindings) -> ModelOutput | None:
    """Return how an output is saved as a model, or None if it is not a model or its settings are wrong."""
    flavor = node.get("flavor")
    said = text(flavor)
    if flavor is None or said is None or said not in FLAVORS:
        return None  # reported by the schema
    if not file.endswith("/"):
        message = (
            f"{subject} has flavor {quote(said)}, which is saved as a folder, but is the file {quote(file)}"
        )
        hint = f"write 'file: {file.partition('.')[0]}/'"
        found.error("model-format", message, node.entries["file"].value.span, hint)
        return None
    save = node.get("save")
    if text(save) is not None and save is not None:
        message = f"{subject} has flavor {quote(said)} and is saved by the function {quote(str(text(save)))}"
        hint = "remove one of them; with a flavor, 'save' has options of MLflow's save_model"
        found.error("model-format", message, save.span, hint)
        return None
    example = node.get("example")
    return ModelOutput(
        said,
        flavor.span,
        text(example),
        None if example is None else example.span,
        _registration(node.get("register"), subject, found),
    )


def _registration(node: Node | None, subject: str, found: SpecFindings) -> Registration | None:
    if node is None:
        return None
    below = node.get("name") if isinstance(node, MappingNode) else node
    aliased = node.get("alias") if isinstance(node, MappingNode) else None
    name, alias = text(below), text(aliased)
    if below is None or name is None:
        return None
    for one, judge in ((below, model_name_problem), (aliased, alias_problem)):
        if (
            isinstance(one, ScalarNode)
            and not is_open(one)
            and (problem := judge(str(one.value))) is not None
        ):
            message = f"{subject} is registered as {quote(name)}, which {problem}"
            hint = "write for example 'register: {name: news-classifier, alias: champion}'"
            found.error("model-name", message, set_at(one), hint)
            return None
    return Registration(name, alias, set_at(below))

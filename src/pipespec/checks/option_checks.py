"""Checks of `options`: their names, and the params that they set."""

from __future__ import annotations

from collections.abc import Iterator

from pipespec.checks.check_context import CheckContext
from pipespec.document.nodes import MappingNode, Node
from pipespec.document.wording import did_you_mean, quote
from pipespec.errors import Diagnostic
from pipespec.spec.node_reading import entries, text
from pipespec.spec.run_options import OWN_OPTIONS, is_option_name, param_at

__all__ = ["options_named", "options_set_params"]


def options_named(context: CheckContext) -> Iterator[Diagnostic]:
    """Report options with a name that an option cannot have, or that pipespec uses itself."""
    for name, entry in entries(context.spec.document.get("options")).items():
        if not is_option_name(name):
            message = f"{quote(name)} cannot be the name of an option"
            hint = "use two or more lower-case letters, digits and '-', starting with a letter, for example 'since-day'"
        elif name in OWN_OPTIONS:
            message = f"'--{name}' is an option of pipespec itself"
            hint = "choose another name"
        else:
            continue
        yield Diagnostic("option-name", message, entry.key_span, hint)


def options_set_params(context: CheckContext) -> Iterator[Diagnostic]:
    """Report options that do not set a param of the pipeline."""
    document = context.spec.document
    for name, entry in entries(document.get("options")).items():
        path = text(entry.value)
        if path is not None and path.startswith("params.") and param_at(document, path) is None:
            message = f"option {quote(name)} sets {quote(path)}, which is no param of the pipeline"
            hint = did_you_mean(path, list(_paths(document.get("params"), "params")))
            yield Diagnostic(
                "unknown-reference",
                message,
                entry.value.span,
                hint or f"add it: '{path}', or change the option",
            )


def _paths(node: Node | None, path: str) -> Iterator[str]:
    if isinstance(node, MappingNode):
        for key, entry in node.entries.items():
            yield f"{path}.{key}"
            yield from _paths(entry.value, f"{path}.{key}")

"""Advice on texts that are references in the language of another tool. A function gets such a text unchanged."""

from __future__ import annotations

from collections.abc import Iterator

from pipespec.checks.assignability import find_misfit
from pipespec.checks.check_context import CheckContext
from pipespec.document.interpolation.foreign_references import with_references
from pipespec.document.nodes import Node, ScalarNode, walk
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Severity
from pipespec.python.signature import CallableSource
from pipespec.spec.pipeline_spec import StepSpec

__all__ = ["foreign_references", "reference_hint"]


def reference_hint(text: object, context: CheckContext) -> str | None:
    """Return the reference in our spelling, or None if the text is not a reference."""
    mended = (
        with_references(text, context.spec.document) if isinstance(text, str) and "${" not in text else None
    )
    return None if mended is None else f"a reference is written {mended}"


def foreign_references(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise our references instead of those of other tools in params. If such a text does not fit, another check reports it."""
    shared = context.spec.document.get("params")
    if shared is not None:
        yield from _in("params", shared, context)
    for step in context.shared():
        for name, node in step.params.items():
            found = tuple(_in(f"param {quote(name)} of step {quote(step.name)}", node, context))
            if found and not _is_refused(name, node, step, context):
                yield from found


def _is_refused(name: str, node: Node, step: StepSpec, context: CheckContext) -> bool:
    source = context.callables.get(str(step.call))
    argument = source.argument(name) if isinstance(source, CallableSource) else None
    if argument is None or argument.annotation is None or not isinstance(source, CallableSource):
        return False
    return find_misfit(node, argument.annotation, source.definitions) is not None


def _in(subject: str, node: Node, context: CheckContext) -> Iterator[Diagnostic]:
    for _, inner in walk(node):
        if isinstance(inner, ScalarNode) and inner.origin is None:
            hint = reference_hint(inner.value, context)
            if hint is not None:
                message = f"{subject}: {quote(str(inner.value))} is text, not a reference"
                yield Diagnostic("foreign-reference", message, inner.span, hint, Severity.ADVICE)

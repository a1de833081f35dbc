"""Text with references: scalars that a step or a worker resolves later, and how values become text.

If a text still contains a `${`, the scalar has its template in `ScalarNode.text`: references that are resolved later as
written, a literal `${` as `$${`. `value` shows both as `${`. Takes nodes and pieces, and returns pieces and nodes.
Refuses a literal `${secret:`, because a worker could mistake it for a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pipespec.document.interpolation.interpolation_findings import InterpolationFindings
from pipespec.document.interpolation.reference_syntax import Piece, Reference, compose, parse
from pipespec.document.nodes import JSON, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.document.yaml.plain_scalars import spell
from pipespec.errors import Span

__all__ = ["Texts", "is_open", "is_unset", "part_span", "template_of"]


def is_open(node: Node) -> bool:
    """Return whether the node is a text that was interpolated before and still contains a `${`."""
    return (
        isinstance(node, ScalarNode)
        and node.text is not None
        and isinstance(node.value, str)
        and "${" in node.text
    )


def is_unset(node: Node) -> bool:
    """Return whether the node is a `???` that is an open value."""
    return isinstance(node, ScalarNode) and node.value == "???" and is_open(node)


def template_of(node: ScalarNode) -> str:
    """Return the text in which to look for references: the template if there is one, otherwise the value itself."""
    return node.text if node.text is not None and is_open(node) else str(node.value)


def part_span(node: ScalarNode, start: int, end: int) -> Span:
    """Return the place of `template_of(node)[start:end]`; of the whole text if the file spells it differently."""
    span, length = node.span, len(template_of(node))
    quote = 1 if node.quoted else 0
    as_written = span.line == span.end_line and span.end_column - span.column == length + 2 * quote
    if not as_written or end > length:
        return span
    column = span.column + quote
    return span._replace(column=column + start, end_column=column + end)


class Texts:
    """Creates texts from pieces, and pieces from values. `spelling` formats numbers, booleans and texts inside a text."""

    def __init__(self, findings: InterpolationFindings, spelling: Callable[[JSON], str]) -> None:
        self._findings = findings
        self._spelling = spelling

    def pieces(self, answer: Node | Reference, span: Span) -> Sequence[Piece]:
        """Split the value of a reference into pieces, for use inside the text at `span`."""
        if isinstance(answer, Reference):
            return (answer,)
        if isinstance(answer, ScalarNode):
            return parse(template_of(answer)) if is_open(answer) else (self._spelling(answer.value),)
        size = self._findings.measures.of(answer)
        self._findings.written(2 * size.nodes + size.characters, span)
        return parse(spell(_templates(answer)))

    def joined(self, node: ScalarNode, pieces: Sequence[Piece]) -> ScalarNode | None:
        """Return `node` with the pieces as its text; None if that is a mistake."""
        self._findings.written(sum(len(piece) for piece in pieces if isinstance(piece, str)), node.span)
        text, template = compose(pieces)
        if "$${secret:" in template:
            message = "the text would contain a literal '${secret:', which could be mistaken for a secret"
            self._findings.mistake(
                "literal-secret", message, node.span, "put a space after the '$', or remove it"
            )
            return None
        return replace(node, value=text, text=template if "${" in text else None)


def _templates(node: Node) -> JSON:
    match node:
        case SequenceNode(items=items):
            return [_templates(item) for item in items]
        case MappingNode(entries=entries):
            return {key: _templates(entry.value) for key, entry in entries.items()}
        case ScalarNode(value=str(text)):
            return template_of(node) if is_open(node) else text.replace("${", "$${")
        case ScalarNode(value=value):
            return value

"""`${matrix.axis}` and `${step.name}`: references whose value depends on the step that contains them.

The axes that a node refers to are found in its template. Everything else is done by
`document.interpolation.interpolate`, which is called once for each variant with the values of its axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipespec.document.interpolation.interpolate import interpolate_node
from pipespec.document.interpolation.reference_syntax import Piece, Reference, has_reference, parse
from pipespec.document.interpolation.resolver_interface import ReferenceScope
from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode
from pipespec.spec.spec_findings import SpecFindings

__all__ = ["axes_used", "fill", "is_open", "is_settled"]


def is_open(node: Node | None) -> bool:
    """Return whether a text contains a reference that is not resolved yet."""
    if not isinstance(node, ScalarNode) or "${" not in (node.text or ""):
        return False
    return has_reference(parse(node.text or ""))


def is_settled(node: Node | None) -> bool:
    """Return whether a node certainly contains nothing that is still to be resolved."""
    match node:
        case ScalarNode():
            return "${" not in (node.text or "")
        case SequenceNode(items=items):
            return all(map(is_settled, items))
        case MappingNode(entries=entries):
            return all(is_settled(entry.value) for entry in entries.values())
        case _:
            return True


def axes_used(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield each axis that a text in the node refers to, with that text's node."""
    match node:
        case ScalarNode(text=str(template)) if "matrix." in template:
            for axis in _axes(parse(template)):
                yield axis, node
        case SequenceNode(items=items):
            for item in items:
                yield from axes_used(item)
        case MappingNode(entries=entries):
            for entry in entries.values():
                yield from axes_used(entry.value)


def _axes(pieces: Sequence[Piece]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, Reference):
            first = piece.target[0]
            if piece.resolver is None and isinstance(first, str) and first.startswith("matrix."):
                yield first.split(".")[1]
            yield from _axes(piece.target)
            yield from _axes(piece.default or ())


def fill(node: Node, scope: ReferenceScope, found: SpecFindings) -> Node | None:
    """Return the node with the values that the step knows filled in. Report names that it does not know, and return None."""
    filled, problems = interpolate_node(node, scope)
    for problem in problems:
        found.add(problem)
    return None if problems else filled

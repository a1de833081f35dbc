"""Values that are known only where a rendered module runs: `${env:NAME, default}` -> `runtime.env("NAME", "default")`.

Takes resolved nodes whose references to the environment and to git were kept. Returns expressions. Secrets remain the
texts that are in a record: the step that gets one reads it when it runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from pipespec.document.interpolation.reference_syntax import Piece, Reference, parse
from pipespec.document.interpolation.text_templates import is_open, template_of
from pipespec.document.nodes import JSON, MappingNode, Node, ScalarNode, SequenceNode, walk
from pipespec.document.yaml.plain_scalars import spell
from pipespec.views.rendering.python_source import call, expressions, literal, sequence

__all__ = ["READABLE", "template_value", "value_of", "waiting"]

READABLE: Final = frozenset({"env", "oc.env", "git"})
"""The resolvers that a rendered module can call."""


def value_of(node: Node) -> ast.expr:
    """Return the expression of a node's value."""
    match node:
        case MappingNode(entries=entries):
            below = expressions({key: value_of(entry.value) for key, entry in entries.items()})
            return literal({}) if below is None else below
        case SequenceNode(items=items):
            return sequence(value_of(item) for item in items)
        case ScalarNode():
            if not is_open(node):
                return literal(node.value)
            value = template_value(template_of(node))
            return call("runtime.scalar", value) if node.asked else value


def template_value(template: str) -> ast.expr:
    """Return the expression of a text that may contain references."""
    return _joined(parse(template))


def waiting(node: Node) -> Iterator[tuple[tuple[str | int, ...], Node, Reference]]:
    """Yield the resolvers that a tree still needs, except secrets: path, scalar and reference."""
    for path, found in walk(node):
        if isinstance(found, ScalarNode) and is_open(found):
            for reference in _references(parse(template_of(found))):
                if reference.resolver not in (None, "secret"):
                    yield path, found, reference


def _references(pieces: Sequence[Piece]) -> Iterator[Reference]:
    for piece in pieces:
        if isinstance(piece, Reference):
            yield piece
            yield from _references(piece.default or ())


def _joined(pieces: Sequence[Piece]) -> ast.expr:
    """Return the expression of pieces. Adjacent texts are one, and a single piece is not joined."""
    parts: list[str | ast.expr] = []
    for piece in pieces:
        part = piece if isinstance(piece, str) else _read(piece)
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    made = [literal(part) if isinstance(part, str) else part for part in parts]
    match made:
        case []:
            return literal("")
        case [only]:
            return only
        case _:
            return call("runtime.text", *made)


def _read(reference: Reference) -> str | ast.expr:
    if reference.resolver not in READABLE:
        return reference.written
    (target,) = reference.target
    argument: JSON = target if isinstance(target, str) else spell(target.written)
    if reference.resolver == "git":
        return call("runtime.git", literal(argument))
    default = [] if reference.default is None else [_joined(reference.default)]
    return call("runtime.env", literal(argument), *default)

"""Removes passwords from URIs that are printed or recorded: `http://user:***@host`.

Takes a text, or a document. In a document, only the places that name servers are changed; params contain values of the
user, and secrets only as references.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.errors import Span

__all__ = ["hide_passwords", "without_passwords"]

_PASSWORD: Final = re.compile(r"(?<=://)([^\s/:?#'\"]*):(?!\$\{[^}]*\}@)[^\s/?#'\"]*@")
"""Of the URI's user and password; one that is a reference may stay."""

_SERVERS: Final = ("mlflow", "engine")


def without_passwords(text: str) -> str:
    """Return a text in which the passwords of URIs are `***`."""
    return _PASSWORD.sub(r"\1:***@", text) if "://" in text else text


def hide_passwords(document: MappingNode) -> MappingNode:
    """Return a document without the passwords of the servers that it names."""
    entries = dict(document.entries)
    for name in _SERVERS:
        if name in entries:
            entries[name] = replace(entries[name], value=_hidden(entries[name].value))
    return replace(document, entries=entries)


def _hidden(node: Node) -> Node:
    match node:
        case ScalarNode(value=str(value)):
            text = None if node.text is None else without_passwords(node.text)
            return replace(
                node,
                value=without_passwords(value),
                text=text,
                span=_place(node.span),
                origin=None if node.origin is None else _place(node.origin),
            )
        case SequenceNode(items=items):
            return replace(node, items=tuple(map(_hidden, items)))
        case MappingNode(entries=entries):
            below = {key: Entry(entry.key_span, _hidden(entry.value)) for key, entry in entries.items()}
            return replace(node, entries=below)
        case _:
            return node


def _place(span: Span) -> Span:
    """A value of the command line has the option, as it was typed, for its file."""
    return span._replace(file=without_passwords(span.file))

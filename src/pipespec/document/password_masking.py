"""Removes passwords from URIs that are printed or recorded: `http://user:***@host`.

Takes a text, or a document, or the texts of files with the document made from them. In a document, only the places that
name servers are changed. Params contain values of the user, and secrets only as references.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pipespec.document.nodes import (
    Entry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    set_at,
    walk,
)
from pipespec.errors import Span

__all__ = ["hide_passwords", "without_addresses", "without_passwords"]

_PASSWORD: Final = re.compile(r"(?<=://)([^\s/:?#'\"]*):(?!\$\{[^}]*\}@)[^\s/?#'\"]*@")
"""User and password of the URI. A password that is a reference may stay."""

_KEPT: Final = re.compile(r"(?P<kept>^['\"]?(?:\w+:/{0,2})?|\$\{[^}]*\}|['\"]$)|.", re.DOTALL)
"""Parts of a URL: the service, references, and quotes around it; otherwise one character at a time."""

_LINE_END: Final = re.compile(r"\r\n|\r|\n")

_SERVERS: Final = ("mlflow", "engine", "notify")


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


def without_addresses(sources: Mapping[str, str], document: MappingNode) -> Mapping[str, str]:
    """Return the texts of files with `*` instead of the URLs of `notify`, except for services and references.

    Such a URL is a password itself. The length of the texts does not change, so places in them remain correct.
    """
    notify = document.get("notify")
    shown = dict(sources)
    for path, node in walk(notify) if notify is not None else ():
        if path[1:] == ("url",) and isinstance(node, ScalarNode):
            place = set_at(node)
            if place.file in shown and place.line == place.end_line:
                shown[place.file] = _starred(shown[place.file], place)
    return shown


def _starred(text: str, place: Span) -> str:
    starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
    if place.line > len(starts):
        return text
    start, end = (starts[place.line - 1] + column - 1 for column in (place.column, place.end_column))
    return text[:start] + _KEPT.sub(_stars, text[start:end]) + text[end:]


def _stars(found: re.Match[str]) -> str:
    return "*" if found["kept"] is None else found["kept"]


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
    """The file of a value from the command line is the option as typed."""
    return span._replace(file=without_passwords(span.file))

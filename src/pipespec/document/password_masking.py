"""Removes passwords from URIs that are printed or recorded: `http://user:***@host`.

Takes a text, or a document, or the texts of files with the document that they make. In a document, only the places that name servers are changed; params contain values of the
user, and secrets only as references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
"""Of the URI's user and password; one that is a reference may stay."""

_KEPT: Final = re.compile(r"(?P<kept>^['\"]?(?:\w+:/{0,2})?|\$\{[^}]*\}|['\"]$)|.", re.DOTALL)
"""Of a URL: the service, references, and quotes around it; else one character at a time."""

_STARS: Final = re.compile(r"\*+")

_LINE_END: Final = re.compile(r"\r\n|\r|\n")

_SERVERS: Final = ("mlflow", "engine")
_NOTIFY: Final = "notify"
_URL: Final = "url"


def without_passwords(text: str) -> str:
    """Return a text in which the passwords of URIs are `***`."""
    return _PASSWORD.sub(r"\1:***@", text) if "://" in text else text


def hide_passwords(document: MappingNode) -> MappingNode:
    """Return a document without the passwords of the servers that it names, and without the URLs of `notify`.

    Of such a URL, which is a password itself, the service and references are left.
    """
    entries = dict(document.entries)
    for name in _SERVERS:
        if name in entries:
            entries[name] = replace(entries[name], value=_hidden(entries[name].value, without_passwords))
    if _NOTIFY in entries:
        entries[_NOTIFY] = replace(entries[_NOTIFY], value=_without_urls(entries[_NOTIFY].value))
    return replace(document, entries=entries)


def without_addresses(sources: Mapping[str, str], document: MappingNode) -> Mapping[str, str]:
    """Return the texts of files with `*` in place of what stands in the URLs of `notify`, but for services and references.

    Such a URL is a password itself. Nothing in the texts moves, so what is found in them stays where it is.
    """
    notify = document.get(_NOTIFY)
    shown = dict(sources)
    for path, node in walk(notify) if notify is not None else ():
        if path[1:] == (_URL,) and isinstance(node, ScalarNode):
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


def _without_urls(notify: Node) -> Node:
    match notify:
        case SequenceNode(items=items):
            return replace(notify, items=tuple(map(_without_urls, items)))
        case MappingNode(entries=entries):
            below = {
                key: Entry(
                    entry.key_span, _hidden(entry.value, _masked if key == _URL else without_passwords)
                )
                for key, entry in entries.items()
            }
            return replace(notify, entries=below)
        case _:
            return _hidden(notify, without_passwords)


def _masked(url: str) -> str:
    """Return the service of a URL and its references, with `***` for each piece of the rest."""
    return _STARS.sub("***", _KEPT.sub(_stars, url))


def _hidden(node: Node, mask: Callable[[str], str]) -> Node:
    match node:
        case ScalarNode(value=str(value)):
            text = None if node.text is None else mask(node.text)
            return replace(
                node,
                value=mask(value),
                text=text,
                span=_place(node.span),
                origin=None if node.origin is None else _place(node.origin),
            )
        case SequenceNode(items=items):
            return replace(node, items=tuple(_hidden(item, mask) for item in items))
        case MappingNode(entries=entries):
            below = {key: Entry(entry.key_span, _hidden(entry.value, mask)) for key, entry in entries.items()}
            return replace(node, entries=below)
        case _:
            return node


def _place(span: Span) -> Span:
    """A value of the command line has the option, as it was typed, for its file."""
    return span._replace(file=without_passwords(span.file))

"""Removes passwords from URIs that are printed or recorded: `http://user:***@host`.

Takes a text, or a document, or the texts of files with the document that they make. In a document, only the places that name servers are changed; params contain values of the
user, and secrets only as references.
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

__all__ = [
    "concerns_messages",
    "hide_passwords",
    "without_addresses",
    "without_passwords",
    "without_receivers",
]

_PASSWORD: Final = re.compile(r"(?<=://)([^\s/:?#'\"]*):(?!\$\{[^}]*\}@)[^\s/?#'\"]*@")
"""Of the URI's user and password; one that is a reference may stay."""

_KEPT: Final = re.compile(r"(?P<kept>^['\"]?(?:\w+:/{0,2})?|\$\{[^}]*\}|['\"]$)|.", re.DOTALL)
"""Of a URL: the service, references, and quotes around it; else one character at a time."""

_URL: Final = re.compile(r"\b\w+://(?:\$\{[^}]*\}|[^\s'\"])+?(?=[\]}),;]*(?:[\s'\"]|$))")
"""A URL in a message."""

_OPTION: Final = re.compile(r"((?:^|[\s'\"])[\w.$+-]*notif[^=\s]*=)(.*)", re.IGNORECASE | re.DOTALL)
"""An option that sets who is told, and its value."""

_LINE_END: Final = re.compile(r"\r\n|\r|\n")

_SERVERS: Final = ("mlflow", "engine", "notify")


def without_passwords(text: str) -> str:
    """Return a text in which the passwords of URIs are `***`."""
    return _PASSWORD.sub(r"\1:***@", text) if "://" in text else text


def concerns_messages(text: str) -> bool:
    """Tell whether a text is about `notify`, maybe misspelt: whose URLs are passwords themselves."""
    return "notif" in text.lower()


def without_receivers(text: str, *, everywhere: bool = False) -> str:
    """Return a text in which `*` stand for what an option gave to `notify`, or `everywhere` for what stands in URLs.

    Services, references and the places of all characters stay.
    """
    if option := _OPTION.search(text):
        starred = re.sub(r"[^\s'\"]", "*", option[2])
        return f"{text[: option.start()]}{option[1]}{starred}"
    return _URL.sub(lambda url: _KEPT.sub(_stars, url[0]), text) if everywhere and "://" in text else text


def hide_passwords(document: MappingNode) -> MappingNode:
    """Return a document without the passwords of the servers that it names, and without those who are told."""
    entries = dict(document.entries)
    for name in _SERVERS:
        if name in entries:
            entries[name] = _hidden_entry(name, entries[name], is_receiver=name == "notify")
    return replace(document, entries=entries)


def without_addresses(sources: Mapping[str, str], document: MappingNode) -> Mapping[str, str]:
    """Return the texts of files with `*` in place of what stands in the URLs of `notify`, but for services and references.

    Such a URL is a password itself. Nothing in the texts moves, so what is found in them stays where it is.
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


def _hidden_entry(key: str, entry: Entry, *, is_receiver: bool) -> Entry:
    value = entry.value
    if is_receiver and key == "url" and isinstance(value, ScalarNode) and isinstance(value.value, str):
        starred = _KEPT.sub(_stars, value.value)
        value = replace(value, value=starred, text=None if value.text is None else starred)
    return Entry(_place(entry.key_span), _hidden(value, is_receiver=is_receiver))


def _hidden(node: Node, *, is_receiver: bool) -> Node:
    def hidden(text: str) -> str:
        return without_receivers(without_passwords(text), everywhere=is_receiver)

    node = replace(node, span=_place(node.span), origin=node.origin and _place(node.origin))
    match node:
        case ScalarNode(value=str(value)):
            return replace(node, value=hidden(value), text=node.text and hidden(node.text))
        case SequenceNode(items=items):
            return replace(node, items=tuple(_hidden(item, is_receiver=is_receiver) for item in items))
        case MappingNode(entries=entries):
            below = {
                key: _hidden_entry(key, entry, is_receiver=is_receiver) for key, entry in entries.items()
            }
            return replace(node, entries=below)
        case _:
            return node


def _place(span: Span) -> Span:
    """A value of the command line has the option, as it was typed, for its file."""
    return span._replace(file=without_receivers(without_passwords(span.file)))

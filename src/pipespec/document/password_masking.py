"""Removes passwords from URIs that are printed or recorded: `http://user:***@host`.

Takes a text, or a document, or the text of a file. In a document, only the places that name servers are changed. Params contain
values of the user, and secrets only as references.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.errors import Span

__all__ = [
    "NOTIFY",
    "concerns_messages",
    "hide_passwords",
    "without_addresses",
    "without_passwords",
    "without_receivers",
    "without_urls",
]

_PASSWORD: Final = re.compile(r"(?<=://)([^\s/:?#'\"]*):(?!\$\{[^}]*\}@)[^\s/?#'\"]*@")
"""User and password of the URI. A password that is a reference may stay."""

_KEPT: Final = re.compile(r"(?P<kept>^[\s'\"\[{]*(?:\w+://)?|\$\{[^}$]*\}|\?{3}|[\s'\"\[\]{}]+)|.", re.DOTALL)
"""Parts of a URL: the service, references, `???`, quotes and brackets around it; otherwise one character at a time."""

_STARS: Final = re.compile(r"\*+")

_REST: Final = r"""(?:\$\{[^}]*\}|[^\s'"$]|\$(?!\{))+?(?=[\]}),;]*(?:[\s'"]|\Z))"""
"""What follows the service in a URL, up to a quote or a space. Brackets and commas before these do not belong to it."""

_ANY_URL: Final = re.compile(rf"\b\w+://{_REST}")
"""A URL in a text."""

_OPTION: Final = re.compile(r"((?:^|[\s'\"])[\w.$+-]*notif[^=\s]*=)(.*)", re.IGNORECASE | re.DOTALL)
"""An option that sets `notify`, and its value."""

_NOTICES: Final = re.compile(
    r"""(?:^|(?<=[{,]))[ \t]*["']?notify["']?[ \t]*[:=].*(?:\r?\n(?:[ \t#\]}-].*|(?=\r?\n)))*""", re.MULTILINE
)
"""The key `notify`, and the lines after it that are indented or items of a list."""

_ADDRESS: Final = re.compile(rf"(?<=://){_REST}")
"""A URL without its service."""

_URL_VALUE: Final = re.compile(
    r"""(\burl["']?[ \t]*:)(.*?)(?=,\s*["']?(?:on|template)\b|\n[ \t]*["']?(?:on|template)["']?[ \t]*:|\n[ \t]*-[ \t]|\Z)""",
    re.DOTALL,
)
"""The value of the key `url`, up to the next key or item."""

_SERVERS: Final = ("mlflow", "engine")
NOTIFY: Final = "notify"
"""The key with URLs that are passwords themselves."""
_URL: Final = "url"


def without_passwords(text: str) -> str:
    """Return a text in which the passwords of URIs are `***`."""
    return _PASSWORD.sub(r"\1:***@", text) if "://" in text else text


def concerns_messages(text: str) -> bool:
    """Return whether a text is about `notify`, which may be misspelt. The URLs of `notify` are passwords themselves."""
    return "notif" in text.lower()


def without_receivers(text: str, *, everywhere: bool = False) -> str:
    """Return a text with `*` instead of the value that an option sets for `notify` or, with `everywhere`, instead of all URLs.

    Services and references are kept. The length of the text does not change.
    """
    if option := _OPTION.search(text):
        starred = re.sub(r"[^\s'\"]", "*", option[2])
        return f"{text[: option.start()]}{option[1]}{starred}"
    return _ANY_URL.sub(lambda url: _KEPT.sub(_stars, url[0]), text) if everywhere and "://" in text else text


def hide_passwords(document: MappingNode) -> MappingNode:
    """Return a document without the passwords of the servers that it names, and without the URLs of `notify`.

    Such a URL is a password itself. Only its service and references are kept.
    """
    entries = dict(document.entries)
    for name in _SERVERS:
        if name in entries:
            entries[name] = replace(entries[name], value=_hidden(entries[name].value, without_passwords))
    if NOTIFY in entries:
        entries[NOTIFY] = replace(entries[NOTIFY], value=_without_urls(entries[NOTIFY].value))
    return replace(document, entries=entries)


def without_addresses(text: str) -> str:
    """Return the text of a file with `*` instead of passwords in URIs, and of URLs of `notify` except services and references.

    The file may have mistakes, so only its text is searched. The length of the text does not change, so places in it remain correct.
    """
    shown = _PASSWORD.sub(_starred_password, text) if "://" in text else text
    return _NOTICES.sub(_starred_notices, shown) if NOTIFY in shown else shown


def without_urls(text: str) -> str:
    """Return a text in which only the services of URLs are left."""
    return _ADDRESS.sub("***", text) if "://" in text else text


def _starred_password(found: re.Match[str]) -> str:
    user = found[1]
    return f"{user}:{'*' * (len(found[0]) - len(user) - 2)}@"


def _starred_notices(block: re.Match[str]) -> str:
    shown = _ADDRESS.sub(lambda address: _KEPT.sub(_stars, address[0]), block[0])
    return _URL_VALUE.sub(lambda found: found[1] + _KEPT.sub(_stars, found[2]), shown)


def _stars(found: re.Match[str]) -> str:
    return "*" if found["kept"] is None else found["kept"]


def _without_urls(notify: Node) -> Node:
    notify = _placed(notify)
    match notify:
        case SequenceNode(items=items):
            return replace(notify, items=tuple(map(_without_urls, items)))
        case MappingNode(entries=entries):
            below = {
                key: Entry(
                    _place(entry.key_span),
                    _hidden(entry.value, _masked if key == _URL else without_passwords),
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
    node = _placed(node)
    match node:
        case ScalarNode(value=str(value)):
            return replace(node, value=mask(value), text=None if node.text is None else mask(node.text))
        case SequenceNode(items=items):
            return replace(node, items=tuple(_hidden(item, mask) for item in items))
        case MappingNode(entries=entries):
            below = {
                key: Entry(_place(entry.key_span), _hidden(entry.value, mask))
                for key, entry in entries.items()
            }
            return replace(node, entries=below)
        case _:
            return node


def _placed(node: Node) -> Node:
    origin = None if node.origin is None else _place(node.origin)
    return replace(node, span=_place(node.span), origin=origin)


def _place(span: Span) -> Span:
    """Return a place without passwords: the file of a value from the command line is the option as it was typed."""
    return span._replace(file=without_receivers(without_passwords(span.file)))

r"""DVC's `${…}`: split from the text around it, resolved to a value, and formatted as DVC does.

    ${item.name}   ${models.us[0]}   \${not a template}

Takes texts and values, and returns texts. Refuses what names no value.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen

__all__ = ["Expression", "UnresolvedError", "is_scalar", "pieces", "resolve", "select", "spell_as_dvc"]

_EXPRESSION: Final = re.compile(r"(?<!\\)\$\{(?P<inner>.*?)\}", re.DOTALL)
_PARTS: Final = re.compile(r"[.\[\]]+")


class UnresolvedError(ValueError):
    """A template that names no value. The text is the template."""


@frozen
class Expression:
    """One template: the path that it names, and how it is written."""

    path: tuple[str, ...]
    written: str


Piece: TypeAlias = str | Expression


def pieces(text: str) -> Iterator[Piece]:
    """Split a text into literal text and templates."""
    end = 0
    for found in _EXPRESSION.finditer(text):
        if found.start() > end:
            yield text[end : found.start()].replace("\\${", "${")
        path = tuple(part for part in _PARTS.split(found["inner"].strip()) if part)
        yield Expression(path, found[0])
        end = found.end()
    if end < len(text):
        yield text[end:].replace("\\${", "${")


def select(values: Mapping[str, JSON], expression: Expression) -> JSON:
    """Return the value that a template names.

    Raises:
        UnresolvedError: if there is none.
    """
    found: JSON = dict(values)
    for part in expression.path:
        match found:
            case dict() if part in found:
                found = found[part]
            case list() if part.lstrip("-").isdecimal() and -len(found) <= int(part) < len(found):
                found = found[int(part)]
            case _:
                raise UnresolvedError(expression.written)
    if not expression.path:
        raise UnresolvedError(expression.written)
    return found


def resolve(text: str, values: Mapping[str, JSON]) -> str:
    """Return a text with the values that its templates name. Raises the same errors as `select`."""
    return "".join(
        piece if isinstance(piece, str) else spell_as_dvc(select(values, piece)) for piece in pieces(text)
    )


def is_scalar(value: JSON) -> bool:
    """Return whether a reference inside a text can represent a value."""
    return isinstance(value, str | int | float)


def spell_as_dvc(value: JSON) -> str:
    """Format a value as DVC does in a command: a mapping as options."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return " ".join(word for name, item in _leaves(value) for word in _option(name, item))
        case list():
            return str(value)
        case _:
            return str(value)


def _leaves(value: Mapping[str, JSON], above: str = "") -> Iterator[tuple[str, JSON]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(item, f"{above}{key}.")
        else:
            yield f"{above}{key}", item


def _option(name: str, value: JSON) -> Iterator[str]:
    match value:
        case bool():
            yield from (f"--{name}",) if value else ()
        case list():
            yield from _listed(name, value)
        case str():
            yield f"--{name} {shlex.quote(value)}"
        case _:
            yield f"--{name} {value}"


def _listed(name: str, items: Sequence[JSON]) -> Iterator[str]:
    words = [shlex.quote(item) if isinstance(item, str) else str(item) for item in items]
    if words:
        yield " ".join([f"--{name}", *words])

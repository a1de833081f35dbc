"""The grammar of `${...}`: splits text into literal pieces and references, and joins them again.

    text       literal | `$${`, a literal `${` | reference
    reference  `${` name `}` | `${` resolver `:` argument [`,` default] `}`     a default only for env

Name, argument and default may contain references, up to 8 levels deep. Braces in them must be balanced. Takes text and
returns pieces with their offsets. Refuses references that are not closed, empty or nested too deeply. `interpolate`
decides what a reference means, and `reference_rules` where it is allowed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from pipespec.document.wording import quote
from pipespec.frozen_values import frozen

__all__ = ["BadReferenceError", "Piece", "Reference", "compose", "has_reference", "parse"]

OPENING: Final = "${"
_MAX_NESTING: Final = 8
_SPECIAL: Final = re.compile(r"\$\$\{|\$\{|[{},]")
_RESOLVER: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*:")
_WITH_DEFAULT: Final = frozenset({"env", "oc.env"})


@frozen
class Reference:
    """One `${...}`. `start` and `end` are offsets in the text that was parsed.

    `resolver` is None for a name. `target` is the name, or the resolver's argument.
    """

    resolver: str | None
    target: tuple[Piece, ...]
    default: tuple[Piece, ...] | None
    written: str
    start: int
    end: int


Piece: TypeAlias = str | Reference


class BadReferenceError(ValueError):
    """A `${` that does not begin a reference: message, hint, and offsets of the wrong part."""

    def __init__(self, message: str, hint: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.start = start
        self.end = end


def has_reference(pieces: Iterable[Piece]) -> bool:
    """Return whether the pieces contain anything other than literal text."""
    return any(isinstance(piece, Reference) for piece in pieces)


def parse(text: str) -> tuple[Piece, ...]:
    """Split a text. Literals are unescaped and never empty. Raises `BadReferenceError` at the first mistake."""
    pieces, _ = _pieces(text, 0, nesting=0, stop_at_comma=False)
    return pieces


def compose(pieces: Sequence[Piece]) -> tuple[str, str]:
    """Join pieces to the text to display, and to the template that `parse` splits into the same pieces again."""
    shown: list[str] = []
    template: list[str] = []
    literal = ""
    for piece in pieces:
        if isinstance(piece, str):
            literal += piece
            continue
        shown += (literal, piece.written)
        template += (_escaped(literal, before_reference=piece), piece.written)
        literal = ""
    return "".join((*shown, literal)), "".join((*template, _escaped(literal)))


def _escaped(literal: str, *, before_reference: Reference | None = None) -> str:
    if before_reference and literal.endswith("$"):
        message = (
            f"a '$' is not allowed directly before {quote(before_reference.written)}, which has no value yet"
        )
        hint = "put another character between them"
        raise BadReferenceError(
            message, hint, 0, sys.maxsize
        )  # it may come from another text, so offsets have no meaning
    return literal.replace(OPENING, "$" + OPENING)


def _pieces(text: str, at: int, *, nesting: int, stop_at_comma: bool) -> tuple[tuple[Piece, ...], int]:
    """Read pieces from `at`; inside a reference up to its `}` (or `,`), which is not consumed."""
    pieces: list[Piece] = []
    literal: list[str] = []
    braces = 0
    while found := _SPECIAL.search(text, at):
        literal.append(text[at : found.start()])
        at = found.end()
        match found[0]:
            case "$${":
                literal.append(OPENING)
                braces += 1
            case "${":
                _flush(literal, pieces)
                reference, at = _reference(text, found.start(), nesting + 1)
                pieces.append(reference)
            case "}" if nesting and not braces:
                _flush(literal, pieces)
                return _stripped(pieces), found.start()
            case "," if stop_at_comma and not braces:
                _flush(literal, pieces)
                return _stripped(pieces), found.start()
            case char:
                literal.append(char)
                braces += (char == "{") - (char == "}")
    literal.append(text[at:])
    _flush(literal, pieces)
    return tuple(pieces), len(text)


def _flush(literal: list[str], pieces: list[Piece]) -> None:
    if joined := "".join(literal):
        pieces.append(joined)
    literal.clear()


def _stripped(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    ends = list(pieces)
    if ends and isinstance(ends[0], str):
        ends[0] = ends[0].lstrip()
    if ends and isinstance(ends[-1], str):
        ends[-1] = ends[-1].rstrip()
    return tuple(piece for piece in ends if piece)


def _reference(text: str, start: int, nesting: int) -> tuple[Reference, int]:
    """Read the reference that opens at `start`. Return it and the offset after its `}`."""
    if nesting > _MAX_NESTING:
        message = f"references are nested more than {_MAX_NESTING} deep"
        raise BadReferenceError(message, "define the inner one as a separate param", start, start + 2)
    head = _RESOLVER.match(text, start + 2)
    resolver = head[1] if head else None
    at = head.end() if head else start + 2
    takes_default = resolver in _WITH_DEFAULT
    target, at = _pieces(text, at, nesting=nesting, stop_at_comma=takes_default)
    default = None
    if text[at : at + 1] == ",":
        default, at = _pieces(text, at + 1, nesting=nesting, stop_at_comma=False)
    if text[at : at + 1] != "}":
        message = "the reference that starts here is not closed"
        raise BadReferenceError(
            message, "add the missing '}'; a literal '${' is written '$${'", start, len(text)
        )
    if not target:
        message = f"{quote(text[start : at + 1])} refers to nothing"
        hint = "write a name, such as ${params.name}; a literal '${' is written '$${'"
        raise BadReferenceError(message, hint, start, at + 1)
    return Reference(resolver, target, default, text[start : at + 1], start, at + 1), at + 1

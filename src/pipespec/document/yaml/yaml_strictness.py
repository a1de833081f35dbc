"""What libyaml accepts and YAML 1.2 does not: comments without a space, lines with too little indentation, single dashes.

Takes the text and the offsets of one scalar or flow collection. Returns what is wrong there, in plain words, or None.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pipespec.errors import counted

__all__ = ["Flaw", "block_scalar_flaw", "comment_flaw", "indentation_flaw", "plain_text_flaw"]

_GLUED_COMMENT: Final = re.compile(r"#|[ \t\n]*,#")
_HEADER: Final = re.compile(r"[|>][-+1-9]*")
_LEADING_BLANKS: Final = re.compile(r"[^\n]*\n((?: *\n)*)( *)(?=\S)")
_NEEDS_NO_INDENTATION: Final = re.compile(r"[ \t]*(?:$|#|[\]}])")
"""Blank lines and comments and, where all parsers accept it, a closing bracket below its key."""


class Flaw(NamedTuple):
    """A mistake: its message and hint, and the offsets of the wrong part."""

    message: str
    hint: str
    start: int
    end: int


def comment_flaw(text: str, end: int) -> Flaw | None:
    """Report a comment directly after the end at an offset, or directly after the comma that follows it."""
    found = _GLUED_COMMENT.match(text, end)
    if found is None:
        return None
    return _glued(found.end() - 1)


def _glued(position: int) -> Flaw:
    return Flaw(
        "a '#' begins a comment only behind a space", "put a space before the '#'", position, position + 1
    )


def block_scalar_flaw(text: str, start: int, indent: int) -> Flaw | None:
    """Report a comment directly after `|` or `>`, and blank lines that are longer than the indentation of the text.

    `indent` is the column of the keys or dashes above the scalar, -1 at the top level.
    """
    header = _HEADER.match(text, start)
    if header is None:
        return None
    if text.startswith("#", header.end()):
        return _glued(header.end())
    has_indicator = any(character.isdigit() for character in header[0])
    lines = None if has_indicator else _LEADING_BLANKS.match(text, header.end())
    if lines is None or not indent < len(lines[2]):
        return None
    position = lines.start(1)
    for line in lines[1].splitlines(keepends=True):
        if len(line) - 1 > len(lines[2]):
            message = "a blank line at the beginning of a text is longer than the text is indented"
            return Flaw(message, "leave no spaces on blank lines", position, position + len(line) - 1)
        position += len(line)
    return None


def indentation_flaw(text: str, start: int, end: int, indent: int, *, quoted: bool) -> Flaw | None:
    """Report a continuation line of a quoted text, or of a list or mapping in brackets, that is not indented enough."""
    position = text.find("\n", start, end) + 1
    while 0 < position < end:
        line_end = text.find("\n", position)
        line = text[position : len(text) if line_end < 0 else line_end]
        spaces = len(line) - len(line.lstrip(" "))
        is_free = not line.strip() if quoted else _NEEDS_NO_INDENTATION.match(line) is not None
        if spaces <= indent and not is_free:
            hint = f"indent it by {counted(indent + 1, 'space')} at least; tabs do not count"
            return Flaw(
                "this line is indented less than what it belongs to", hint, position, position + len(line)
            )
        position = text.find("\n", position, end) + 1
    return None


def plain_text_flaw(text: str, start: int, end: int) -> Flaw | None:
    """Report an unquoted text in brackets that is a single dash, or that has a comment directly after it."""
    if text[start:end] == "-":
        return Flaw("'-' alone is not allowed inside brackets", 'put it in quotes: "-"', start, end)
    found = _GLUED_COMMENT.match(text, end)
    return None if found is None else _glued(found.end() - 1)

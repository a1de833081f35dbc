"""Replace characters that libyaml misreads by other characters without a meaning, and put them back into the parsed texts.

Takes the text of a file, and returns a text of the same length. Takes the value of a scalar, and returns it with its
own characters.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["STAND_IN", "STAND_INS", "for_parser", "restored"]

_MISREAD: Final = re.compile(
    r"""
    (?=[!:?\ \t|>\\]) (?:  # what any of them begins with: most characters are none of these
    (?P<tag> (?<![^\s,\[{:-])!\S+ )
    # `:` and `?` in plain text: behind a character of it, before one, between two words
    | (?<=[^\s,\[\]{}"']) (?: :(?=[^\s,\[\]{}]) | \? )
    | (?: (?<=[\s,\[{]) | ^ ) :(?=[^\s,\[\]{}"'])
    | \?(?=[^\s,\[\]{}])
    | (?<=[^\s,\[\]{}:?"'-]) (?P<space> [ \t]+ ) \?(?=[ \t])
    # a text in lines that begins with a tab
    | (?P<block> [|>][-+]*(?:[ \t]+\#[^\n]*)?[ \t]*\n(?:[ ]*\n)*[ ]+ ) \t
    # the two halves of one character, as JSON escapes it
    | (?P<escaped> (?<!\\)(?:\\\\)*) \\(?P<high>u[dD][89abAB][0-9a-fA-F]{2})\\(?P<low>u[dD][c-fC-F][0-9a-fA-F]{2})
    )
    """,
    re.VERBOSE | re.MULTILINE,
)
_COLON, _QUESTION, _TAB, _BACKSLASH = "\ufdd0\ufdd1\ufdd2\ufdd3"
STAND_INS: Final = {_COLON: ":", _QUESTION: "?", _TAB: "\t", _BACKSLASH: "\\"}
STAND_IN: Final = re.compile(f"[{''.join(STAND_INS)}]")
_SURROGATES: Final = re.compile(rf"{_BACKSLASH}u([dD][89abAB]..){_BACKSLASH}u([dD][c-fC-F]..)")


def for_parser(text: str) -> str:
    """Return the text for the parser: of the same length, with replacements for what it misreads."""
    return _MISREAD.sub(_stand_in, text)


def _stand_in(found: re.Match[str]) -> str:
    if found["tag"] is not None:
        return found[0]
    if found["block"] is not None:
        return found["block"] + _TAB
    if found["high"] is not None:
        return f"{found['escaped']}{_BACKSLASH}{found['high']}{_BACKSLASH}{found['low']}"
    return found[0].replace(":", _COLON).replace("?", _QUESTION)


def _joined_surrogates(found: re.Match[str]) -> str:
    high, low = (int(half, 16) for half in found.groups())
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def restored(value: str, *, escaped: bool) -> str:
    """Return a scalar's value with its own characters. `escaped` is true if the text was in double quotes."""
    if escaped:
        value = _SURROGATES.sub(_joined_surrogates, value)
    for sign, character in STAND_INS.items():
        value = value.replace(sign, character)
    return value

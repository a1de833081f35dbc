"""Colours for a person at a terminal: the word of a line that says how things stand.

Takes text as the views lay it out, gives the same text with escape sequences around some words; takes no colour for
the only sign of anything.
"""

from __future__ import annotations

import re
from typing import Final

import click

__all__ = ["coloured"]

_GOOD, _BAD, _OPEN, _QUIET, _PLACE = "green", "red", "yellow", "bright_black", "cyan"
_WORDS: Final = {
    "complete": _GOOD,
    "ran": _GOOD,
    "reuse": _QUIET,
    "reused": _QUIET,
    "failed": _BAD,
    "run": _OPEN,
    "wait": _OPEN,
    "stale": _OPEN,
    "blocked": _OPEN,
    "cancelled": _OPEN,
    "running": _PLACE,
    "missing": _QUIET,
}
"""What the first word of a row says."""

_RULES: Final = (
    (re.compile(rf"(?:\[ *\d+/\d+\])? *(?P<word>{'|'.join(_WORDS)})(?:  |$)"), None),
    (re.compile(r"\S+: (?P<word>runs|waits for what is above it)$"), _OPEN),
    (re.compile(r"\S+: (?P<word>is reused)$"), _GOOD),
    (re.compile(r"\S.*?:\d+:\d+: (?P<word>error\[[\w-]+\])"), _BAD),
    (re.compile(r"\S.*?:\d+:\d+: (?P<word>advice\[[\w-]+\])"), _OPEN),
    (re.compile(r"(?P<word>[Ee]rror):"), _BAD),
    (re.compile(r" +\| +(?P<word>\^+)$"), _BAD),
    (re.compile(r" +(?P<word>help):"), _PLACE),
    (re.compile(r" *[├└]─ .*  \((?:order only, )?(?P<word>complete|stale|missing|running|failed)\b"), None),
    (re.compile(r"(?P<word>@@ .*)"), _PLACE),
    (re.compile(r" {0,4}(?P<word>\+.*)"), _GOOD),
    (re.compile(r" {0,4}(?P<word>-.*)"), _BAD),
)
"""The first rule that fits the beginning of a line colours its `word`; without a colour, by what it says."""


def coloured(text: str) -> str:
    """Colour what stands out, line by line; what a terminal would obey was taken out of the text before."""
    return "\n".join(map(_line, text.split("\n")))


def _line(line: str) -> str:
    for rule, colour in _RULES:
        if found := rule.match(line):
            start, end = found.span("word")
            shown = click.style(line[start:end], fg=colour or _WORDS[line[start:end]])
            return f"{line[:start]}{shown}{line[end:]}"
    return line

"""How help is broken into lines: like click, but without line breaks inside '--env', 'byte-identical' and other words.

Takes the texts of commands and options, and returns the page. Python's `textwrap` breaks a line at any hyphen, even
after the quote of '--env', and click has no option to prevent it. Therefore, hyphens are hidden from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click

__all__ = ["HelpfulContext"]

_HYPHEN: Final = "\ue02d"
"""Replaces a hyphen. It is a private-use character, so that no text contains it: `printable` escapes it."""


class _WholeWords(click.HelpFormatter):
    def write_text(self, text: str) -> None:
        super().write_text(_hidden(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(term, _hidden(text)) for term, text in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        return super().getvalue().replace(_HYPHEN, "-")


class HelpfulContext(click.Context):
    """The context of a command whose help is broken into lines in this way."""

    formatter_class = _WholeWords


def _hidden(text: str) -> str:
    return text.replace("-", _HYPHEN)

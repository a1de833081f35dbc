"""How help is laid out in lines: as click does it, but no line ends within '--env', 'byte-identical' or another word.

Takes the texts of commands and options, and gives the page. Python's `textwrap` breaks a line at any hyphen, also after
the quote of '--env', and click has no way to tell it not to; so hyphens are hidden from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click

__all__ = ["HelpfulContext"]

_HYPHEN: Final = "\ue02d"
"""Stands for a hyphen; of private use, so that no text has it: `printable` spells it out."""


class _WholeWords(click.HelpFormatter):
    def write_text(self, text: str) -> None:
        super().write_text(_hidden(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(term, _hidden(text)) for term, text in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        return super().getvalue().replace(_HYPHEN, "-")


class HelpfulContext(click.Context):
    """The context of a command whose help is laid out so."""

    formatter_class = _WholeWords


def _hidden(text: str) -> str:
    return text.replace("-", _HYPHEN)

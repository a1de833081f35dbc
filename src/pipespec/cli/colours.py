"""Colours for a person at a terminal, of what a view marks as standing out.

A colour is never the only sign of anything. click writes the escape sequences: Rich, which draws a run that goes on,
would take longer to import than all that a light verb does.
"""

from __future__ import annotations

from typing import Final

import click

from pipespec.views.styled_text import Style, StyledText

__all__ = ["coloured"]

_COLOURS: Final = {
    Style.GOOD: "green",
    Style.BAD: "red",
    Style.OPEN: "yellow",
    Style.QUIET: "bright_black",
    Style.PLACE: "cyan",
}


def coloured(text: str) -> str:
    """Put escape sequences around what stands out; what a terminal would obey was taken out of the text before."""
    if not isinstance(text, StyledText):
        return text
    parts: list[str] = []
    at = 0
    for span in text.spans:
        parts += (text[at : span.start], click.style(text[span.start : span.end], fg=_COLOURS[span.style]))
        at = span.end
    return "".join([*parts, text[at:]])

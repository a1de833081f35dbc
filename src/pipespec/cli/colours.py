"""Colours for users at a terminal, for the parts that a view has styled.

A colour is never the only sign of anything. click writes the escape sequences: importing Rich, which draws a run in
progress, would take longer than everything that a simple verb does.
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
    """Put escape sequences around styled parts. What a terminal would interpret has already been escaped in the text."""
    if not isinstance(text, StyledText):
        return text
    parts: list[str] = []
    at = 0
    for span in text.spans:
        parts += (text[at : span.start], click.style(text[span.start : span.end], fg=_COLOURS[span.style]))
        at = span.end
    return "".join([*parts, text[at:]])

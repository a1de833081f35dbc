"""Text that knows which of its parts stand out, and why: as good, bad, open, quiet, or a place.

A `StyledText` is the plain text to whoever takes it as a `str`; operations of `str` give plain text, so parts are put
together by `joined`. Which colours the styles have is the terminal's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Self

__all__ = ["Style", "StyledSpan", "StyledText", "joined", "styled"]


class Style(StrEnum):
    """Why a part stands out."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    """Something is still to be done."""
    QUIET = "quiet"
    PLACE = "place"
    """It leads to something, or goes on."""


class StyledSpan(NamedTuple):
    """Characters from `start` up to `end`, which is left out."""

    start: int
    end: int
    style: Style


class StyledText(str):
    """Text with spans, in order and apart from each other."""

    __slots__ = ("spans",)
    spans: tuple[StyledSpan, ...]

    def __new__(cls, text: str, spans: Iterable[StyledSpan] = ()) -> Self:
        """Make it of plain text."""
        made = super().__new__(cls, text)
        made.spans = tuple(spans)
        return made

    def without_end(self) -> StyledText:
        """Return it without white space at its end."""
        text = self.rstrip()
        return StyledText(text, [span for span in self.spans if span.end <= len(text)])


def styled(text: str, style: Style | None) -> str:
    """Return text that stands out as a whole, if there is a style."""
    return text if style is None or not text else StyledText(text, (StyledSpan(0, len(text), style),))


def joined(separator: str, parts: Iterable[str]) -> StyledText:
    """Join texts, as `str.join`, and keep the spans of those that have any."""
    texts = list(parts)
    spans: list[StyledSpan] = []
    at = 0
    for text in texts:
        if isinstance(text, StyledText):
            spans += [StyledSpan(at + start, at + end, style) for start, end, style in text.spans]
        at += len(text) + len(separator)
    return StyledText(separator.join(texts), spans)

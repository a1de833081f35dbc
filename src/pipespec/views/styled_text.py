"""Text with styled parts: good, bad, open, quiet, or a place.

A `StyledText` can be used as a plain `str`. Operations of `str` return plain text, so parts are combined with `joined`.
The terminal decides which colours the styles have.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Self

__all__ = ["Style", "StyledSpan", "StyledText", "joined", "styled"]


class Style(StrEnum):
    """The style of a part."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    """Something is still to be done."""
    QUIET = "quiet"
    PLACE = "place"
    """It leads to something, or continues."""


class StyledSpan(NamedTuple):
    """Characters from `start` up to `end`, excluding `end`."""

    start: int
    end: int
    style: Style


class StyledText(str):
    """Text with spans, which are in order and do not overlap."""

    __slots__ = ("spans",)
    spans: tuple[StyledSpan, ...]

    def __new__(cls, text: str, spans: Iterable[StyledSpan] = ()) -> Self:
        """Create it from plain text."""
        made = super().__new__(cls, text)
        made.spans = tuple(spans)
        return made

    def without_end(self) -> StyledText:
        """Return it without white space at its end."""
        text = self.rstrip()
        return StyledText(text, [span for span in self.spans if span.end <= len(text)])


def styled(text: str, style: Style | None) -> str:
    """Return text that is styled as a whole, if there is a style."""
    return text if style is None or not text else StyledText(text, (StyledSpan(0, len(text), style),))


def joined(separator: str, parts: Iterable[str]) -> StyledText:
    """Join texts, like `str.join`, and keep the spans of those that have any."""
    texts = list(parts)
    spans: list[StyledSpan] = []
    at = 0
    for text in texts:
        if isinstance(text, StyledText):
            spans += [StyledSpan(at + start, at + end, style) for start, end, style in text.spans]
        at += len(text) + len(separator)
    return StyledText(separator.join(texts), spans)

"""Turns HTML bodies into plain text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

import pandas as pd

__all__ = ["strip_bodies", "strip_html"]

_SILENT: Final = frozenset({"script", "style", "template", "noscript"})
_BREAKING: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "caption",
        "dd",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "iframe",
        "img",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)


def strip_bodies(bodies: pd.DataFrame) -> pd.DataFrame:
    """Return `id` and `text`: the column `body_html` without its tags."""
    return pd.DataFrame({"id": bodies["id"], "text": [strip_html(body) for body in bodies["body_html"]]})


def strip_html(body: str) -> str:
    """Return what a reader sees of `body`, on one line.

    Tags, comments, scripts and styles go; entities become characters; a block's end parts words, an inline
    tag does not (`<b>a</b>b` is one word). Runs of white space, no-break spaces too, become one space.
    Broken markup is read as browsers do: as far as it goes.
    """
    reader = _TextReader()
    reader.feed(body)
    reader.close()
    return " ".join("".join(reader.pieces).split())


class _TextReader(HTMLParser):
    """Collects the text between tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self._silent += tag in _SILENT
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        self._part(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        del attrs
        self._part(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)

    def _part(self, tag: str) -> None:
        if tag in _BREAKING:
            self.pieces.append(" ")

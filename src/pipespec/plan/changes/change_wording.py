"""How a comparison is displayed: values and places in a few words on one line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.errors import Span
from pipespec.python.identity.code_facts import CodePiece
from pipespec.spec.variant_names import point_text

__all__ = ["piece_place", "place_text", "value_text"]

_SHOWN: Final = 60
"""Maximum number of characters of a value that are shown."""


def place_text(span: Span) -> str:
    """Format a place: `news.yaml:8`, `prod.yaml:3, overlay`, `--set params.x=1`."""
    if span.layer == "set":
        return span.file
    return f"{span.file}:{span.line}" + ("" if span.layer == "file" else f", {span.layer}")


def piece_place(piece: CodePiece, root: Path) -> str:
    """Format the start of a piece of code: `news/text.py:12`, relative to the project root if it is in the project."""
    path = Path(piece.file)
    return f"{path.relative_to(root) if path.is_relative_to(root) else path}:{piece.line}"


def value_text(value: JSON) -> str:
    """Format a value on one line. `1` and `"1"` differ, and a long value is shortened."""
    text = point_text((("", value),))[1:]
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."

"""The lines of a pipeline's files that define a step, as they are written. Pure.

Takes the merged document, whose nodes contain their places, and the texts of the files. Returns excerpts: all lines of
the file that declares the step, including comments between them, and the lines of upper layers that change it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipespec.document.nodes import MappingNode, Node, SequenceNode, walk
from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = ["Excerpt", "StepLines"]

_LINE_END: Final = re.compile(r"\r\n|\r|\n")


@frozen
class Excerpt:
    """Lines of one file, starting at `line`, counted from 1. An option has no lines, because its name contains everything."""

    file: str
    line: int
    lines: tuple[str, ...]


class StepLines:
    """Finds the lines of steps. `merged` is the document before interpolation."""

    def __init__(self, merged: MappingNode, texts: Mapping[str, str]) -> None:
        steps = merged.get("steps")
        self._steps = steps.entries if isinstance(steps, MappingNode) else {}
        self._lines = {file: _LINE_END.split(text) for file, text in texts.items()}

    def of(self, step: str) -> Sequence[Excerpt]:
        """Return the excerpts of a declared step, with that of its own file first."""
        entry = self._steps[step]
        own, first = entry.key_span.file, entry.key_span.line
        spans = [entry.key_span, *_places(entry.value)]
        found = []
        for file in dict.fromkeys(span.file for span in spans):
            here = [span for span in spans if span.file == file and (file != own or span.line >= first)]
            lines = [
                line for span in here for line in (span.line, _last(span))
            ]  # what an alias refers to is above
            start = first if file == own else min(lines)
            found.append(self._excerpt(file, start, max(lines)))
        return found

    def _excerpt(self, file: str, first: int, last: int) -> Excerpt:
        text = self._lines.get(file, [])
        if file.startswith("--"):
            return Excerpt(file, 1, ())
        return Excerpt(file, first, _dedented(text[first - 1 : last]))


def _places(node: Node) -> Iterator[Span]:
    """Yield the places of all parts of a step. The place of a collection itself shows only where it begins."""
    for _, found in walk(node):
        match found:
            case MappingNode(entries=entries) if entries:
                yield from (entry.key_span for entry in entries.values())
            case SequenceNode(items=items) if items:
                continue
            case _:
                yield found.span


def _last(span: Span) -> int:
    """Return the last line of a place. If a place ends before the first column, that line is not part of it."""
    return span.end_line - 1 if span.end_column == 1 and span.end_line > span.line else span.end_line


def _dedented(lines: Sequence[str]) -> tuple[str, ...]:
    """Remove the first line's indentation from all lines."""
    indent = len(lines[0]) - len(lines[0].lstrip(" ")) if lines else 0
    return tuple(line[indent:] if not line[:indent].strip() else line for line in lines)

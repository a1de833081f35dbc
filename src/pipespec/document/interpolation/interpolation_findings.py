"""Collects the errors of resolving references, and measures the size of the document.

Takes errors and sizes as they occur. Returns diagnostics. Raises `TooMuchError` after 1,000 errors, and if the document
exceeds the limits of a file: 4 MiB, 64 levels, 250,000 nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipespec.document.nodes import Node
from pipespec.document.size_limits import MAX_BYTES, MAX_DEPTH, MAX_MISTAKES, MAX_NODES
from pipespec.document.tree_size import Measures
from pipespec.document.wording import listing, nearest, quote
from pipespec.errors import Diagnostic, Span

__all__ = ["InterpolationFindings", "TooMuchError"]

_MAX_HINTS: Final = (
    50  # searching for similar names takes long, and a file with more mistakes than this has one cause
)


class TooMuchError(Exception):
    """A limit is exceeded. The mistake that says so is recorded."""


class InterpolationFindings:
    """Mistakes and sizes of one evaluation."""

    def __init__(self) -> None:
        self._mistakes: list[Diagnostic] = []
        self._hints = 0
        self._written = 0
        self.measures = Measures()

    @property
    def mistakes(self) -> tuple[Diagnostic, ...]:
        """All mistakes, each once, in the order in which they were found."""
        return tuple(dict.fromkeys(self._mistakes))

    def mistake(self, code: str, message: str, span: Span, hint: str | None) -> None:
        """Record a mistake, and continue."""
        self._mistakes.append(Diagnostic(code, message, span, hint))
        if len(self._mistakes) >= MAX_MISTAKES:
            raise TooMuchError

    def stop(self, code: str, message: str, span: Span) -> None:
        """Record that a limit is exceeded, and raise `TooMuchError`."""
        hint = "refer to large values only once, or move them to separate files and use those as inputs"
        self.mistake(code, message, span, hint)
        raise TooMuchError

    def offer(self, name: str, known: Mapping[str, str]) -> str | None:
        """Return a hint for an unknown name: the nearest one, otherwise all. `known` says how to refer to each."""
        self._hints += 1
        if self._hints > _MAX_HINTS or not known:
            return None
        near = nearest(name, known)
        return f"did you mean {quote(known[near])}?" if near else f"available here: {listing(known.values())}"

    def written(self, characters: int, span: Span) -> None:
        """Count text that will be created."""
        self._written += characters
        if self._written > MAX_BYTES:
            self.stop(
                "too-large", "the document is larger than 4 MiB after its references are replaced", span
            )

    def bounded(self, node: Node) -> Node:
        """Return `node`, if it is no larger than a document may be."""
        size = self.measures.of(node)
        if size.nodes > MAX_NODES:
            self.stop(
                "too-many-nodes",
                f"the document has more than {MAX_NODES:,} values after its references are replaced",
                node.span,
            )
        if size.characters > MAX_BYTES:
            self.stop(
                "too-large", "the document is larger than 4 MiB after its references are replaced", node.span
            )
        if size.levels > MAX_DEPTH:
            self.stop(
                "too-deep",
                f"the document is nested deeper than {MAX_DEPTH} levels after its references are replaced",
                node.span,
            )
        return node

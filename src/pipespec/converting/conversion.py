"""The result of a conversion: the text of a pipeline file, and what could not be converted.

Leftovers are diagnostics with the code `not-converted`, so they are shown like other diagnostics. Mistakes in the
source itself have the code `bad-source`, and stop the conversion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipespec.errors import Diagnostic, InvalidPipelineError, Severity, Span
from pipespec.frozen_values import frozen

__all__ = ["Conversion", "SourceFiles", "SourceFindings"]


@frozen
class Conversion:
    """`text` is the pipeline file. `sources` has the text of each file that has a leftover."""

    text: str
    leftovers: tuple[Diagnostic, ...]
    sources: Mapping[str, str]


class SourceFiles(Protocol):
    """The files beside the converted one. Paths are relative to its folder."""

    def content(self, path: str) -> bytes | None:
        """Return the content of a file, or None if it does not exist or is too large."""

    def is_folder(self, path: str) -> bool | None:
        """Return whether a path is a folder or a file; None if it is neither."""


@dataclass(slots=True)
class SourceFindings:
    """The findings of a conversion, in the order in which they are found."""

    leftovers: list[Diagnostic] = field(default_factory=list)
    mistakes: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    def leave(self, message: str, span: Span, hint: str) -> None:
        """Record something without an equivalent, and what to do about it."""
        self.leftovers.append(Diagnostic("not-converted", message, span, hint, Severity.ADVICE))

    def refuse(self, message: str, span: Span, hint: str | None = None) -> None:
        """Record a mistake in the source."""
        self.mistakes.append(Diagnostic("bad-source", message, span, hint))

    def stop_at_mistakes(self) -> None:
        """Raise an `InvalidPipelineError` with all mistakes, if there are any."""
        if self.mistakes:
            raise InvalidPipelineError(self.mistakes, self.sources)

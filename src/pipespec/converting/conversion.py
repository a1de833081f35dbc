"""What a conversion gives: the text of a pipeline file, and what could not be converted.

Leftovers are diagnostics of the code `not-converted`, so they are shown as others are. What is wrong with the source itself is of the
code `bad-source`, and stops the conversion.
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
    """`text` is the pipeline file; `sources` has the text of each file that a leftover is in."""

    text: str
    leftovers: tuple[Diagnostic, ...]
    sources: Mapping[str, str]


class SourceFiles(Protocol):
    """The files beside the one that is converted; paths are relative to its folder."""

    def content(self, path: str) -> bytes | None:
        """Return what a file holds, or None where there is none, or it is too large."""

    def is_folder(self, path: str) -> bool | None:
        """Tell a folder from a file; None where there is neither."""


@dataclass(slots=True)
class SourceFindings:
    """What is found on the way, in the order in which it is found."""

    leftovers: list[Diagnostic] = field(default_factory=list)
    mistakes: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    def leave(self, message: str, span: Span, hint: str) -> None:
        """Note what has no equal, with the way out."""
        self.leftovers.append(Diagnostic("not-converted", message, span, hint, Severity.ADVICE))

    def refuse(self, message: str, span: Span, hint: str | None = None) -> None:
        """Note a mistake of the source."""
        self.mistakes.append(Diagnostic("bad-source", message, span, hint))

    def stop_at_mistakes(self) -> None:
        """Raise an `InvalidPipelineError` with all mistakes, if there are any."""
        if self.mistakes:
            raise InvalidPipelineError(self.mistakes, self.sources)

"""Collects diagnostics while a pipeline is built: each cause once, even if many variants have it."""

from __future__ import annotations

from pipespec.errors import Diagnostic, Severity, Span

__all__ = ["SpecFindings"]


class SpecFindings:
    """A growing collection of diagnostics, in the order in which they are found.

    `told` counts errors including repetitions. It shows whether a piece of work found any: a mistake in `defaults` is
    one diagnostic, but each step reports it.
    """

    def __init__(self) -> None:
        self.told = 0
        self._found: dict[Diagnostic, None] = {}

    def error(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Add an error, unless it is already known."""
        self.told += 1
        self._found[Diagnostic(code, message, span, hint)] = None

    def advice(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Add advice, unless it is already known."""
        self._found[Diagnostic(code, message, span, hint, Severity.ADVICE)] = None

    def add(self, diagnostic: Diagnostic) -> None:
        """Add the findings of another stage."""
        self.told += diagnostic.severity is Severity.ERROR
        self._found[diagnostic] = None

    def as_tuple(self) -> tuple[Diagnostic, ...]:
        """Return all findings so far."""
        return tuple(self._found)

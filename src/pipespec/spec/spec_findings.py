"""Where diagnostics gather while a pipeline is built: each cause once, however many variants meet it."""

from __future__ import annotations

from pipespec.errors import Diagnostic, Severity, Span

__all__ = ["SpecFindings"]


class SpecFindings:
    """A growing set of diagnostics, in the order of their discovery.

    `told` counts errors with repetitions, so that one can see whether a stretch of work met any: a mistake in
    `defaults` is one diagnostic, and told by each step.
    """

    def __init__(self) -> None:
        self.told = 0
        self._found: dict[Diagnostic, None] = {}

    def error(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Add an error, unless it is known."""
        self.told += 1
        self._found[Diagnostic(code, message, span, hint)] = None

    def advice(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Add advice, unless it is known."""
        self._found[Diagnostic(code, message, span, hint, Severity.ADVICE)] = None

    def add(self, diagnostic: Diagnostic) -> None:
        """Add what another stage found."""
        self.told += diagnostic.severity is Severity.ERROR
        self._found[diagnostic] = None

    def as_tuple(self) -> tuple[Diagnostic, ...]:
        """Return what was found so far."""
        return tuple(self._found)

"""Checks of `notify`: templates that can be filled in, URLs that Apprise understands, results that can happen.

A message contains the name of the service, and nothing else of the URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipespec.checks.check_context import CheckContext
from pipespec.document.nodes import Node, plain, set_at
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Severity, Span
from pipespec.spec.pipeline_spec import TemplateFile

if TYPE_CHECKING:
    from pipespec.spec.message_templates import MessageTemplate

__all__ = ["regressions_judged", "services_known", "templates_sound"]


def templates_sound(context: CheckContext) -> Iterator[Diagnostic]:
    """Report templates that do not exist, or cannot be filled in."""
    for template in {notice.template: None for notice in context.spec.notify if notice.template}:
        known = context.templates.get(template.path)
        if known is None:
            continue
        if known.problem is not None:
            yield _not_read(template, known)
        else:
            from pipespec.spec.message_templates import mistakes_in  # noqa: PLC0415 - few pipelines have one

            for mistake in mistakes_in(known.text):
                place = Span(known.name, mistake.line, 1, mistake.line, _width(known.text, mistake.line))
                yield Diagnostic("bad-template", mistake.message, place, mistake.hint)


def _not_read(template: TemplateFile, known: MessageTemplate) -> Diagnostic:
    code = "missing-file" if known.is_missing else "bad-template"
    message = f"the template {quote(template.text)} cannot be used: {known.problem}"
    return Diagnostic(
        code, message, template.span, f"looked for {template.path}" if known.is_missing else None
    )


def _width(text: str, line: int) -> int:
    lines = text.splitlines()
    return len(lines[line - 1]) + 1 if 1 <= line <= len(lines) else 1


def services_known(context: CheckContext) -> Iterator[Diagnostic]:
    """Report URLs that Apprise does not understand, and, once, that Apprise is not installed."""
    for notice in context.spec.notify:
        problem = context.services.get(url_text(notice.url))
        if problem is None:
            continue
        message, place = f"'notify': {problem.message}", set_at(notice.url)
        if problem.is_package:
            yield Diagnostic("missing-package", message, place, problem.hint, Severity.ADVICE)
        else:
            yield Diagnostic("unknown-service", message, place, problem.hint)


def url_text(url: Node) -> str:
    """Return the URL of a notice as it is written, with references instead of secrets."""
    return str(plain(url))


def regressions_judged(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise against notices of regressions if no metric has bounds."""
    has_bounds = any(step.checks for step in context.spec.steps.values())
    for notice in context.spec.notify:
        if "regression" in notice.on and not has_bounds and not context.spec.damaged:
            message = "'notify' waits for a regression, but no step has 'checks', so there is none"
            hint = "write bounds of metrics, such as checks: {accuracy: {min: 0.8, min_delta: -0.01}}"
            yield Diagnostic("no-bounds", message, notice.on_span, hint, Severity.ADVICE)

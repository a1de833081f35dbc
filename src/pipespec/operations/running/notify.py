"""Send notifications about how a run ended to the URLs of `notify`, with Apprise, in a separate process.

Takes what was run, and a report or the error that ended it. Returns a line for each message that could not be sent.
Errors here are never raised, because the run has already ended, and nothing takes longer than `PATIENCE`. URLs are
never printed, because they contain tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pipespec.activity import busy
from pipespec.checks.notice_checks import url_text
from pipespec.document.nodes import JSON
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.running.gather_outcome import gather_outcome
from pipespec.plan.plan import Plan
from pipespec.plan.results import RunReport
from pipespec.plan.run_outcome import RunOutcome
from pipespec.project.template_files import read_templates
from pipespec.spec.message_templates import MessageTemplate
from pipespec.spec.pipeline_spec import Notice
from pipespec.step.questions.question_process import ask
from pipespec.tracking.reading.ledger import Ledger
from pipespec.views.outcome_message import values_of

__all__ = ["PATIENCE", "send", "tell"]

PATIENCE: Final = 20.0
"""Seconds that the end of a run waits for its messages, for all together."""

_SENDER: Final = "pipespec.operations.running.message_sender"


def tell(source: PipelineSource, plan: Plan, ledger: Ledger, ended: RunReport | Exception) -> list[str]:
    """Send notifications about a run that executed something, and return what went wrong."""
    notices = plan.pipeline.notify
    if not notices:
        return []
    try:
        outcome = gather_outcome(source, plan, ledger, ended)
        wanted = [notice for notice in notices if outcome.kinds & {*notice.on}]
        named = [notice.template for notice in wanted if notice.template is not None]
        templates = read_templates(named, source.modules)
        with busy("sending messages"):
            return send(wanted, outcome, templates)
    except Exception as error:  # noqa: BLE001 - whatever it is, it does not change how the run ended
        return [source.redactor()(f"the notifications could not be sent: {type(error).__name__}: {error}")]
    except KeyboardInterrupt:
        return ["interrupted while notifications were sent; the run has ended"]


def send(
    notices: Sequence[Notice],
    outcome: RunOutcome,
    templates: Mapping[str, MessageTemplate],
    *,
    patience: float = PATIENCE,
) -> list[str]:
    """Send a message to each of these. Return a line for each that could not be sent, or not according to its template."""
    if not notices:
        return []
    values = values_of(outcome)
    messages = [_message(notice, outcome, values, templates) for notice in notices]
    answers = ask(_SENDER, messages, folders=(), root=str(Path.cwd()), timeout=patience)
    answered = {answer["number"]: answer for answer in answers.found}
    late = f"no answer after {patience:g} seconds"
    lines: list[str] = []
    for number, notice in enumerate(notices):
        answer = answered.get(number, {"problem": late if "longer" in answers.end else answers.end})
        if problem := answer.get("problem") or answer.get("ended"):
            lines.append(f"{notice.url.span}: the notification could not be sent: {problem}")
        if flaw := answer.get("flaw"):
            lines.append(str(flaw))
    return lines


def _message(
    notice: Notice,
    outcome: RunOutcome,
    values: dict[str, JSON],
    templates: Mapping[str, MessageTemplate],
) -> dict[str, JSON]:
    template = None if notice.template is None else templates[notice.template.path]
    return {
        "url": url_text(notice.url),
        "kind": str(outcome.kind),
        "values": values,
        "template": None if template is None else {"name": template.name, "text": template.text},
    }

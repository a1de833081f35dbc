"""Who is told how a run ended: the URLs of `notify`, through Apprise, which is imported only here and then.

Takes a pipeline, and a report or the error that ended the run; gives a line for each URL that could not be told. Nothing
that goes wrong here is raised, since the run has ended as it has; and no URL is printed, since they hold tokens.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator, Sequence
from typing import Final

from pipespec.document.nodes import plain
from pipespec.document.wording import listing, quote
from pipespec.plan.results import RunReport, StepState
from pipespec.spec.pipeline_spec import Notice, PipelineSpec
from pipespec.step.secrets import fill, secret_names
from pipespec.views.terminal_text import seconds_text

__all__ = ["message_of", "tell"]

_MOST: Final = 5
"""So many steps are named."""

_LONGEST: Final = 300
"""Characters of an error."""


def tell(spec: PipelineSpec, ended: RunReport | Exception) -> list[str]:
    """Tell those who want to know how a run that executed something ended; return what went wrong with that."""
    succeeded = isinstance(ended, RunReport) and ended.succeeded
    word = "success" if succeeded else "failure"
    wanted = [notice for notice in spec.notify if word in notice.on]
    if not wanted:
        return []
    title, body = message_of(spec.name, ended)
    return [
        f"{notice.url.span}: the notification could not be sent: {problem}"
        for notice in wanted
        if (problem := _send(notice, word, title, body)) is not None
    ]


def message_of(pipeline: str, ended: RunReport | Exception) -> tuple[str, str]:
    """Say how a run ended, in a title and a few lines."""
    if isinstance(ended, Exception):
        return f"{pipeline}: the run stopped with an error", _cut(str(ended))
    failed = [result for result in ended.steps if result.state is StepState.FAILED]
    ran = [result.step for result in ended.steps if result.state is StepState.RAN]
    if ended.interrupted_by is not None:
        title = f"{pipeline}: interrupted by {signal.Signals(ended.interrupted_by).name}"
    elif failed:
        title = f"{pipeline}: {_steps(len(failed))} failed"
    else:
        title = f"{pipeline}: {_steps(len(ran))} ran"
    lines = [f"failed {result.step}: {_cut(result.error or '')}" for result in failed[:_MOST]]
    if len(failed) > _MOST:
        lines.append(f"and {len(failed) - _MOST} more failed")
    if ran:
        more = f" and {len(ran) - _MOST} more" if len(ran) > _MOST else ""
        lines.append(f"ran {', '.join(ran[:_MOST])}{more}")
    lines.append(f"took {seconds_text(ended.seconds)}")
    if ended.invocation is not None:
        lines.append(f"MLflow run {ended.invocation}")
    return title, "\n".join(lines)


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _send(notice: Notice, word: str, title: str, body: str) -> str | None:
    """Send a message; return why that was not possible."""
    try:
        import apprise  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        return "Apprise is not installed; install it with: pip install 'pipespec[notify]'"
    url = plain(notice.url)
    if missing := _missing(secret_names(url)):
        return f"not set in the environment: {listing(missing)}"
    try:
        with _silence():
            service = apprise.Apprise()
            if not service.add(str(fill(url, os.environ))):
                return "Apprise does not know this kind of URL"
            kind = apprise.NotifyType.SUCCESS if word == "success" else apprise.NotifyType.FAILURE
            told = service.notify(
                body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
            )
    except Exception as error:  # noqa: BLE001 - whatever a service's plug-in does; its text may hold the URL
        return f"Apprise raised {quote(type(error).__name__)}"
    return None if told else "the service did not accept the message"


def _missing(names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in os.environ]


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Let nothing be logged meanwhile: Apprise and what it is made of log hosts and paths."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)

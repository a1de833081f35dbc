"""The process that sends messages with Apprise. It forks for each message; the fork fills in the template and sends it.

Takes `OutgoingMessage`s on stdin, in the form of `step.questions`. Reports for each of them what went wrong. The values
of secrets in URLs are read from the environment here. Whatever a service's plug-in or a template does (hang, print,
crash, use all memory), the finished run waits for it no longer than the parent allows.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import resource
import signal
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, Final

from pipespec.document.wording import listing, quote
from pipespec.plan.run_outcome import OutcomeKind
from pipespec.project.message_services import service_problem
from pipespec.spec.message_templates import TemplateError, render
from pipespec.step.questions.question_process import answer_at_once
from pipespec.step.secrets import fill, secret_names

__all__: list[str] = []

_MEMORY: Final = 1 << 30
"""Bytes that a template may use in addition to the memory in use."""
_SECONDS: Final = 2
"""Seconds that a template may take."""
_ANSWERED: Final = re.compile(r"error=(\d{3})")
_CONNECTION: Final = re.compile(r"connection error", re.IGNORECASE)


def _answer(message: dict[str, Any]) -> dict[str, str | None]:
    title, body, flaw = _text(message)
    return {"problem": _send(message, title, body), "flaw": flaw}


def _text(message: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """Return title and text, from the template if there is one, and what is wrong with it."""
    values, template = message["values"], message["template"]
    title, body = str(values["title"]), str(values["message"])
    if template is None:
        return title, body, None
    try:
        with _bounded():
            own_title, own_body = render(template["text"], values)
    except TemplateError as error:
        place = f"{template['name']}:{error.line}" if error.line else template["name"]
        flaw = f"{place}: the template could not be filled in: {error.problem}"
        return title, f"{body}\n{flaw}", flaw
    return own_title or title, own_body, None


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Limit memory and time of the enclosed code: it gets a MemoryError, or a TimeoutError."""

    def stop(_signum: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it takes longer than {_SECONDS} seconds")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (_used() + _MEMORY, hard))
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _used() -> int:
    """Return the size of this process's address space; without `/proc`, the largest possible limit."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - it is read only once
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 62


def _send(message: Mapping[str, Any], title: str, body: str) -> str | None:
    """Send a message. Return why that was not possible, with nothing of the URL except the service's name."""
    url = str(message["url"])
    if missing := [name for name in secret_names(url) if name not in os.environ]:
        return f"not set in the environment: {listing(missing)}"
    try:
        filled = str(fill(url, os.environ))
        if (problem := service_problem(filled)) is not None:
            return f"{problem.message}; {problem.hint}"
        return _notified(filled, OutcomeKind(message["kind"]), title, body)
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises; its text may contain the URL
        return f"Apprise raised {quote(type(error).__name__)}"


def _notified(url: str, kind: OutcomeKind, title: str, body: str) -> str | None:
    import apprise  # noqa: PLC0415 - it is an extra

    kinds = {
        OutcomeKind.FAILURE: apprise.NotifyType.FAILURE,
        OutcomeKind.REGRESSION: apprise.NotifyType.WARNING,
        OutcomeKind.SUCCESS: apprise.NotifyType.SUCCESS,
    }
    heard = _Heard()
    logging.getLogger("apprise").addHandler(heard)
    service = apprise.Apprise()
    service.add(url)
    is_told = service.notify(
        body=body, title=title, notify_type=kinds[kind], body_format=apprise.NotifyFormat.TEXT
    )
    return None if is_told else heard.reason


class _Heard(logging.Handler):
    """Listens to Apprise's log, which contains hosts and paths, for the reason why a message was not accepted."""

    reason = "the service did not accept the message"

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if (found := _ANSWERED.search(text)) is not None:
            self.reason = f"the service answered {found[1]}"
        elif _CONNECTION.search(text):
            self.reason = "the service could not be reached, or did not answer"


def main() -> None:
    """Send what stdin contains."""
    logging.getLogger("apprise").propagate = False
    with contextlib.suppress(ImportError):  # which is reported for each message
        import apprise  # noqa: F401, PLC0415 - it is an extra; imported once, for all forks
    answer_at_once(_answer)


if __name__ == "__main__":
    main()

"""Exceptions -> `Failure`: strings only, the user's frames only, bounded, whatever the exception does.

Takes any exception, also one whose `__str__` raises, with a chain of thousands or a message of megabytes.
Nothing of the user's survives in the answer but text that prints on one line, or in a traceback on many.
"""

from __future__ import annotations

import importlib
import linecache
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.step.model import Failure

__all__ = ["StepError", "describe", "one_line", "shown", "summary", "traceback_text"]

_HIDDEN: Final = (str(Path(__file__).parents[1]), importlib.__file__, "<frozen importlib", "<frozen runpy")
"""Files whose frames are not the user's business, by their beginnings."""

_LONGEST_MESSAGE: Final = 2_000
_LONGEST_TRACEBACK: Final = 64_000
_LONGEST_LINE: Final = 300
_ENDS: Final = 20  # frames shown at either end of a stack
_CHAIN_ENDS: Final = 5  # exceptions shown at either end of a chain
_MEMBERS: Final = 5  # exceptions shown of a group
_DEEPEST_GROUP: Final = 3

_CAUSED: Final = "The above exception was the direct cause of the following exception:"
_DURING: Final = "During handling of the above exception, another exception occurred:"


class StepError(PipespecError):
    """A step fails for a reason that pipespec found; `kind` is one of those of `Failure`.

    Its text is the whole message; raised from another exception, that one's traceback is shown.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def describe(error: BaseException, redact: Callable[[str], str] = str) -> Failure:
    """Turn what ended a step into its failure; `redact` takes secrets out of texts before they are cut."""
    if isinstance(error, StepError):
        cause = error.__cause__
        trace = "" if cause is None else traceback_text(cause, redact)
        return Failure(error.kind, one_line(redact(str(error))), trace)
    if isinstance(error, StoreUnavailableError):
        return Failure("store", one_line(redact(str(error))), traceback_text(error, redact))
    kind = "exited" if isinstance(error, SystemExit) else "raised"
    return Failure(kind, summary(error, redact), traceback_text(error, redact))


def summary(error: BaseException, redact: Callable[[str], str] = str) -> str:
    """Return `ValueError: message` on one line of at most 2,000 characters."""
    if isinstance(error, SystemExit):
        return f"the function called sys.exit({one_line(redact(_exit_code(error)))}) instead of returning"
    text = redact(_text(error))
    return one_line(f"{_type_name(error)}: {text}" if text else _type_name(error))


def one_line(text: str) -> str:
    """Return the first line that says something, printable and of at most 2,000 characters."""
    lines = text[: 2 * _LONGEST_MESSAGE].strip().splitlines() or [""]
    more = " …" if len(lines) > 1 else ""
    return _cut(_printable(lines[0].rstrip()), _LONGEST_MESSAGE) + more


def shown(place: object) -> str:
    """Return a path or URI in quotes, whole: a place that is cut short cannot be gone to."""
    return f"'{_printable(str(place))}'"


def traceback_text(error: BaseException, redact: Callable[[str], str] = str) -> str:
    """Return the traceback as Python prints it, without frames of pipespec and of the import system."""
    text = "\n".join(_lines(error, redact, 0))
    if len(text) > _LONGEST_TRACEBACK:
        half = _LONGEST_TRACEBACK // 2
        text = f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
    return _printable(text)


def _lines(error: BaseException, redact: Callable[[str], str], depth: int) -> Iterator[str]:
    chain = _chain(error)
    hidden = len(chain) - 2 * _CHAIN_ENDS
    for position, (link, exception) in enumerate(chain):
        if hidden > 0 and _CHAIN_ENDS <= position < _CHAIN_ENDS + hidden:
            if position == _CHAIN_ENDS:
                yield f"\n[{hidden} exceptions left out]"
            continue
        if link:
            yield f"\n{link}\n"
        yield from _one(exception, redact, depth)


def _chain(error: BaseException) -> list[tuple[str, BaseException]]:
    """The exception and what led to it, the first cause first, each with the words that join it to the last."""
    found: list[BaseException] = [error]
    links: list[str] = []
    seen = {id(error)}
    while True:
        link, before = _before(found[-1])
        if before is None or id(before) in seen:
            break
        seen.add(id(before))
        found.append(before)
        links.append(link)
    return list(zip(["", *reversed(links)], reversed(found), strict=True))


def _before(error: BaseException) -> tuple[str, BaseException | None]:
    cause = _attribute(error, "__cause__")
    if isinstance(cause, BaseException):
        return _CAUSED, cause
    context = _attribute(error, "__context__")
    if isinstance(context, BaseException) and not _attribute(error, "__suppress_context__"):
        return _DURING, context
    return "", None


def _one(error: BaseException, redact: Callable[[str], str], depth: int) -> Iterator[str]:
    frames = list(_frames(_attribute(error, "__traceback__")))
    if frames:
        yield "Traceback (most recent call last):"
        yield from frames
    if isinstance(error, SyntaxError):
        yield from _syntax_place(error)
    text = _cut(redact(_text(error)), _LONGEST_TRACEBACK // 4)
    yield f"{_type_name(error)}: {text}" if text else _type_name(error)
    notes = _attribute(error, "__notes__")
    if isinstance(notes, list | tuple):
        yield from (_cut(redact(note), _LONGEST_MESSAGE) for note in notes[:10] if isinstance(note, str))
    if isinstance(error, BaseExceptionGroup) and depth < _DEEPEST_GROUP:
        for position, member in enumerate(error.exceptions[:_MEMBERS], start=1):
            yield f"  [{position} of {len(error.exceptions)}]"
            yield from ("  " + line.replace("\n", "\n  ") for line in _lines(member, redact, depth + 1))


def _frames(trace: Any) -> Iterator[str]:
    """The user's frames, of a deep stack the first and the last ones."""
    frames = (frame for frame in _walk(trace) if not _is_ours(frame))
    yield from (_frame(entry) for entry in islice(frames, _ENDS))
    last: deque[TracebackType] = deque(maxlen=_ENDS)
    count = 0
    for entry in frames:
        count += 1
        last.append(entry)
    if count > _ENDS:
        yield f"  [{count - _ENDS} frames left out]"
    yield from (_frame(entry) for entry in last)


def _walk(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _is_ours(entry: TracebackType) -> bool:
    return entry.tb_frame.f_code.co_filename.startswith(_HIDDEN)


def _frame(entry: TracebackType) -> str:
    code = entry.tb_frame.f_code
    place = f'  File "{code.co_filename}", line {entry.tb_lineno}, in {code.co_name}'
    line = linecache.getline(code.co_filename, entry.tb_lineno).strip()
    return f"{place}\n    {_cut(line, _LONGEST_LINE)}" if line else place


def _syntax_place(error: SyntaxError) -> Iterator[str]:
    file, line, text = (_attribute(error, name) for name in ("filename", "lineno", "text"))
    if isinstance(file, str):
        yield f'  File "{file}", line {line}'
    if isinstance(text, str) and text.strip():
        yield f"    {_cut(text.strip(), _LONGEST_LINE)}"


def _text(error: BaseException) -> str:
    """`str(error)`, or what went wrong with it: user code runs here."""
    try:
        return str.__str__(str(error))  # of a subclass of str, too, a plain one
    except BaseException as trouble:  # noqa: BLE001 - even SystemExit: it is the second thing that went wrong
        return f"<its __str__ raised {type(trouble).__name__}>"


def _exit_code(error: SystemExit) -> str:
    code = _attribute(error, "code")
    if code is None:
        return ""
    try:
        return str.__str__(repr(code))
    except BaseException as trouble:  # noqa: BLE001 - as above
        return f"<its __repr__ raised {type(trouble).__name__}>"


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except BaseException:  # noqa: BLE001 - a property of the user's class
        return None


def _type_name(error: BaseException) -> str:
    kind = type(error)
    plain = kind.__module__ in ("builtins", "__main__")
    return kind.__qualname__ if plain else f"{kind.__module__}.{kind.__qualname__}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} … [{len(text) - longest} characters left out]"


def _printable(text: str) -> str:
    """Escape what a terminal, a file in UTF-8 or a browser would take for more than text."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n\t" else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

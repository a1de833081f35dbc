"""Turn exceptions into a `Failure`: only strings, only the useful frames, of limited size, whatever the exception does.

Takes any exception, also one whose `__str__` raises, one with a chain of thousands, or one with a message of megabytes.
The result contains no objects of the user's: only printable text, on one line, or on several lines in a traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from pipespec.errors import PipespecError, StoreUnavailableError, counted
from pipespec.step.active_environment import other_environment
from pipespec.step.failed_command import command_text, ending_text, last_lines
from pipespec.step.step_job import Failure
from pipespec.step.traceback_frames import LONGEST_LINE, frame_lines, without_library_frames

__all__ = ["StepError", "causes", "describe", "one_line", "shown", "summary", "traceback_text"]

_LONGEST_MESSAGE: Final = 2_000
_LONGEST_TRACEBACK: Final = 64_000
_CHAIN_ENDS: Final = 5  # number of exceptions shown at each end of a chain
_MEMBERS: Final = 5  # number of exceptions shown of a group
_DEEPEST_GROUP: Final = 3

_FRAME: Final = 'File "'
"""Occurs in a text that may be the traceback of another process."""
_CAUSED: Final = "The above exception was the direct cause of the following exception:"
_DURING: Final = "During handling of the above exception, another exception occurred:"


class StepError(PipespecError):
    """A step fails for a reason that pipespec found. `kind` is one of the kinds of `Failure`.

    Its text is the whole message. If it is raised from another exception, the traceback of that exception is shown.
    `refused` is the place of recorded content that is gone or is not as recorded. `details` are lines that are shown
    below the message.
    """

    def __init__(self, kind: str, message: str, *, refused: str = "", details: str = "") -> None:
        self.kind = kind
        self.refused = refused
        self.details = details
        super().__init__(message)


def describe(error: BaseException, redact: Callable[[str], str] = str) -> Failure:
    """Turn the exception that ended a step into its failure. `redact` removes secrets from texts before they are cut."""
    if isinstance(error, StepError):
        cause = error.__cause__
        details = _printable(redact(error.details))
        trace = details if cause is None else traceback_text(cause, redact, is_told=False)
        return Failure(error.kind, one_line(redact(str(error))), trace, error.refused)
    if isinstance(error, StoreUnavailableError):
        return Failure("store", one_line(redact(str(error))), traceback_text(error, redact))
    kind = "exited" if isinstance(error, SystemExit) else "raised"
    return Failure(kind, summary(error, redact), traceback_text(error, redact))


def summary(error: BaseException, redact: Callable[[str], str] = str) -> str:
    """Return `ValueError: message` on one line of at most 2,000 characters."""
    if isinstance(error, SystemExit):
        return f"the function called sys.exit({one_line(redact(_exit_code(error)))}) instead of returning"
    text = redact(_text(error)) if (said := _command_failure(error, redact)) is None else said
    if isinstance(error, ModuleNotFoundError) and (other := other_environment()):
        return f"{one_line(f'{_type_name(error)}: {text}')} ({one_line(redact(other))})"
    return one_line(f"{_type_name(error)}: {text}" if text else _type_name(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that led to it, as a traceback shows them."""
    return (exception for _, exception in _chain(error))


def one_line(text: str) -> str:
    """Return the first line that is not empty, printable and of at most 2,000 characters."""
    lines = text[: 2 * _LONGEST_MESSAGE].strip().splitlines() or [""]
    more = " …" if len(lines) > 1 else ""
    return _cut(_printable(lines[0].rstrip()), _LONGEST_MESSAGE) + more


def shown(place: object) -> str:
    """Return a path or URI in quotes and in full: a shortened place cannot be opened."""
    return f"'{_printable(str(place))}'"


def traceback_text(error: BaseException, redact: Callable[[str], str] = str, *, is_told: bool = True) -> str:
    """Return the traceback as Python prints it, without frames of pipespec and most frames of libraries.

    `is_told` says that the exception's `summary` is displayed next to the traceback. A long text is then not repeated.
    """
    text = "\n".join(_lines(error, redact, 0, is_told=is_told))
    if len(text) > _LONGEST_TRACEBACK:
        half = _LONGEST_TRACEBACK // 2
        text = f"{text[:half]}\n[{counted(len(text) - 2 * half, 'character')} left out]\n{text[-half:]}"
    return _printable(text)


def _lines(
    error: BaseException, redact: Callable[[str], str], depth: int, *, is_told: bool = False
) -> Iterator[str]:
    chain = _chain(error)
    hidden = len(chain) - 2 * _CHAIN_ENDS
    for position, (link, exception) in enumerate(chain):
        if hidden > 0 and _CHAIN_ENDS <= position < _CHAIN_ENDS + hidden:
            if position == _CHAIN_ENDS:
                yield f"\n[{hidden} exceptions left out]"
            continue
        if link:
            yield f"\n{link}\n"
        yield from _one(exception, redact, depth, is_told=is_told and exception is error)


def _chain(error: BaseException) -> list[tuple[str, BaseException]]:
    """Return the exception and its causes, the first cause first, each with the words that connect it to the previous one."""
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


def _one(error: BaseException, redact: Callable[[str], str], depth: int, *, is_told: bool) -> Iterator[str]:
    frames = frame_lines(_attribute(error, "__traceback__"))
    if frames:
        yield "Traceback (most recent call last):"
        yield from frames
    if isinstance(error, SyntaxError):
        yield from _syntax_place(error)
    if (command := command_text(error, redact)) is None:
        text = redact(_text(error))
    else:
        text = "\n".join(_command_lines(error, "the command" if is_told else command, redact))
    text = _cut(without_library_frames(text) if _FRAME in text else text, _LONGEST_TRACEBACK // 4)
    yield f"{_type_name(error)}: {text}" if text else _type_name(error)
    notes = _attribute(error, "__notes__")
    if isinstance(notes, list | tuple):
        yield from (_cut(redact(note), _LONGEST_MESSAGE) for note in notes[:10] if isinstance(note, str))
    if isinstance(error, BaseExceptionGroup) and depth < _DEEPEST_GROUP:
        for position, member in enumerate(error.exceptions[:_MEMBERS], start=1):
            yield f"  [{position} of {len(error.exceptions)}]"
            yield from ("  " + line.replace("\n", "\n  ") for line in _lines(member, redact, depth + 1))


def _command_failure(error: BaseException, redact: Callable[[str], str]) -> str | None:
    """Say on one line which program failed, how, and its last output. Return None if the failure is not one of a program."""
    command = command_text(error, redact)
    if command is None:
        return None
    _, lines = last_lines(error, redact)
    return f"{command} {ending_text(error)}" + (f": {lines[-1].strip()}" if lines else "")


def _command_lines(error: BaseException, command: str, redact: Callable[[str], str]) -> Iterator[str]:
    """Say how a program ended, and the last lines that it wrote."""
    said = f"{command} {ending_text(error)}"
    stream, lines = last_lines(error, redact)
    if not lines:
        yield f"{said}; unless its output was redirected, it is in the step's log"
        return
    yield f"{said}; the end of its {stream}:"
    yield from (f"    {line}" for line in lines)


def _syntax_place(error: SyntaxError) -> Iterator[str]:
    file, line, text = (_attribute(error, name) for name in ("filename", "lineno", "text"))
    if isinstance(file, str):
        yield f'  File "{file}", line {line}'
    if isinstance(text, str) and text.strip():
        yield f"    {_cut(text.strip(), LONGEST_LINE)}"


def _text(error: BaseException) -> str:
    """Return `str(error)`, or a note that it failed: this runs user code."""
    try:
        return str.__str__(str(error))  # turn an instance of a subclass of str into a plain str
    except BaseException as trouble:  # noqa: BLE001 - also SystemExit: it is the second failure, and must not hide the first
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
    return (
        text
        if len(text) <= longest
        else f"{text[:longest]} … [{counted(len(text) - longest, 'character')} left out]"
    )


def _printable(text: str) -> str:
    """Escape characters that a terminal, a file in UTF-8 or a browser would not treat as plain text."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n\t" else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

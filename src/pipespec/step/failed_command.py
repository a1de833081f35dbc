"""Describe a program that a step started and that failed, from the exception of `subprocess`.

The exception's own text is the whole command line, however long, and contains nothing that the program printed.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterable
from typing import Any, Final

__all__ = ["command_text", "ending_text", "last_lines"]

_BEGINNING, _END = 120, 60  # maximum number of characters of a command line that are shown
_LAST_LINES: Final = 20
_LAST_CHARACTERS: Final = 4_000


def command_text(error: BaseException, redact: Callable[[str], str]) -> str | None:
    """Return the command line that failed, quoted and shortened; None for any other exception.

    Secrets are removed from each word before it is quoted or cut, because they might not be recognized afterwards.
    """
    if not isinstance(error, subprocess.CalledProcessError | subprocess.TimeoutExpired):
        return None
    line = " ".join(redact(_command_line(error.cmd, redact)).split())
    if len(line) > _BEGINNING + _END + 3:
        line = f"{line[:_BEGINNING]} … {line[-_END:]}"
    return f"'{line}'"


def ending_text(error: BaseException) -> str:
    """Say how the program of such an exception ended."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"did not end within {round(error.timeout, 2):g} s"
    code = getattr(error, "returncode", None)
    if isinstance(code, int) and code < 0:
        return f"was ended by {_signal_name(-code)}"
    return f"ended with exit code {code}"


def last_lines(error: BaseException, redact: Callable[[str], str]) -> tuple[str, list[str]]:
    """Return the last lines that such a program wrote, as far as they were captured, and the name of the stream."""
    for name, attribute in (("stderr", "stderr"), ("stdout", "output")):
        written: Any = getattr(error, attribute, None)
        text = written.decode(errors="replace") if isinstance(written, bytes) else written
        if isinstance(text, str) and text.strip():
            return name, redact(text).rstrip()[-_LAST_CHARACTERS:].splitlines()[-_LAST_LINES:]
    return "stderr", []


def _command_line(command: Any, redact: Callable[[str], str]) -> str:
    if isinstance(command, Iterable) and not isinstance(command, str | bytes):
        return " ".join(_word(word, redact) for word in command)
    return _text(command)


def _word(word: Any, redact: Callable[[str], str]) -> str:
    """Quote a word for a shell. A word with a secret in it is not quoted."""
    text = _text(word)
    cleaned = redact(text)
    return shlex.quote(text) if cleaned == text else cleaned


def _text(word: Any) -> str:
    return os.fsdecode(word) if isinstance(word, str | bytes | os.PathLike) else str(word)


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"

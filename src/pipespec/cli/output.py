"""Printing that tolerates the end of its reader: `pipespec plan FILE | head -1` is not an error, and no run fails because of it.

A result may also be written to a file, completely or not at all, and a page may be opened in the browser.
"""

from __future__ import annotations

import errno
import os
import sys
from contextvars import ContextVar
from pathlib import Path
from typing import Final, TextIO

import click

from pipespec.errors import PipespecError, UsageError
from pipespec.views.terminal_text import UNLIMITED, WIDTH

__all__ = [
    "PLAIN",
    "OutputLostError",
    "open_page",
    "open_streams",
    "say",
    "settle_streams",
    "show",
    "takes_colours",
    "use_fitting_width",
    "write_result",
]

_LEAST_WIDTH: Final = 40
_STDOUT: Final = 1
_STDERR: Final = 2
_NOBODY: Final = (errno.EPIPE, errno.EIO, errno.ENXIO)
"""The error of a write after its reader has ended, or its terminal was closed."""
PLAIN: Final = ContextVar("PLAIN", default=False)
"""True if the command line requests no colours."""


class OutputLostError(PipespecError):
    """The result exists, but cannot be printed."""


def show(text: str, *, err: bool = False) -> None:
    """Print what a view formatted for people, in colours if they are wanted."""
    is_coloured = takes_colours(sys.stderr if err else sys.stdout)
    if is_coloured:
        from pipespec.cli.colours import coloured

        text = coloured(text)
    say(text, err=err, keeps_colours=is_coloured)


def say(text: str, *, err: bool = False, newline: bool = True, keeps_colours: bool = False) -> None:
    """Print to stdout, or with `err` to stderr. If the reader has ended, print nothing from now on.

    Raises:
        OutputLostError: if stdout goes to something that cannot accept it.
    """
    stream = sys.stderr if err else sys.stdout
    try:
        click.echo(text, err=err, nl=newline, color=True if keeps_colours else None)
        stream.flush()
    except OSError as error:
        _forget(stream)
        if not err and error.errno not in _NOBODY:
            why = (error.strerror or str(error)).lower()
            raise OutputLostError(
                f"what was asked for could not be written to standard output: {why}"
            ) from error


def open_streams() -> None:
    """Give the process the standard streams that were closed when it started, so that no file of ours gets their numbers."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdout = sys.stdout or open(_STDOUT, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - it is not a path
    sys.stderr = sys.stderr or open(_STDERR, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def settle_streams() -> None:
    """Flush the remaining output before Python does it: if writing fails, Python would set its own exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _forget(stream)


def _forget(stream: TextIO) -> None:
    """Discard what remains in the buffer, and everything that follows."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_result(path: Path, text: str) -> None:
    """Write a result to a file, completely or not at all.

    Raises:
        UsageError: if it cannot be written.
    """
    target = path.absolute()
    partial = target.parent / f".{target.name}.{os.getpid()}"
    try:
        partial.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(f"'{path}' cannot be written: {error.strerror or error}") from error


def use_fitting_width() -> None:
    """Format text with the width in the variable COLUMNS, within limits; otherwise that of the terminal; in a pipe, without wrapping."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdecimal() and len(asked) < 6:
        WIDTH.set(max(int(asked), _LEAST_WIDTH))
    elif not sys.stdout.isatty():
        WIDTH.set(UNLIMITED)
    elif columns := os.get_terminal_size(sys.stdout.fileno()).columns:  # some terminals say 0
        WIDTH.set(max(columns, _LEAST_WIDTH))


def open_page(path: str | Path) -> None:
    """Open a page, a written file or an address, in the user's browser. If there is none, say where the page is."""
    import webbrowser

    is_address = isinstance(path, str) and path.startswith(("http://", "https://"))
    address = str(path) if is_address else Path(path).absolute().as_uri()
    if not webbrowser.open(address):
        say(f"there is no browser to open {address}", err=True)


def takes_colours(stream: TextIO) -> bool:
    """Return whether to use colours. Users can switch them off (https://no-color.org) or on.

    Otherwise, they are used on a terminal that supports them.
    """
    if PLAIN.get() or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"

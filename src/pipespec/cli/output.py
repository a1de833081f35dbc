"""Printing that outlives its reader: `pipespec plan FILE | head -1` is no error, and no run fails by it.

A result may also go to a file, which is then whole or not there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

import click

from pipespec.errors import UsageError

__all__ = ["say", "show", "write_result"]


def show(text: str, *, err: bool = False) -> None:
    """Print what a view laid out for people, in colours where they are wanted."""
    if _takes_colours(sys.stderr if err else sys.stdout):
        from pipespec.cli.colours import coloured

        text = coloured(text)
    say(text, err=err)


def say(text: str, *, err: bool = False, newline: bool = True) -> None:
    """Print to stdout, or with `err` to stderr. Where nobody reads any more, say nothing from now on."""
    stream = sys.stderr if err else sys.stdout
    try:
        click.echo(text, err=err, nl=newline)
        stream.flush()
    except BrokenPipeError:
        # What is left in the buffer must go somewhere when Python closes the stream at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_result(path: Path, text: str) -> None:
    """Write a result to a file, whole or not at all.

    Raises:
        UsageError: where it cannot be written.
    """
    target = path.absolute()
    partial = target.parent / f".{target.name}.{os.getpid()}"
    try:
        partial.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(f"'{path}' cannot be written: {error.strerror or error}") from error


def _takes_colours(stream: TextIO) -> bool:
    """Say whether colours help: a terminal that knows them, and nobody who asked for none (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"

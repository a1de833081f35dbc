"""Printing that outlives its reader: `pipespec plan FILE | head -1` is no error, and no run fails by it."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import click

__all__ = ["say", "show"]


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


def _takes_colours(stream: TextIO) -> bool:
    """Say whether colours help: a terminal that knows them, and nobody who asked for none (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"

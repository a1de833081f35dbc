"""Printing that outlives its reader: `pipespec plan FILE | head -1` is no error, and no run fails by it."""

from __future__ import annotations

import os
import sys

import click

__all__ = ["say"]


def say(text: str, *, err: bool = False, newline: bool = True) -> None:
    """Print to stdout, or with `err` to stderr. Where nobody reads any more, say nothing from now on."""
    stream = sys.stderr if err else sys.stdout
    try:
        click.echo(text, err=err, nl=newline)
        stream.flush()
    except BrokenPipeError:
        # What is left in the buffer must go somewhere when Python closes the stream at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

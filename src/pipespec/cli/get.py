"""`pipespec get`: fetch an output."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipespec import api
from pipespec.cli.options import file_argument, layers
from pipespec.cli.output import say


@click.command()
@file_argument
@click.argument("output", metavar="STEP.OUTPUT")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@layers
def get(
    file: str, output: str, path: Path | None, overlays: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Fetch an output of a complete step to PATH (its own name here, when left out).

    Its content is checked against the recorded digest. A file goes to standard output where PATH is '-'.
    """
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    if path == Path("-"):
        sys.stdout.buffer.write(pipeline.read_bytes(output))
    else:
        say(str(pipeline.get(output, path)))

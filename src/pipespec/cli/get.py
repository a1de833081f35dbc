"""`pipespec get`: copy an output of a step to a file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipespec import api
from pipespec.cli.options import completed, file_argument, layers
from pipespec.cli.output import say
from pipespec.cli.pipeline_command import PipelineCommand


@click.command(cls=PipelineCommand)
@file_argument
@click.argument("output", metavar="STEP.OUTPUT", shell_complete=completed("outputs"))
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace what is at PATH.")
@layers
def get(
    file: str,
    output: str,
    path: Path | None,
    force: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Copy an output of a complete step to PATH.

    If PATH is left out, the output is written to the current folder under its own file name. If PATH is a folder, the output
    is written into it. If PATH is '-', a file is written to standard output. The content is checked against the recorded
    digest. Something different that already exists is only replaced with --force.

    'step.output/part' is one file of a folder. 'step[*].output' are the outputs of all variants, each in its own folder
    in PATH. 'run:ID.output' is the output of a certain MLflow run of a step, where the first digits of the id are enough.
    """
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    if path == Path("-"):
        sys.stdout.buffer.write(pipeline.read_bytes(output))
    else:
        say(str(pipeline.get(output, path, force=force)))

"""`pipespec reproduce`: run a past run again, and compare the results with the recorded ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.numbers import Number, WholeNumber
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say, show
from pipespec.cli.pipeline_command import StoreCommand
from pipespec.cli.termination import ended_by_sigterm
from pipespec.views import reproduction_view as view


@click.command(cls=StoreCommand)
@file_argument
@click.argument("run", metavar="RUN")
@click.option(
    "--tolerance",
    metavar="NUMBER",
    type=Number(0),
    default=0.0,
    show_default=True,
    help="Numbers in text files, and metrics, count as equal if they differ by no more than this; numbers beyond 1, relative to"
    " the larger one.",
)
@click.option(
    "--environment",
    type=click.Choice(["uv"]),
    help="Run in a new environment with the recorded versions of Python and packages, made by uv.  [default: what is installed now]",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Make the work tree and the new results in this folder, which must not exist.  [default: a temporary folder]",
)
@click.option("--keep", is_flag=True, help="Leave that folder. Otherwise it is always removed.")
@click.option(
    "-j",
    "--jobs",
    type=WholeNumber(1, 1024),
    help="Number of steps to run in parallel, as for 'pipespec run'.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@format_option("text", "json")
@layers
def reproduce(
    file: str | None,
    run: str,
    tolerance: float,
    environment: Literal["uv"] | None,
    folder: Path | None,
    keep: bool,
    jobs: int | None,
    quiet: bool,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> int:
    """Run a past run again, and compare its outputs and metrics with the recorded ones.

    RUN is the id of an MLflow run, or its first digits: that of an invocation, or that of a step, which is run with the steps
    upstream of it. FILE only says which tracking store is read.

    The recorded commit is checked out in a temporary git worktree. Changes that were not committed are applied, and the recorded
    pipeline is run there with its values, seeds and secrets. Nothing is reused, and nothing is recorded in the tracking store. Data
    that git does not have is read from the project, and must be what it was.

    The exit code is 0 if everything is the same or within the tolerance, and 1 if something differs.
    """
    with ended_by_sigterm():
        found = api.reproduce(
            run,
            file,
            overlays=overlays,
            overrides=overrides,
            tolerance=tolerance,
            environment=environment,
            folder=folder,
            keep=keep,
            workers=jobs,
            quiet=quiet,
        )
    if format_ == "json":
        say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
    else:
        show(view.render_text(found))
    return exit_codes.of_reproduction(found)

"""`pipespec logs`: the log of a step's last attempt."""

from __future__ import annotations

import click

from pipespec import api
from pipespec.cli.options import file_argument
from pipespec.cli.output import say


@click.command()
@file_argument
@click.argument("step")
@click.option("-f", "--follow", is_flag=True, help="Go on printing while the step runs.")
@click.option("--overlay", "overlays", metavar="FILE", type=click.Path(), multiple=True, help="As for run.")
@click.option("--set", "overrides", metavar="PATH=VALUE", multiple=True, help="As for run.")
def logs(file: str, step: str, follow: bool, overlays: tuple[str, ...], overrides: tuple[str, ...]) -> None:
    """Show the log of a step's last attempt, whatever became of it."""
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    for piece in pipeline.logs(step, follow=follow):
        say(piece, newline=False)

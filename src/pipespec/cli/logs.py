"""`pipespec logs`: the log of a step's last attempt."""

from __future__ import annotations

import click

from pipespec import api
from pipespec.cli.options import completed, env_option, file_argument, tracking_option
from pipespec.cli.output import say
from pipespec.cli.pipeline_command import PipelineCommand


@click.command(cls=PipelineCommand)
@file_argument
@click.argument("step", shell_complete=completed("steps"))
@click.option("-f", "--follow", is_flag=True, help="Continue to print while the step runs.")
@click.option(
    "--overlay", "overlays", metavar="FILE", type=click.Path(), multiple=True, help="Same as for 'run'."
)
@env_option
@click.option(
    "--set",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    shell_complete=completed("paths"),
    help="Same as for 'run'.",
)
@tracking_option
def logs(file: str, step: str, follow: bool, overlays: tuple[str, ...], overrides: tuple[str, ...]) -> None:
    """Show the log of a step's last attempt, whether it is running, finished or failed.

    STEP can also be run:ID, a certain MLflow run of a step, where the first digits of the id are enough.
    """
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    for piece in pipeline.logs(step, follow=follow):
        say(piece, newline=False)

"""`pipespec ui`: MLflow's pages for a pipeline, or Luigi's."""

from __future__ import annotations

import sys

import click

from pipespec import api
from pipespec.cli.numbers import WholeNumber
from pipespec.cli.options import file_argument, layers
from pipespec.cli.output import open_page, say
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.cli.termination import ended_by_sigterm


@click.command(cls=PipelineCommand)
@file_argument
@click.option(
    "--luigi", is_flag=True, help="Show the steps of a run in Luigi's visualiser instead, by a luigid."
)
@click.option(
    "--port",
    metavar="N",
    type=WholeNumber(1, 65535),
    help="Port of the server that is started.  [default: a free one]",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@layers
def ui(
    file: str,
    luigi: bool,
    port: int | None,
    opens: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Show the runs of a pipeline in MLflow's pages.

    If the tracking store is a server, the link to the pipeline's runs is printed. Otherwise MLflow's server is started for the
    store, on this machine only, and the link is printed when the page is ready. Ctrl-C ends the server.

    With --luigi, luigid is started in the same way, and its link is printed. 'pipespec run --scheduler URL' shows a run there.
    If the pipeline sets 'engine.scheduler', only the link to its page is printed.
    """
    if sys.stderr.isatty():
        say("looking for the page; a server takes up to a minute to start", err=True)
    with (
        ended_by_sigterm(),
        api.open_pages(file, overlays=overlays, overrides=overrides, luigi=luigi, port=port) as pages,
    ):
        say(pages.address)
        if opens:
            open_page(pages.address)
        if pages.process is None:
            return
        if luigi:
            say(f"show a run there with: pipespec run --scheduler {pages.base}", err=True)
        say("Ctrl-C ends the server", err=True)
        try:
            pages.wait()
        except KeyboardInterrupt:  # this is the normal end
            say("", err=True)

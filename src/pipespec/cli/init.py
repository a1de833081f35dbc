"""`pipespec init`: create a small example project."""

from __future__ import annotations

from pathlib import Path

import click

from pipespec import api
from pipespec.cli.options import completed
from pipespec.cli.output import say, show
from pipespec.views import init_view


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--template",
    metavar="NAME",
    default="minimal",
    show_default=True,
    shell_complete=completed("templates"),
    help="What the pipeline does. minimal: fit a curve; sklearn: train a classifier; sweep: try all points of a matrix and"
    " keep the best; sql: query a database.",
)
def init(folder: Path, template: str) -> None:
    """Create a small example project in FOLDER (default: the current folder).

    Existing files are never overwritten. A README that is there is kept, and .gitignore gets the lines that it lacks. If
    another file of the template is there, nothing is created.
    """
    made = api.init(folder, template=template)
    for file in made.files:
        say(str(file))
    show(init_view.render_text(made), err=True)

"""`pipespec init`: a small project that runs."""

from __future__ import annotations

from pathlib import Path

import click

from pipespec import api
from pipespec.cli.output import say


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
def init(folder: Path) -> None:
    """Make a small project that runs, in FOLDER (this one, when left out).

    Never overwrites a file.
    """
    for written in api.init(folder):
        say(written)
    say(
        f"now: cd {folder} && pipespec run pipeline.yaml"
        if folder != Path()
        else "now: pipespec run pipeline.yaml",
        err=True,
    )

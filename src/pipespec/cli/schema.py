"""`pipespec schema`: the JSON schema of pipeline files, or of one with the names that it knows."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.options import layers
from pipespec.cli.output import say


@click.command()
@click.option(
    "--for",
    "file",
    metavar="FILE",
    type=click.Path(),
    help="Make it for this pipeline: with the names of its steps and outputs, and the arguments of its functions.",
)
@layers
def schema(file: str | None, overlays: tuple[str, ...], overrides: tuple[str, ...]) -> None:
    """Print the JSON schema of pipeline files.

    An editor that speaks YAML schemas uses it through a first line such as
    '# yaml-language-server: $schema=pipeline.schema.json'.

    With --for it completes references and arguments, too, and shows what functions say of themselves. Nothing of
    the project is imported. FILE may have mistakes; print the schema anew when steps or signatures have changed.
    """
    if file is None and (overlays or overrides):
        raise click.UsageError("layers are laid over a pipeline: name it by --for")
    found = api.schema() if file is None else api.schema(file, overlays=overlays, overrides=overrides)
    say(json.dumps(found, indent=2, ensure_ascii=False))

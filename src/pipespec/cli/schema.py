"""`pipespec schema`: the JSON schema of pipeline files."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.output import say


@click.command()
def schema() -> None:
    """Print the JSON schema of pipeline files.

    An editor that speaks YAML schemas uses it through a first line such as
    '# yaml-language-server: $schema=pipeline.schema.json'.
    """
    say(json.dumps(api.schema(), indent=2, ensure_ascii=False))

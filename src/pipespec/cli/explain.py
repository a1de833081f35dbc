"""`pipespec explain`: why a step would run, or which run it reuses."""

from __future__ import annotations

import json
import time

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say, show
from pipespec.views import explain as view


@click.command()
@file_argument
@click.argument("step", metavar="STEP")
@format_option("text", "json")
@layers
def explain(
    file: str, step: str, format_: str, overlays: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Say why a step would run, or which run it reuses; write nothing.

    Each part of its key, old and new, against the nearest past run: params with the line that sets them, code with
    its diff, inputs with the steps that made them anew. STEP is a name, or a variant: train[depth=4].
    """
    found = api.load(file, overlays=overlays, overrides=overrides).explain(step)
    if format_ == "json":
        say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
    else:
        show(view.render_text(found, now=time.time()))

"""`pipespec explain`: why a step would run, or which run it reuses."""

from __future__ import annotations

import json
import time

import click

from pipespec import api
from pipespec.cli.options import completed, file_argument, format_option, layers
from pipespec.cli.output import say, show
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.views import explain_view as view


@click.command(cls=PipelineCommand)
@file_argument
@click.argument("step", metavar="STEP", shell_complete=completed("steps"))
@format_option("text", "json")
@layers
def explain(
    file: str, step: str, format_: str, overlays: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Show why a step would run, or which run it reuses. Nothing is written.

    The step is compared with its nearest past run. For each part of the key that differs, the old and the new value are
    shown: a param with the line that sets it, code with a diff, an input with the steps that produced it again.

    STEP is a name or a variant, for example train[depth=4].
    """
    found = api.load(file, overlays=overlays, overrides=overrides).explain(step)
    if format_ == "json":
        say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
    else:
        show(view.render_text(found, now=time.time()))

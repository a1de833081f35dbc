"""`pipespec status`: the state of each step."""

from __future__ import annotations

import json
import time

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers, targets_argument
from pipespec.cli.output import say, show
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.views import status_view as view


@click.command(cls=PipelineCommand)
@file_argument
@targets_argument
@format_option("text", "json")
@layers
def status(
    file: str, targets: tuple[str, ...], format_: str, overlays: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Show the state of each step: complete, stale, missing, running, failed or interrupted."""
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    states = pipeline.status(*targets)
    now = time.time()
    if format_ == "json":
        say(json.dumps(view.to_json(states, store=pipeline.store, now=now), indent=2, ensure_ascii=False))
    else:
        show(view.render_text(states, store=pipeline.store, now=now))

"""`pipespec graph`: the steps and what they hand on."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say, show
from pipespec.views import graph as view


@click.command()
@file_argument
@format_option("text", "mermaid", "dot", "json")
@click.option(
    "--status", "with_status", is_flag=True, help="Colour the steps by their state; reads the tracking store."
)
@layers
def graph(
    file: str, format_: str, with_status: bool, overlays: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Draw the steps and what they hand on.

    Without --status this runs nothing of the project, reads no environment variable and opens no connection.
    """
    pipeline = api.load(file, overlays=overlays, overrides=overrides, trusted=with_status)
    states = {each.step: each.state for each in pipeline.status()} if with_status else None
    match format_:
        case "mermaid":
            say(view.to_mermaid(pipeline.spec, states))
        case "dot":
            say(view.to_dot(pipeline.spec, states))
        case "json":
            say(json.dumps(view.to_json(pipeline.spec, states), indent=2, ensure_ascii=False))
        case _:
            show(view.render_text(pipeline.spec, states))

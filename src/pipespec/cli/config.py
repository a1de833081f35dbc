"""`pipespec config`: the resolved document, and where its values come from."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say
from pipespec.views import document as view


@click.command()
@file_argument
@click.option("--origin", is_flag=True, help="Show the file, line and layer that set each value.")
@click.option(
    "--diff", "compare", is_flag=True, help="Show what overlays and --set change: base, overlay, effective."
)
@format_option("text", "json")
@layers
def config(
    file: str,
    origin: bool,
    compare: bool,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Show the resolved document: all layers laid over each other, references replaced.

    Secrets stay references. Layers, lowest first: includes, FILE, overlays (-f), --set.
    """
    document = api.load(file, overlays=overlays, overrides=overrides).spec.document
    if compare:
        base = api.load(file).spec.document
        say(view.render_comparison(view.compared(base, document)))
    elif format_ == "json":
        say(json.dumps(view.origins_to_json(document), indent=2, ensure_ascii=False))
    else:
        say(view.to_yaml(document, with_origin=origin), newline=False)

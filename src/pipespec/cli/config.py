"""`pipespec config`: the resolved document, and the origin of each value."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.views import document_view as view


@click.command(cls=PipelineCommand)
@file_argument
@click.option("--origin", is_flag=True, help="Show the file, line and layer that set each value.")
@click.option(
    "--diff",
    "compare",
    is_flag=True,
    help="Show only the values that overlays and --set change: before, by which layer, and after.",
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
    """Show the resolved document: all layers merged, all references replaced by their values.

    With --origin, the output ends with the defaults of options that variables PIPESPEC_* and [tool.pipespec] in
    pyproject.toml set. Secrets stay references. Later layers override earlier ones: includes, FILE, overlays (-f), --set.
    """
    pipeline = api.load(file, overlays=overlays, overrides=overrides, requires_values=False)
    if compare:
        changes = view.compared(pipeline.file_document(), pipeline.document)
        as_json = format_ == "json"
        say(_json(view.comparison_to_json(changes)) if as_json else view.render_comparison(changes))
    elif format_ == "json":
        say(_json(view.origins_to_json(pipeline.document)))
    else:
        say(view.to_yaml(pipeline.document, with_origin=origin), newline=False)
        if origin:
            say(view.option_lines(api.option_defaults(file)), newline=False)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)

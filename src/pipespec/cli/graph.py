"""`pipespec graph`: the steps and the outputs that connect them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import open_page, say, show, write_result
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.views.graph.portrait import Portrait

_BY_SUFFIX: Final = {".dot": "dot", ".html": "html", ".json": "json", ".mmd": "mermaid", ".svg": "svg"}


@click.command(cls=PipelineCommand, trusts="with_status")
@file_argument
@format_option("text", "mermaid", "dot", "json", "svg", "html")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write to this file instead of standard output. Without --format, its suffix chooses the format: .html, .svg, .dot, .mmd or"
    " .json.",
)
@click.option(
    "--open", "opens", is_flag=True, help="Open the page in the browser. Needs --format html and -o."
)
@click.option(
    "--status",
    "with_status",
    is_flag=True,
    help="Show the state and the last run of each step. Reads the tracking store.",
)
@layers
def graph(
    file: str,
    format_: str,
    output: Path | None,
    opens: bool,
    with_status: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Draw the steps and the outputs that connect them.

    'html' is a single page that works offline. It has a search, variants can be expanded, and a click on a step shows its
    function, its params and where they are set, its outputs and its run. 'svg' is a picture; it needs
    'pip install pipespec[svg]'.

    Without --status, the command runs no project code, reads no environment variables and opens no connections.
    """
    if output is not None and _is_default("format_"):
        format_ = _BY_SUFFIX.get(output.suffix, format_)
    if opens and (output is None or format_ != "html"):
        raise click.UsageError("--open needs a page; add --format html -o PATH")
    pipeline = api.load(file, overlays=overlays, overrides=overrides, trusted=with_status)
    drawn = _drawn(pipeline.portrait(status=with_status), format_)
    if output is not None:
        write_result(output, drawn)
        if opens:
            open_page(output)
    elif format_ == "text":
        show(drawn)
    else:
        say(drawn, newline=not drawn.endswith("\n"))


def _is_default(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.DEFAULT


def _drawn(portrait: Portrait, format_: str) -> str:
    """Draw with the view of a format. Each view is imported only when it is needed."""
    match format_:
        case "mermaid":
            from pipespec.views.graph.mermaid import to_mermaid

            return to_mermaid(portrait.spec, portrait.states)
        case "dot":
            from pipespec.views.graph.dot import to_dot

            return to_dot(portrait.spec, portrait.states)
        case "json":
            from pipespec.views.graph.portrait import to_json

            return json.dumps(to_json(portrait), indent=2, ensure_ascii=False)
        case "svg":
            from pipespec.views.graph.svg import to_svg

            return to_svg(portrait.spec, portrait.states)
        case "html":
            from pipespec.views.graph.graph_page import to_html

            return to_html(portrait)
        case _:
            from pipespec.views.graph.graph_text import render_text

            return render_text(portrait.spec, portrait.states)

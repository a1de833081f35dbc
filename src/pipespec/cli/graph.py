"""`pipespec graph`: the steps and what they hand on."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say, show, write_result
from pipespec.views.graph.portrait import Portrait


@click.command()
@file_argument
@format_option("text", "mermaid", "dot", "json", "svg", "html")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write to this file, not to stdout.",
)
@click.option(
    "--status",
    "with_status",
    is_flag=True,
    help="Colour the steps by their state, and tell of their runs; reads the tracking store.",
)
@layers
def graph(
    file: str,
    format_: str,
    output: Path | None,
    with_status: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Draw the steps and what they hand on.

    'html' is one page that opens offline: search it, open variants, click a step for its function, params and
    where they were set, outputs and run. 'svg' is a picture, and needs 'pip install pipespec[svg]'.

    Without --status this runs nothing of the project, reads no environment variable and opens no connection.
    """
    pipeline = api.load(file, overlays=overlays, overrides=overrides, trusted=with_status)
    drawn = _drawn(pipeline.portrait(status=with_status), format_)
    if output is not None:
        write_result(output, drawn)
    elif format_ == "text":
        show(drawn)
    else:
        say(drawn, newline=not drawn.endswith("\n"))


def _drawn(portrait: Portrait, format_: str) -> str:
    """Draw by the view of a format; each is imported only where it is asked for."""
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
            from pipespec.views.graph.page import to_html

            return to_html(portrait)
        case _:
            from pipespec.views.graph.text import render_text

            return render_text(portrait.spec, portrait.states)

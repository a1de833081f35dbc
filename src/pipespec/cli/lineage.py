"""`pipespec lineage`: from what a run's outputs were produced, and what was produced from them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import open_page, say, show, write_result
from pipespec.cli.pipeline_command import StoreCommand


@click.command(cls=StoreCommand)
@file_argument
@click.argument("run", metavar="RUN")
@click.option("--up", is_flag=True, help="Only show what made the run's outputs.")
@click.option("--down", is_flag=True, help="Only show what was made from them.")
@format_option("text", "mermaid", "json", "html")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write to this file instead of standard output.",
)
@click.option(
    "--open", "opens", is_flag=True, help="Open the page in the browser. Needs --format html and -o."
)
@layers
def lineage(
    file: str | None,
    run: str,
    up: bool,
    down: bool,
    format_: str,
    output: Path | None,
    opens: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Show what made the outputs of a step's run, and what was made from them, through all pipelines of the tracking store.

    RUN is the id of an MLflow run, its first digits, or a version of a registered model, such as
    models:/news-classifier@champion or models:/news-classifier/3. FILE only says which tracking store is read. Everything comes from
    the records: the pipelines need not exist any more.
    """
    if opens and (output is None or format_ != "html"):
        raise click.UsageError("--open needs a page; add --format html -o PATH")
    found = api.lineage(
        run, file, overlays=overlays, overrides=overrides, up=up or not down, down=down or not up
    )
    now = time.time()
    match format_:
        case "html":
            from pipespec.views.lineage_page import to_html

            drawn = to_html(found, now=now)
        case "json":
            from pipespec.views.lineage_view import to_json

            drawn = json.dumps(to_json(found), indent=2, ensure_ascii=False) + "\n"
        case "mermaid":
            from pipespec.views.lineage_view import to_mermaid

            drawn = to_mermaid(found)
        case _:
            from pipespec.views.lineage_view import render_text

            drawn = render_text(found, now=now)
    if output is not None:
        write_result(output, drawn)
        if opens:
            open_page(output)
    elif format_ == "text":
        show(drawn)
    else:
        say(drawn, newline=False)

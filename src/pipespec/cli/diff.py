"""`pipespec diff`: what differs between two pipelines, and what would run again."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.options import format_option, layers
from pipespec.cli.output import say, show
from pipespec.views import diff as view


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="[B]", required=False)
@format_option("text", "markdown", "json")
@click.option(
    "--records",
    is_flag=True,
    help="Ask the store which results of B are there already, and how long the rest may take; B, a file, is trusted as by"
    " 'run'.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 when anything differs.")
@layers
@click.pass_context
def diff(
    ctx: click.Context,
    a: str,
    b: str | None,
    format_: str,
    records: bool,
    exit_code: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Say what differs between two pipelines, and what would run again.

    A and B are each a file, a file as git has it (news.yaml@main), or what a past run ran (run:ID, an MLflow run). Alone,
    a file is compared with the last commit, a run with its file as it is now. -f and --set are laid over B.

    The content of inputs is taken as unchanged. Without --records and runs, nothing of the project is run, no
    environment variable is read and no connection is opened.
    """
    found = api.diff(a, b, overlays=overlays, overrides=overrides, records=records)
    match format_:
        case "json":
            say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
        case "markdown":
            say(view.render_markdown(found), newline=False)
        case _:
            show(view.render_text(found))
    if exit_code and not found.is_empty:
        ctx.exit(1)

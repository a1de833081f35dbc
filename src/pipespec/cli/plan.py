"""`pipespec plan`: what a run would do, and why."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.options import file_argument, force_option, format_option, layers, targets_argument
from pipespec.cli.output import say, show
from pipespec.views import plan as view


@click.command()
@file_argument
@targets_argument
@force_option
@format_option("text", "json")
@click.option(
    "--verify", is_flag=True, help="Check the content of recorded outputs too, not only that they are there."
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 1024),
    help="Say how long it takes with so many steps at once, by default as the pipeline's 'engine' says.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 when anything would run.")
@layers
@click.pass_context
def plan(
    ctx: click.Context,
    file: str,
    targets: tuple[str, ...],
    force: tuple[str, ...],
    format_: str,
    verify: bool,
    jobs: int | None,
    exit_code: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Say what would run, what is reused, and why; write nothing.

    STEP is a name, a variant (train[depth=4]), a glob or tag:NAME; all that it needs is included. Without one,
    all steps.
    """
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    found = pipeline.plan(*targets, force=force, verify=verify)
    workers = jobs or found.pipeline.engine.workers or 1
    if format_ == "json":
        say(json.dumps(view.to_json(found, workers=workers), indent=2, ensure_ascii=False))
    else:
        show(view.render_text(found, workers=workers))
    if exit_code and not found.is_complete:
        ctx.exit(1)

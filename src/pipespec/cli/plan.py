"""`pipespec plan`: what a run would do, and why."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.numbers import WholeNumber
from pipespec.cli.options import file_argument, force_option, format_option, layers, targets_argument
from pipespec.cli.output import say, show
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.views import plan_view as view


@click.command(cls=PipelineCommand)
@file_argument
@targets_argument
@force_option
@format_option("text", "json")
@click.option(
    "--verify", is_flag=True, help="Check the content of recorded outputs, not only that they exist."
)
@click.option(
    "-j",
    "--jobs",
    type=WholeNumber(1, 1024),
    help="Number of parallel steps to assume for the time estimate.  [default: 'engine.workers' of the pipeline, else 1]",
)
@click.option("--exit-code", is_flag=True, help="Exit with code 1 if any step would run.")
@layers
def plan(
    file: str,
    targets: tuple[str, ...],
    force: tuple[str, ...],
    format_: str,
    verify: bool,
    jobs: int | None,
    exit_code: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> int:
    """Show which steps would run, which are reused, and why. Nothing is written.

    STEP is a name, a variant (train[depth=4]), a glob pattern or tag:NAME. The plan includes the steps that it needs.
    Without STEP, the plan includes all steps.
    """
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    found = pipeline.plan(*targets, force=force, verify=verify)
    workers = found.pipeline.engine.workers_for(jobs)
    if format_ == "json":
        say(
            json.dumps(
                view.to_json(found, store=pipeline.store, workers=workers), indent=2, ensure_ascii=False
            )
        )
    else:
        show(view.render_text(found, store=pipeline.store, workers=workers))
    return exit_codes.of_plan(found, asked=exit_code)

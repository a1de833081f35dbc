"""`pipespec run`: run the steps that are not complete."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.activity_line import hide_activities
from pipespec.cli.carry_out import RunOptions, show_report
from pipespec.cli.options import file_argument, format_option, layers, run_options, targets_argument
from pipespec.cli.output import open_page, say, show
from pipespec.cli.pipeline_command import PipelineCommand

if TYPE_CHECKING:
    from pipespec.api import Pipeline


@click.command(cls=PipelineCommand)
@file_argument
@targets_argument
@run_options
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would run, like 'pipespec plan'.")
@click.option(
    "--pdb",
    "debug",
    is_flag=True,
    help="Run a single step in this process, and start the debugger if it raises an exception.",
)
@click.option(
    "--open", "opens", is_flag=True, help="Open the page of --report in the browser when the run ends."
)
@format_option("text", "json")
@layers
def run(
    file: str,
    targets: tuple[str, ...],
    dry_run: bool,
    debug: bool,
    opens: bool,
    format_: str,
    **options: Any,
) -> int:
    """Run the given steps and the steps that they need, except those that are already complete.

    STEP is a name, a variant (train[depth=4]), a glob pattern or tag:NAME. Without STEP, all steps are run. A step is
    complete if MLflow has a finished run with its key. 'pipespec plan' shows in advance what will run and why.

    A sweep runs the pipeline at several points: --sweep params.depth=4,8 --sweep "params.seed=range(0,3)" gives 6
    points. Values are YAML scalars, [lists] or {mappings}, separated by commas. If a step differs between points, its
    name shows the difference: 'train{depth=4}'. If a sweep is repeated, only points that are not complete run.

    After a failure, steps that are running finish, and no new step starts. To resume, repeat the command.

    If a run executes at least one step, its report is stored as the artifact pipespec/report.html of the invocation's
    MLflow run. The report shows what ran and why, when and for how long, metrics compared with earlier runs, and outputs.
    """
    asked = RunOptions(**options, command=shlex.join(["pipespec", *sys.argv[1:]]))
    _require_together(asked, dry_run=dry_run, opens=opens)
    if asked.quiet:
        hide_activities()
    if not (dry_run or asked.sweeps or asked.force or asked.verify or asked.report):
        layers = {"overlays": asked.overlays, "overrides": asked.overrides}
        known = api.remembered_run(file, *targets, **layers)
        if known is not None:
            return show_report(known, format_, asked.command, quiet=asked.quiet)
    pipeline = asked.load(file)
    if dry_run:
        return _show_plan(pipeline, targets, asked, format_)
    done = asked.run(pipeline, targets, debug=debug)
    if opens and asked.report is not None:
        open_page(asked.report)
    return show_report(done, format_, asked.command, quiet=asked.quiet)


def _require_together(asked: RunOptions, *, dry_run: bool, opens: bool) -> None:
    if dry_run and asked.report is not None:
        raise click.UsageError(
            "--dry-run cannot be combined with --report, because nothing runs; remove one of them"
        )
    if opens and asked.report is None:
        raise click.UsageError("--open needs a page; add --report FILE")
    if asked.quiet and (asked.verbose or dry_run):
        other = "--verbose" if asked.verbose else "--dry-run"
        raise click.UsageError(f"--quiet cannot be combined with {other}; remove one of them")


def _show_plan(pipeline: Pipeline, targets: tuple[str, ...], asked: RunOptions, format_: str) -> int:
    from pipespec.views import plan_view

    planned = pipeline.plan(*targets, force=asked.force, verify=asked.verify)
    slots = planned.pipeline.engine.workers_for(asked.jobs)
    if format_ == "json":
        answer = plan_view.to_json(planned, store=pipeline.store, workers=slots)
        say(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        show(plan_view.render_text(planned, store=pipeline.store, workers=slots))
    return exit_codes.of_plan(planned, asked=False)

"""`pipespec run`: run what is not complete."""

from __future__ import annotations

import json
import signal
import sys

import click

from pipespec import api
from pipespec.cli.options import file_argument, force_option, format_option, layers, targets_argument
from pipespec.cli.output import say, show
from pipespec.cli.progress import open_progress
from pipespec.plan.model import RunReport
from pipespec.plan.remaining import Remaining
from pipespec.views import plan as plan_view
from pipespec.views import run as view


@click.command()
@file_argument
@targets_argument
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Run so many steps at once.",
)
@force_option
@click.option(
    "--keep-going", is_flag=True, help="After a failure, run everything that does not depend on it."
)
@click.option("--dry-run", is_flag=True, help="Only say what would run, as 'pipespec plan' does.")
@click.option(
    "--verify", is_flag=True, help="Check the content of recorded outputs too, not only that they are there."
)
@click.option("-v", "--verbose", is_flag=True, help="Stream the steps' logs.")
@click.option("--scheduler", metavar="URL", help="Show the run in this luigid, as http://127.0.0.1:8082.")
@click.option(
    "--pdb", "debug", is_flag=True, help="Run one step in this process, under the debugger when it raises."
)
@click.option(
    "--sweep",
    "sweeps",
    metavar="PATH=VALUES",
    multiple=True,
    help="Run at each of these values: 'params.model.depth=4,8,16' or 'params.seed=range(1,5)', which is 1 to 4. Given"
    " several times, at each combination; what is the same at several points runs once.",
)
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(),
    help="Write the report of this run to FILE as well: one HTML page, to be opened from the disk or sent to somebody.",
)
@format_option("text", "json")
@layers
@click.pass_context
def run(
    ctx: click.Context,
    file: str,
    targets: tuple[str, ...],
    jobs: int,
    force: tuple[str, ...],
    keep_going: bool,
    dry_run: bool,
    verify: bool,
    verbose: bool,
    scheduler: str | None,
    debug: bool,
    sweeps: tuple[str, ...],
    report: str | None,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Run what is not complete of these steps and of all that they need.

    STEP is a name, a variant (train[depth=4]), a glob or tag:NAME; without one, all steps. A step is complete
    when MLflow has a finished run with its key; 'pipespec plan' says beforehand what will happen and why.

    A sweep runs the pipeline at several points as one: --sweep params.depth=4,8 --sweep "params.seed=range(0,3)" are 6
    points. Values are YAML scalars, [lists] or {mappings}, parted by commas. A step that differs between points is called
    by what makes it differ: 'train{depth=4}'. Started again, a sweep goes on where it was stopped, and points that are
    added run alone.

    After a failure what runs finishes and nothing new starts. Running the same command again resumes there.

    A run that executes anything keeps its report as pipespec/report.html in the MLflow run of its invocation, where
    MLflow's page shows it: what ran and why, when and how long, metrics beside those of the last runs, outputs.
    """
    if dry_run and report is not None:
        raise click.UsageError("--dry-run runs nothing that a --report could tell of; leave one of them out")
    pipeline = api.load(file, overlays=overlays, overrides=overrides, sweeps=sweeps)
    if dry_run:
        planned = pipeline.plan(*targets, force=force, verify=verify)
        if format_ == "json":
            say(json.dumps(plan_view.to_json(planned, workers=jobs), indent=2, ensure_ascii=False))
        else:
            show(plan_view.render_text(planned, workers=jobs))
        return
    stream = pipeline.compiled.redactor() if verbose else None
    with open_progress(stream=stream) as progress:
        done = pipeline.run(
            *targets,
            workers=jobs,
            force=force,
            keep_going=keep_going,
            verify=verify,
            debug=debug,
            scheduler=scheduler,
            progress=progress,
            planned=lambda plan: progress.expect(Remaining(plan, jobs)),
            command=_command(),
            report=report,
        )
    if format_ == "json":
        say(json.dumps(view.to_json(done), indent=2, ensure_ascii=False))
    show(view.render_text(done, command=_command()), err=format_ == "json")
    if sweeps and done.interrupted_by is None:
        _show_points(pipeline, done, err=format_ == "json")
    ctx.exit(_exit_code(done))


def _show_points(pipeline: api.Pipeline, report: RunReport, *, err: bool) -> None:
    """Show the points of a sweep as a table."""
    from pipespec.views import sweep as sweep_view

    show(f"\n{sweep_view.render_text(pipeline.points(report))}", err=err)


def _command() -> str:
    import shlex

    from pipespec.document.passwords import without_passwords

    return without_passwords(shlex.join(["pipespec", *sys.argv[1:]]))


def _exit_code(report: RunReport) -> int:
    match report.interrupted_by:
        case None:
            return 0 if report.succeeded else 1
        case number:
            return 128 + number if number != signal.SIGHUP else 129

"""`pipespec import`: record old results that were kept in a spreadsheet."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.layered_command import LayeredCommand
from pipespec.cli.options import format_option, layers
from pipespec.cli.output import say, show
from pipespec.errors import UsageError
from pipespec.views import import_view as view

__all__ = ["import_table"]


class _ImportCommand(LayeredCommand):
    def one_file(self, ctx: click.Context) -> str | None:
        if ctx.params["pipeline"] is None:
            try:
                ctx.params["pipeline"] = api.find_pipeline()
            except UsageError:  # none, or several: use the store of the project
                return None
        file: str = ctx.params["pipeline"]
        return file

    def file_in(self, words: list[str], args: list[str]) -> str | None:
        del words, args
        return None


@click.command("import", cls=_ImportCommand)
@click.argument("table", type=click.Path())
@click.option(
    "--experiment",
    metavar="NAME",
    help="Experiment of the runs.  [default: the name of the file; a column of kind 'experiment' overrides it]",
)
@click.option(
    "--kind",
    "kinds",
    metavar="COLUMN=KIND",
    multiple=True,
    help="Kind of a column: parameter, metric, tag, experiment, name, date or ignore. It overrides row 2. Can be repeated.",
)
@click.option(
    "--percent", is_flag=True, help="Read 84.3% as 0.843. Without this option, percentages are errors."
)
@click.option(
    "--thousands", is_flag=True, help="Read 1,024 as 1024. Without this option, such numbers are errors."
)
@click.option("--encoding", metavar="NAME", help="Encoding of a CSV file.  [default: UTF-8, else CP932]")
@click.option(
    "--sheet", metavar="NAME", help="Sheet of an Excel file.  [default: the only one that has cells]"
)
@click.option(
    "--pipeline",
    metavar="FILE",
    type=click.Path(),
    help="Record in the tracking store of this pipeline.  [default: the pipeline of the project, if it has one, else the"
    " default store]",
)
@click.option("-n", "--dry-run", is_flag=True, help="Check the table and show what would be recorded.")
@format_option("text", "json")
@layers
def import_table(
    table: str,
    experiment: str | None,
    kinds: tuple[str, ...],
    percent: bool,
    thousands: bool,
    encoding: str | None,
    sheet: str | None,
    pipeline: str | None,
    dry_run: bool,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> int:
    """Record old results that were kept in a spreadsheet as MLflow runs.

    TABLE is a .csv or .xlsx file. Row 1 has the names of the columns. Row 2 says of each column whether it is a parameter,
    a metric or a tag. Each row below is a run. For example:

    \b
        model      lr         accuracy   memo
        parameter  parameter  metric     tag
        bert-base  0.0001     0.8009     titles only

    Further kinds: a column 'experiment' has the experiment of each run, 'name' its name, and 'date' the day when it started.
    'ignore' leaves a column out. An empty cell is left out. Params are recorded as they are written.

    If a cell is wrong, for example text in a metric, all wrong cells are listed by row and column, and nothing is recorded.
    Importing a table again adds only rows that are new or that changed.
    """  # noqa: D301 - click looks for a real backspace
    done = api.import_results(
        table,
        pipeline=pipeline,
        overlays=overlays,
        overrides=overrides,
        experiment=experiment,
        kinds=kinds,
        encoding=encoding,
        sheet=sheet,
        percent=percent,
        thousands=thousands,
        dry_run=dry_run,
        check=False,
    )
    if format_ == "json":
        say(json.dumps(view.to_json(done), indent=2, ensure_ascii=False))
    elif done.problems:
        show(view.render_problems(done), err=True)
    else:
        show(view.render_text(done))
    return exit_codes.of_import(done)

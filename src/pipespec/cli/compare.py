"""`pipespec compare`: compare past runs, and say whether the newest one is a regression."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.numbers import WholeNumber
from pipespec.cli.options import completed, file_argument, format_option, layers
from pipespec.cli.output import open_page, say, show, write_result
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.views import compare_view as view


class _MetricBound(click.ParamType[tuple[str, float]]):
    """`METRIC=NUMBER`."""

    name = "METRIC=NUMBER"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        metric, equals, number = value.rpartition("=")
        try:
            told = float(number) if equals and metric else math.nan
        except ValueError:
            told = math.nan
        if math.isnan(told):
            self.fail(f"'{value}' is no metric with a number, such as accuracy=-0.01", param, ctx)
        return metric, told


@click.command(cls=PipelineCommand)
@file_argument
@click.argument("what", metavar="[STEP | run:ID]...", nargs=-1, shell_complete=completed("steps"))
@click.option(
    "--baseline",
    metavar="RUN",
    help="Run to compare with: run:ID, tag:KEY=VALUE (the newest such run), or @COMMIT. Default: the one that 'pipespec"
    " baseline set' marked.",
)
@click.option(
    "--min-delta",
    metavar="METRIC=NUMBER",
    type=_MetricBound(),
    multiple=True,
    help="Exit with code 1 if the newest run's metric minus the baseline's is less than this. Overrides 'min_delta' in 'checks'."
    " Can be repeated.",
)
@click.option(
    "--max-delta",
    metavar="METRIC=NUMBER",
    type=_MetricBound(),
    multiple=True,
    help="The same for a difference that is more than this.",
)
@click.option(
    "-n",
    "--latest",
    metavar="N",
    type=WholeNumber(1),
    default=10,
    show_default=True,
    help="How many of the newest runs are compared.",
)
@click.option(
    "--points", is_flag=True, help="Compare the points of the newest sweep, or of the one in run:ID."
)
@format_option("text", "markdown", "json", "csv")
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Also write a page with a table and plots to this file.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser. Needs --html.")
@layers
def compare(
    file: str,
    what: tuple[str, ...],
    baseline: str | None,
    min_delta: tuple[tuple[str, float], ...],
    max_delta: tuple[tuple[str, float], ...],
    latest: int,
    points: bool,
    format_: str,
    html: Path | None,
    opens: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> int:
    """Compare past runs: the params that differ, the metrics, and how far they are from a baseline.

    Without STEP, the invocations of the pipeline are compared; with STEP, the runs of a step, in which the params of the
    steps upstream stand as well. run:ID names single runs. A metric that is worse than a bound allows is a regression, and the
    exit code is 1. Bounds are 'min_delta' and 'max_delta' in the 'checks' of a step, or options.
    """
    if opens and html is None:
        raise click.UsageError("--open needs a page; add --html PATH")
    pipeline = api.load(file, overlays=overlays, overrides=overrides)
    found = pipeline.compare(
        *what,
        baseline=baseline,
        latest=latest,
        points=points,
        min_delta=dict(min_delta) or None,
        max_delta=dict(max_delta) or None,
    )
    now = time.time()
    if html is not None:
        from pipespec.views.compare_page import to_html

        write_result(html, to_html(found, now=now))
        if opens:
            open_page(html)
    match format_:
        case "json":
            say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
        case "csv":
            say(view.render_csv(found), newline=False)
        case "markdown":
            say(view.render_markdown(found, now=now), newline=False)
        case _:
            show(view.render_text(found, now=now))
    return exit_codes.of_comparison(found)

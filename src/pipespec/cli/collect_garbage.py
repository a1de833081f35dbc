"""`pipespec gc`: show or delete runs that are not reachable any more."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from pipespec import api
from pipespec.cli.layered_command import LayeredCommand
from pipespec.cli.numbers import WholeNumber
from pipespec.cli.options import completed, format_option, layers
from pipespec.cli.output import say, show
from pipespec.views import garbage_view as view

__all__ = ["collect_garbage"]


class _GcCommand(LayeredCommand):
    def one_file(self, ctx: click.Context) -> str | None:
        given: tuple[str, ...] = ctx.params["files"]
        found = tuple(api.find_pipeline(one) if Path(one).is_dir() else one for one in given)
        files = ctx.params["files"] = found or (api.find_pipeline(),)
        return files[0] if len(files) == 1 else None


@click.command("gc", cls=_GcCommand)
@click.argument("files", metavar="[FILE]...", type=click.Path(), nargs=-1, shell_complete=completed("files"))
@click.option(
    "--keep-last",
    metavar="N",
    type=WholeNumber(0),
    default=10,
    show_default=True,
    help="Keep the runs of the last N invocations of each pipeline.",
)
@click.option(
    "--keep-tag",
    "keep_tags",
    metavar="NAME[=VALUE]",
    multiple=True,
    help="Keep runs with this tag. Runs with the tag 'baseline' are always kept. Can be repeated.",
)
@click.option(
    "--older-than",
    metavar="DURATION",
    default="7d",
    show_default=True,
    help="Keep what is younger, for example 12h or 30d.",
)
@click.option(
    "--delete", is_flag=True, help="Delete the runs, like MLflow's page does. They can be restored."
)
@click.option(
    "--purge",
    is_flag=True,
    help="Delete the runs for good and free the disk, like 'mlflow gc'. They cannot be restored.",
)
@format_option("text", "json")
@layers
def collect_garbage(
    files: tuple[str, ...],
    keep_last: int,
    keep_tags: tuple[str, ...],
    older_than: str,
    delete: bool,
    purge: bool,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Show the runs of pipelines that nothing reaches any more, with their size and age. Nothing is deleted without --delete.

    These runs are kept: runs that the pipelines would reuse now, also with the overlay of each environment beside FILE
    (FILE.prod.yaml); the last invocations; runs with the tag 'baseline' or a tag of --keep-tag; runs that registered models
    come from; runs that a kept run or a run of another pipeline has read; and runs that have not ended.

    Runs of pipelines that are not given, and of other tools, are never touched. Old logs, downloads and other remains in
    .pipespec are shown and deleted, too.
    """
    found = api.collect_garbage(
        files,
        overlays=overlays,
        overrides=overrides,
        keep_last=keep_last,
        keep_tags=keep_tags,
        older_than=older_than,
        delete=delete,
        purge=purge,
    )
    now = time.time()
    if format_ == "json":
        say(json.dumps(view.to_json(found, now=now), indent=2, ensure_ascii=False))
    else:
        show(view.render_text(found, now=now))

"""`pipespec doctor`: find what is wrong in a tracking store and in `.pipespec`."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say, show
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.views import findings_view as view


@click.command(cls=PipelineCommand)
@file_argument
@click.option(
    "--verify",
    is_flag=True,
    help="Also read all recorded outputs and the caches in .pipespec, and compare them with their digests.",
)
@format_option("text", "json")
@layers
def doctor(
    file: str, verify: bool, format_: str, overlays: tuple[str, ...], overrides: tuple[str, ...]
) -> int:
    """Find what is wrong in the tracking store of a pipeline and in the folder .pipespec. Nothing is changed.

    The command finds runs that are RUNNING in MLflow although their process is gone, artifacts that are missing or have
    another size, a store that does not answer or has another version, stale locks, results that wait for the store, and, with
    --verify, altered artifacts and caches that are wrong. It looks at the runs of all pipelines in the store. Each finding has
    its place and a way to correct it. The exit code is 1 if there is any.
    """
    found = api.examine(file, overlays=overlays, overrides=overrides, verify=verify)
    if format_ == "json":
        say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
    else:
        show(view.render_text(found))
    return exit_codes.of_examination(found)

"""`pipespec baseline`: the run with which others are compared."""

from __future__ import annotations

import json
from typing import Final

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say
from pipespec.cli.pipeline_command import StoreCommand
from pipespec.errors import UsageError
from pipespec.views import compare_view as view

_SET: Final = "set"


def _require_set(_ctx: click.Context, _argument: click.Parameter, word: str) -> str:
    """Refuse any word except the only one that exists so far.

    Raises:
        UsageError: with the words that were probably meant.
    """
    if word != _SET:
        raise UsageError(f"write 'set' before the run: pipespec baseline set {word}")
    return word


@click.command(cls=StoreCommand)
@file_argument
@click.argument("action", metavar=_SET, callback=_require_set)
@click.argument("run", metavar="RUN")
@click.option(
    "--as",
    "name",
    metavar="NAME",
    default="default",
    show_default=True,
    help="Name of the baseline. Other names than the default are found by --baseline tag:baseline=NAME.",
)
@format_option("text", "json")
@layers
def baseline(
    file: str | None,
    action: str,
    run: str,
    name: str,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Choose the run that 'pipespec compare' compares with.

    'pipespec baseline set RUN' marks a finished run as the baseline of its step, or, if it is an invocation, of its pipeline.

    RUN is the id of an MLflow run, or its first digits. It gets the tag 'baseline' in MLflow; the run that was the
    baseline so far loses it. FILE only says which tracking store is meant.
    """
    del action
    found = api.set_baseline(run, file, name=name, overlays=overlays, overrides=overrides)
    if format_ == "json":
        say(json.dumps(view.baseline_json(found), indent=2, ensure_ascii=False))
    else:
        say(view.baseline_text(found))

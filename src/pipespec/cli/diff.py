"""`pipespec diff`: what differs between two pipelines, and what would run again."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.layered_command import LayeredCommand
from pipespec.cli.options import completed, format_option, layers
from pipespec.cli.output import say, show
from pipespec.errors import UsageError
from pipespec.views import diff_view as view


class _DiffCommand(LayeredCommand):
    def one_file(self, ctx: click.Context) -> str | None:
        """Return the file to which overlays apply: that of B, otherwise that of A."""
        first, second = ctx.params["a"], ctx.params["b"]
        if first is None:
            first = ctx.params["a"] = api.find_pipeline()
        name: str = second or first
        if name.startswith("run:"):
            return None
        return _path_of(name)

    def file_in(self, words: list[str], args: list[str]) -> str | None:
        """Return the file of the second word, otherwise of the first; without words, the pipeline that is found."""
        del args
        if words:
            return None if words[-1].startswith("run:") else _path_of(words[-1])
        try:
            return api.find_pipeline()
        except UsageError:
            return None


def _path_of(name: str) -> str:
    return name if Path(name).exists() else name.partition("@")[0]


@click.command(cls=_DiffCommand, trusts="records")
@click.argument("a", metavar="[A]", required=False, shell_complete=completed("files"))
@click.argument("b", metavar="[B]", required=False, shell_complete=completed("files"))
@format_option("text", "markdown", "json")
@click.option(
    "--records",
    is_flag=True,
    help="Also look up which results of B exist already, and estimate how long the rest takes. B must be a file. As 'run'"
    " does, this may run probes and read environment variables.",
)
@click.option("--exit-code", is_flag=True, help="Exit with code 1 if anything differs.")
@layers
def diff(
    a: str,
    b: str | None,
    format_: str,
    records: bool,
    exit_code: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> int:
    """Show what differs between two pipelines, and what would run again.

    A and B are each one of: a file; a file at a git revision (news.yaml@main); the pipeline of a past MLflow run
    (run:ID, or its first digits). If B is left out, a file is compared with its last commit, and a past run with its file
    as it is now. -f and --set apply to B.

    The content of input files is assumed to be unchanged. Unless --records or run:ID is used, the command runs no project
    code, reads no environment variables and opens no connections.
    """
    found = api.diff(
        api.find_pipeline() if a is None else a, b, overlays=overlays, overrides=overrides, records=records
    )
    match format_:
        case "json":
            say(json.dumps(view.to_json(found), indent=2, ensure_ascii=False))
        case "markdown":
            say(view.render_markdown(found), newline=False)
        case _:
            show(view.render_text(found))
    return exit_codes.of_difference(found, asked=exit_code)

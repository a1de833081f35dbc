"""`pipespec schema`: the JSON schema of all pipeline files, or of one file with its own names."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.layered_command import LayeredCommand
from pipespec.cli.options import completed, layers
from pipespec.cli.output import say


class _SchemaCommand(LayeredCommand):
    def file_in(self, words: list[str], args: list[str]) -> str | None:
        """Return the file that `--for` names."""
        del words
        joined = [word.removeprefix("--for=") for word in args if word.startswith("--for=")]
        apart = [args[at + 1] for at, word in enumerate(args[:-1]) if word == "--for"]
        return next(iter(joined or apart), None)


@click.command(cls=_SchemaCommand, trusts=False)
@click.option(
    "--for",
    "file",
    metavar="FILE",
    type=click.Path(),
    shell_complete=completed("files"),
    help="Make a schema for this pipeline, with the names of its steps and outputs and the arguments of its functions.",
)
@layers
def schema(file: str | None, overlays: tuple[str, ...], overrides: tuple[str, ...]) -> None:
    """Print the JSON schema of pipeline files.

    Editors use it to complete and check pipeline files, if the first line of the file is
    '# yaml-language-server: $schema=pipeline.schema.json'.

    With --for, the editor also completes references and arguments, and shows the documentation of functions. No project
    code is imported. FILE may contain errors. Run the command again after steps or function signatures change.
    """
    if file is None and (overlays or overrides):
        raise click.UsageError("-f and --set need a pipeline; name it with --for")
    found = api.schema() if file is None else api.schema(file, overlays=overlays, overrides=overrides)
    say(json.dumps(found, indent=2, ensure_ascii=False))

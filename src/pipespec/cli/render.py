"""`pipespec render`: a stand-alone Luigi module, or the resolved document."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say
from pipespec.cli.pipeline_command import PipelineCommand
from pipespec.errors import UsageError


@click.command(cls=PipelineCommand, trusts=False)
@file_argument
@format_option("luigi", "yaml")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    type=click.Path(dir_okay=False),
    help="Write to this file instead of standard output. The file name is the name of the module.",
)
@layers
def render(
    file: str, format_: str, output: str | None, overlays: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Write the pipeline as a stand-alone Luigi module.

    The module needs the packages luigi, mlflow and pipespec-runtime. It reads and writes the same records as
    'pipespec run', so each reuses the results of the other. A matrix becomes one class for each variant. ${env:NAME} is
    read when the module runs. The same pipeline always gives the same bytes.

    With --format yaml, the command prints the resolved document instead.

    The command runs no project code, reads no environment variables and opens no connections.
    """
    module = None if output is None or format_ == "yaml" else _module_name(output)
    text = api.render(file, format_=format_, module=module, overlays=overlays, overrides=overrides)
    if advice := getattr(text, "advice", ""):
        say(f"advice: {advice}", err=True)
    if output is None:
        say(text, newline=False)
        return
    Path(output).write_text(text, encoding="utf-8")
    if module is not None:
        say(f"run it with: python -m luigi --module {module} Pipeline --local-scheduler", err=True)


def _module_name(output: str) -> str:
    path = Path(output)
    if path.suffix != ".py" or not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        raise UsageError(
            f"'{path.name}' cannot be imported as a module; use a file name such as 'news_luigi.py'"
        )
    return path.stem

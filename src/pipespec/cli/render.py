"""`pipespec render`: a stand-alone Luigi module, or the resolved document."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say
from pipespec.errors import UsageError


@click.command()
@file_argument
@format_option("luigi", "yaml")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    type=click.Path(dir_okay=False),
    help="Write to this file, whose name is the module's, in place of standard output.",
)
@layers
def render(
    file: str, format_: str, output: str | None, overlays: tuple[str, ...], overrides: tuple[str, ...]
) -> None:
    """Write the pipeline as a Luigi module of its own.

    It runs where luigi, mlflow and pipespec-runtime are installed, and reads and writes the same records as
    'pipespec run': what one has done the other reuses. Matrices are written out; ${env:NAME} is read when it runs.
    The same pipeline gives the same bytes. With --format yaml, the resolved document.

    This runs nothing of the project, reads no environment variable and opens no connection.
    """
    module = None if output is None or format_ == "yaml" else _module_name(output)
    text = api.render(file, format_=format_, module=module, overlays=overlays, overrides=overrides)
    if output is None:
        say(text, newline=False)
        return
    Path(output).write_text(text, encoding="utf-8")
    if module is not None:
        say(f"run it with: python -m luigi --module {module} Pipeline --local-scheduler", err=True)


def _module_name(output: str) -> str:
    path = Path(output)
    if path.suffix != ".py" or not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        raise UsageError(f"'{path.name}' cannot be imported: a module's file is called like 'news_luigi.py'")
    return path.stem

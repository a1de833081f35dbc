"""`pipespec convert`: convert another tool's pipeline to a pipeline file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.options import format_option
from pipespec.cli.output import say, show, write_result
from pipespec.errors import UsageError
from pipespec.views import diagnostic_view as view

_KEDRO: Final = "kedro"


@click.command()
@click.argument("source", nargs=-1, required=True, metavar="SOURCE", type=click.Path())
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Write to this file, or to standard output if it is '-'.  [default: pipeline.yaml beside SOURCE]",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--pipeline", metavar="NAME", help="Of Kedro: which pipeline.  [default: __default__]")
@click.option(
    "--python",
    metavar="PATH",
    help="Of Kedro: the Python that Kedro is installed in.  [default: the one that runs pipespec]",
)
@format_option("text", "json")
def convert(
    source: tuple[str, ...],
    output: str | None,
    force: bool,
    pipeline: str | None,
    python: str | None,
    format_: str,
) -> int:
    """Write the pipeline of another tool as a pipeline file.

    SOURCE is a dvc.yaml, a folder that contains one, or 'kedro FOLDER' for a Kedro project. Stages of DVC become steps that run the same
    commands. Nodes of Kedro become steps that call the same functions; to read them, Kedro imports the code of the project.

    What has no equal in pipespec is listed on standard error, with its place and a way out. The exit code is 0 if everything was converted, 1
    if something is listed, and 2 if nothing could be written.
    """
    is_kedro = source[0] == _KEDRO and len(source) == 2
    if len(source) > 1 and not is_kedro:
        raise click.UsageError("give one SOURCE, or 'kedro' and a folder")
    if not is_kedro and (pipeline is not None or python is not None):
        raise click.UsageError("--pipeline and --python can only be used with 'kedro'")
    place = Path(source[-1])
    folder = place if is_kedro or place.is_dir() else place.parent
    target = None if output == "-" else Path(output) if output is not None else folder / "pipeline.yaml"
    if is_kedro:
        _require_free(target, force=force)
        found = api.convert_kedro(place, target=target, pipeline=pipeline, python=python)
    else:
        found = api.convert(place, target=target)
        _require_free(target, force=force)
    if target is None:
        say(found.text, newline=False)
    else:
        write_result(target, found.text)
    if format_ == "json":
        say(json.dumps(view.to_json(found.leftovers), indent=2, ensure_ascii=False), err=target is None)
    elif found.leftovers:
        show(view.render_text(found.leftovers, found.sources), err=True)
    count = len(found.leftovers)
    told = (
        "everything was converted"
        if not count
        else f"{count} {'thing was' if count == 1 else 'things were'} not converted"
    )
    say(f"{target or 'pipeline'}: {told}", err=True)
    return exit_codes.of_conversion(found)


def _require_free(target: Path | None, *, force: bool) -> None:
    """Refuse to replace a file, unless it is empty: a shell makes one for `pipespec convert dvc.yaml > pipeline.yaml`."""
    if target is not None and target.exists() and not force and target.stat().st_size:
        raise UsageError(f"'{target}' exists; use --force to replace it, or -o to choose another file")

"""`pipespec validate`: all mistakes and advice of some files."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from pipespec import api
from pipespec.cli.options import format_option, layers
from pipespec.cli.output import say, show
from pipespec.errors import Severity
from pipespec.views import diagnostics as view

_IMPORT_TIMEOUT: Final = 60.0


@click.command()
@click.argument("files", metavar="FILE|FOLDER...", type=click.Path(), nargs=-1, required=True)
@format_option("text", "json", "github", "sarif")
@layers
@click.option(
    "--import",
    "imports",
    is_flag=True,
    help="Import what the pipelines call, too, in a process of its own: only for code that you would run.",
)
@click.option(
    "--import-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help=f"How long each import may take.  [default: {_IMPORT_TIMEOUT:g}]",
)
@click.pass_context
def validate(
    ctx: click.Context,
    files: tuple[str, ...],
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
    imports: bool,
    import_timeout: float | None,
) -> None:
    """Find all mistakes in pipeline files.

    A folder means every pipeline below it: each .yaml and .yml file that says 'pipespec:' at its top. Hidden
    folders, virtual environments and node_modules are left out.

    Imports and runs nothing of the project, reads no environment variable and opens no connection, so it may
    be used on a stranger's file. Advice stops nothing; a mistake makes the exit code 1.

    With --import it goes further, on code that you trust: what cannot be read from source (functions in C, decorators,
    partials) is there and takes what is bound, params fit as a run would say, and formats have their packages.
    """
    if import_timeout is not None and not imports:
        raise click.UsageError("--import-timeout is of --import, which is not asked for")
    timeout = (import_timeout or _IMPORT_TIMEOUT) if imports else None
    found = api.validate(files, overlays=overlays, overrides=overrides, import_timeout=timeout)
    match format_:
        case "json":
            say(json.dumps(view.to_json(found.diagnostics), indent=2, ensure_ascii=False))
        case "github":
            say(view.to_github(found.diagnostics), newline=bool(found.diagnostics))
            say(view.verdict(found.files, found.diagnostics), err=True)
        case "sarif":
            say(json.dumps(_sarif(found), indent=2, ensure_ascii=False))
        case _:
            if found.diagnostics:
                show(view.render_text(found.diagnostics, found.sources))
            say(view.verdict(found.files, found.diagnostics), err=True)
    if any(each.severity is Severity.ERROR for each in found.diagnostics):
        ctx.exit(1)


def _sarif(found: api.Findings) -> dict[str, Any]:
    from pipespec import __version__
    from pipespec.spec.pages import load_pages  # one format of four needs it

    return view.to_sarif(found.diagnostics, tool_version=__version__, pages=load_pages())

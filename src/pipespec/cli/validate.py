"""`pipespec validate`: report all errors and advice for pipeline files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.layered_command import LayeredCommand
from pipespec.cli.numbers import Number
from pipespec.cli.options import completed, format_option, layers
from pipespec.cli.output import say, show
from pipespec.views import diagnostic_view as view

if TYPE_CHECKING:
    from pipespec import Findings

_IMPORT_TIMEOUT: Final = 60.0


class _ValidateCommand(LayeredCommand):
    def one_file(self, ctx: click.Context) -> str | None:
        files: tuple[str, ...] = ctx.params["files"]
        return files[0] if len(files) == 1 and not Path(files[0]).is_dir() else None


@click.command(cls=_ValidateCommand, trusts=False)
@click.argument(
    "files", metavar="[FILE|FOLDER]...", type=click.Path(), nargs=-1, shell_complete=completed("files")
)
@format_option("text", "json", "github", "sarif")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only: no advice and no summary.")
@layers
@click.option(
    "--import",
    "imports",
    is_flag=True,
    help="Also import the functions that the pipelines call, in a separate process. Use this only for code that you trust.",
)
@click.option(
    "--import-timeout",
    type=Number(min=0, min_open=True),
    metavar="SECONDS",
    help=f"Time limit for each import.  [default: {_IMPORT_TIMEOUT:g}]",
)
def validate(
    files: tuple[str, ...],
    format_: str,
    quiet: bool,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
    imports: bool,
    import_timeout: float | None,
) -> int:
    """Report all errors in pipeline files.

    If a folder is given, all pipelines below it are checked, without FILE and FOLDER those below the current folder: all .yaml and .yml files with a top-level key 'pipespec'.
    Files that git ignores, hidden folders, virtual environments, node_modules and the folders of a tracking store
    are skipped.

    The command runs no project code, reads no environment variables and opens no connections, so it is safe for files
    that you do not trust. The exit code is 1 if there are errors. Advice does not change the exit code.

    With --import, more is checked: functions whose signature cannot be read from source (written in C, decorated, or
    partials) exist and accept their arguments, params can be converted, and file formats have the packages they need.
    """
    if import_timeout is not None and not imports:
        raise click.UsageError("--import-timeout can only be used with --import")
    timeout = (import_timeout or _IMPORT_TIMEOUT) if imports else None
    found = api.validate(files or (".",), overlays=overlays, overrides=overrides, import_timeout=timeout)
    if quiet:
        found = found.without_advice()
    match format_:
        case "json":
            say(json.dumps(view.to_json(found.diagnostics), indent=2, ensure_ascii=False))
        case "github":
            say(view.to_github(found.diagnostics), newline=bool(found.diagnostics))
            if not quiet:
                say(view.summary(found.files, found.diagnostics), err=True)
        case "sarif":
            say(json.dumps(_sarif(found), indent=2, ensure_ascii=False))
        case _:
            if found.diagnostics:
                show(view.render_text(found.diagnostics, found.sources))
            if not quiet:
                say(view.summary(found.files, found.diagnostics), err=True)
    return exit_codes.of_findings(found)


def _sarif(found: Findings) -> dict[str, Any]:
    from pipespec import __version__

    return view.to_sarif(found.diagnostics, tool_version=__version__, pages=api.diagnostic_pages())

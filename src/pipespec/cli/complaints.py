"""What a command says on stderr of an error that it ends with, or that it waits on after."""

from __future__ import annotations

import click

from pipespec.cli.output import show
from pipespec.errors import InvalidPipelineError, PipespecError

__all__ = ["complain", "trouble"]


def complain(error: Exception) -> None:
    """Tell on stderr what went wrong, if anything did."""
    from pipespec.views import diagnostic_view

    match error:
        case click.MissingParameter(param=click.Argument() as argument, ctx=click.Context() as context):
            show(diagnostic_view.error_line(_what_is_missing(argument, context)), err=True)
        case click.ClickException():
            error.show()
        case InvalidPipelineError():
            show(diagnostic_view.render_text(error.diagnostics, error.sources), err=True)
        case PipespecError():
            show(diagnostic_view.error_line(str(error)), err=True)
        case OSError():
            show(diagnostic_view.error_line(trouble(error)), err=True)


def trouble(error: OSError) -> str:
    """Return what the system said, with the file: the disk is full, or a folder of the project cannot be written."""
    return f"{error.strerror or error}" + (f" ('{error.filename}')" if error.filename else "")


def _what_is_missing(argument: click.Argument, context: click.Context) -> str:
    """Name an argument that was left out as the usage does, and show that."""
    what = argument.human_readable_name.strip("[]")
    if isinstance(argument.type, click.Choice) and len(argument.type.choices) > 1:
        what = f"one of {', '.join(argument.type.choices)}"
    usage = " ".join(context.get_usage().partition(" ")[2].split())
    return f"{what} is missing: {usage}; '{context.command_path} --help' explains it"

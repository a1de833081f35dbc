"""How a command reports on stderr an error with which it ends, or after which it continues to wait."""

from __future__ import annotations

import errno
import os
from typing import Final

import click

from pipespec.cli.output import show
from pipespec.errors import InvalidPipelineError, PipespecError

__all__ = ["complain"]

_KEPT: Final = "what was published is kept"


def complain(error: Exception) -> None:
    """Report on stderr what went wrong, if anything did."""
    from pipespec.views import diagnostic_view

    match error:
        case click.MissingParameter(param=click.Argument() as argument, ctx=click.Context() as context):
            show(diagnostic_view.error_line(_what_is_missing(argument, context)), err=True)
        case click.NoSuchOption():
            from pipespec.cli.refused_options import no_such_option

            show(diagnostic_view.error_line(no_such_option(error)), err=True)
        case click.ClickException():
            error.show()
        case InvalidPipelineError():
            show(diagnostic_view.render_text(error.diagnostics, error.sources), err=True)
        case PipespecError():
            show(diagnostic_view.error_line(str(error)), err=True)
        case OSError():
            show(diagnostic_view.error_line(_about_system(error)), err=True)
        case MemoryError():
            line = f"there is no memory left for pipespec; give it more, or use fewer workers (-j); {_KEPT}"
            show(diagnostic_view.error_line(line), err=True)


def _about_system(error: OSError) -> str:
    """Say why a folder of the project cannot be written, and how to correct it. Incomplete results never count."""
    if not error.filename and error.errno == errno.ENOENT and _is_here_deleted():
        return "the current folder was deleted; change to one that exists"
    place = f" ('{error.filename}')" if error.filename else ""
    what = f"{error.strerror or error}{place}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{what}; free some space, and run again: {_KEPT}"
    if error.errno == errno.EROFS:
        return f"{what}; the project's folder '.pipespec' and the store must be writable"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{what}; change its permissions, or run as the user who owns it"
    if error.errno == errno.EAGAIN:
        return f"{what}; allow more processes (ulimit -u), or use fewer workers (-j); {_KEPT}"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{what}; allow more open files (ulimit -n), or use fewer workers (-j); {_KEPT}"
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return f"{what}; move away what is there"
    return f"{what}; {_KEPT}; run again to continue"


def _is_here_deleted() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - only asked
    except OSError:
        return True
    return False


def _what_is_missing(argument: click.Argument, context: click.Context) -> str:
    """Name an argument that was left out as in the usage, and show the usage."""
    what = argument.human_readable_name.strip("[]")
    if isinstance(argument.type, click.Choice) and len(argument.type.choices) > 1:
        what = f"one of {', '.join(argument.type.choices)}"
    usage = " ".join(context.get_usage().partition(" ")[2].split())
    return f"{what} is missing: {usage}; '{context.command_path} --help' explains it"

"""The command line: one module for each verb, imported when the verb is called.

A verb parses its options, calls `api`, prints one view, and returns its exit code, or None for 0. Results go to
stdout, messages and progress to stderr. `exit_codes` decides all codes.
"""

from __future__ import annotations

import contextvars
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

import click

from pipespec.cli import exit_codes
from pipespec.cli.help_text import HelpfulContext
from pipespec.cli.output import PLAIN, open_streams, settle_streams, use_fitting_width
from pipespec.errors import PipespecError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["main"]

_COLLECT_AFTER: Final = 200_000
"""Number of new objects after which Python looks for cycles, instead of 700.

Most objects of a command are nodes and values that live to its end. Examining them again and again takes 12 % of
`validate` for 1,000 steps, and 29 % for 10,000.
"""

_NO_THREAD: Final = "can't start new thread"
"""What Python says, by a `RuntimeError`, when the system has no room for a thread."""

_COMPLETE: Final = "_PIPESPEC_COMPLETE"
"""The variable through which a shell requests completions."""

VERBS: Final = {
    "validate": "Report all errors in pipeline files, without running project code.",
    "run": "Run the steps that are not complete.",
    "watch": "Run, and run again what changes touch.",
    "plan": "Show which steps would run, which are reused, and why.",
    "explain": "Show why a step would run: what differs from its nearest past run.",
    "accept": "Keep using a past result although code or a package changed.",
    "status": "Show the state of each step.",
    "logs": "Show the log of a step's last attempt.",
    "call": "Call a function, or one step, without recording anything.",
    "get": "Copy an output of a step to a file.",
    "graph": "Draw the steps and the outputs that connect them.",
    "render": "Write the pipeline as a stand-alone Luigi module.",
    "diff": "Compare two versions of a pipeline: what differs, and what would run again.",
    "compare": "Compare past runs: params, metrics, and how far they are from a baseline.",
    "baseline": "Choose the run that 'compare' compares with.",
    "lineage": "Show what made a run's outputs, and what was made from them.",
    "reproduce": "Run a past run again, and compare the results.",
    "import": "Record old results that were kept in a spreadsheet.",
    "gc": "Show or delete runs that nothing reaches any more.",
    "doctor": "Find what is wrong in the tracking store.",
    "ui": "Show the runs of a pipeline in MLflow's pages.",
    "config": "Show the pipeline file with all layers merged and references resolved.",
    "schema": "Print the JSON schema of pipeline files.",
    "convert": "Write the pipeline of another tool as a pipeline file.",
    "init": "Create a small example project.",
    "completion": "Print the script by which a shell completes command lines.",
    "help": "Show the help of a verb.",
}

_NAMES: Final = {"import": "import_table", "gc": "collect_garbage"}
"""Verbs whose names are reserved in Python: the module, and the function in it."""


def _use_no_colours(_ctx: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        PLAIN.set(True)


def _enter(ctx: click.Context, _option: click.Parameter, folders: tuple[str, ...]) -> None:
    """Go to a folder before anything is read, each seen from the one before, as git does.

    Raises:
        UsageError: if that is not possible.
    """
    for folder in folders:
        try:
            os.chdir(folder)
        except OSError as error:
            if ctx.resilient_parsing:  # a shell requests completions
                return
            raise UsageError(f"'{folder}' cannot be entered: {error.strerror or error}") from error


_NO_COLOR: Final = click.Option(
    ["--no-color"], is_flag=True, expose_value=False, hidden=True, callback=_use_no_colours
)
"""Options that each verb accepts as well as the command itself, because users write them last."""


class LazyGroup(click.Group):
    """A group whose verbs are imported only when they are called, so that the command starts fast."""

    context_class = HelpfulContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which a new user needs them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and return its command."""
        del ctx
        if cmd_name not in VERBS:
            return None
        name = _NAMES.get(cmd_name, cmd_name)
        command = getattr(importlib.import_module(f"pipespec.cli.{name}"), name)
        assert isinstance(command, click.Command)
        if _NO_COLOR not in command.params:
            command.params.append(_NO_COLOR)
        command.context_class = HelpfulContext
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Complete verbs from `VERBS`, without importing any of them, and the options of the command."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(verb, help=text) for verb, text in VERBS.items() if verb.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs from `VERBS`, without importing any of them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb. For an unknown one, suggest the most similar."""
        name = args[0] if args else ""
        if name and name not in VERBS and not name.startswith("-"):
            raise UsageError(f"there is no verb '{name}'; {_nearest(name)}'pipespec --help' lists all verbs")
        return super().resolve_command(ctx, args)


def _nearest(name: str) -> str:
    import difflib

    from pipespec.cli.refused_options import VERB_WORDS

    word = VERB_WORDS.get(name.lower())
    found = [word] if word else difflib.get_close_matches(name.lower(), VERBS, n=1)
    return f"did you mean '{found[0]}'? " if found else ""


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="To start, run 'pipespec init news'. For help on a verb, run 'pipespec help VERB'.",
)
@click.option(
    "-C",
    "folder",
    metavar="DIR",
    type=click.Path(),
    multiple=True,
    expose_value=False,
    is_eager=True,
    callback=_enter,
    help="Go to this folder first.",
)
@click.option(
    "--no-color",
    is_flag=True,
    expose_value=False,
    callback=_use_no_colours,
    help="Print no colours. You can also write it after the verb. NO_COLOR=1 does the same, FORCE_COLOR=1 the opposite.",
)
@click.version_option(package_name="pipespec", prog_name="pipespec", message="%(prog)s %(version)s")
def pipespec() -> None:
    """Run machine-learning pipelines that are written as YAML, and record every step in MLflow.

    A pipeline file lists steps: the Python function of each, its params, inputs and outputs. A step is complete if
    MLflow has a finished run with the step's key. The key is a hash of its code, params, inputs and outputs. Only
    steps that are not complete run.

    FILE may be left out if the project has one pipeline, or if 'file' in [tool.pipespec] of pyproject.toml names it.
    Otherwise it is the one pipeline in the current folder, in its folder 'pipelines', or in the nearest folder above, up to
    the project root. FILE may also be a folder with one pipeline. A word is read as FILE if it ends in .yaml or .yml, or
    if a file or folder of this name exists. Otherwise it is read as a step.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    open_streams()
    gc.set_threshold(_COLLECT_AFTER)
    if _COMPLETE in os.environ:
        from pipespec.cli.shell_completion import use_line_completion

        use_line_completion()
    code = contextvars.copy_context().run(_exit_code, args)
    settle_streams()
    gc.freeze()  # the process ends, so Python need not examine all objects that it frees
    sys.exit(code)


def _exit_code(args: Sequence[str] | None) -> int:
    use_fitting_width()
    try:
        with _activities():
            code: int | None = pipespec.main(args=args, prog_name="pipespec", standalone_mode=False)
    except (
        PipespecError,
        click.ClickException,
        click.exceptions.Exit,
        click.Abort,
        OSError,
        MemoryError,
    ) as error:
        _complain(error)
        return exit_codes.of_error(error)
    except KeyboardInterrupt as interrupt:
        return exit_codes.of_error(interrupt)
    except RuntimeError as error:
        if str(error) != _NO_THREAD:
            raise
        _complain(BlockingIOError(errno.EAGAIN, "no thread could be started"))
        return PipespecError.exit_code
    except ModuleNotFoundError as error:
        from pipespec.cli.missing_package import missing_package

        told = missing_package(error)
        if told is None:
            raise
        _complain(UsageError(told))
        return UsageError.exit_code
    return code or 0


def _activities() -> AbstractContextManager[None]:
    """Show activities. For a shell that requests completions, nothing is shown, and less is imported."""
    if _COMPLETE in os.environ:
        return nullcontext()
    from pipespec.cli.activity_line import told_activities

    return told_activities()


def _complain(error: Exception) -> None:
    from pipespec.cli.complaints import complain

    complain(error)

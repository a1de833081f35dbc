"""The command line: one short function per verb, in a module of its name, imported when it is called.

A verb parses its options, calls `api`, prints one view, and returns. Results go to stdout, messages and
progress to stderr. Exit codes are decided here and nowhere else: a verb raises `click.exceptions.Exit` for
an answer that is bad (1), errors bring their own.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Sequence
from typing import Final

import click

from pipespec.cli.output import show
from pipespec.errors import InvalidPipelineError, PipespecError

__all__ = ["main"]

INTERRUPTED: Final = 130

_COLLECT_AFTER: Final = 100_000
"""New objects after which Python looks for cycles, in place of 700: what a command makes is mostly nodes and values
that live to its end, and looking at them again and again takes 12 % of `validate` for 1,000 steps, 29 % for 10,000."""

VERBS: Final = {
    "validate": "Find all mistakes in pipeline files; runs nothing of the project.",
    "run": "Run what is not complete.",
    "plan": "Say what would run, what is reused, and why; writes nothing.",
    "explain": "Say why a step would run: what differs from its nearest past run.",
    "accept": "Let a past result count, though code or a package changed.",
    "status": "Show the state of each step.",
    "logs": "Show the log of a step's last attempt.",
    "get": "Fetch an output.",
    "graph": "Draw the steps and what they hand on.",
    "render": "Write the pipeline as a Luigi module of its own.",
    "diff": "Compare two versions of a pipeline: what differs, what would run again.",
    "config": "Show the resolved document.",
    "schema": "Print the JSON schema of pipeline files.",
    "init": "Make a small project that runs.",
}


class LazyGroup(click.Group):
    """A group whose verbs are imported only when they are called, so that the command starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the verbs in the order in which one meets them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and give its command."""
        del ctx
        if cmd_name not in VERBS:
            return None
        command = getattr(importlib.import_module(f"pipespec.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs from `VERBS`, without importing any of them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; an unknown one is answered with the nearest."""
        name = args[0] if args else ""
        if name and name not in VERBS and not name.startswith("-"):
            ctx.fail(f"there is no verb '{name}'{_nearest(name)}; 'pipespec --help' lists them")
        return super().resolve_command(ctx, args)


def _nearest(name: str) -> str:
    import difflib

    found = difflib.get_close_matches(name, VERBS, n=1)
    return f", did you mean '{found[0]}'?" if found else ""


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with 'pipespec init news' or read the docs of a verb: 'pipespec run --help'.",
)
@click.version_option(package_name="pipespec", prog_name="pipespec", message="%(prog)s %(version)s")
def pipespec() -> None:
    """Write a machine-learning pipeline as YAML; run only what has no finished MLflow run yet.

    A pipeline file names steps, their Python functions, params and inputs. A step is complete when MLflow has
    a finished run with its key: the hash of its code, params, inputs and outputs.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(_COLLECT_AFTER)
    sys.exit(_exit_code(args))


def _exit_code(args: Sequence[str] | None) -> int:
    try:
        result = pipespec.main(args=args, prog_name="pipespec", standalone_mode=False)
    except click.exceptions.Exit as asked:
        return asked.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except InvalidPipelineError as invalid:
        from pipespec.views.diagnostics import render_text

        show(render_text(invalid.diagnostics, invalid.sources), err=True)
        return invalid.exit_code
    except PipespecError as error:
        show(f"error: {error}", err=True)
        return error.exit_code
    except OSError as error:
        # The disk is full, or a folder of the project cannot be written: nothing half done counts, so it can be resumed.
        place = f" ('{error.filename}')" if error.filename else ""
        show(
            f"error: {error.strerror or error}{place}; what was published stands, run again to go on",
            err=True,
        )
        return PipespecError.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    return result if isinstance(result, int) else 0

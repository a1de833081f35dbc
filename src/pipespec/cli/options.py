"""Options and arguments that several verbs share. Each is declared once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipespec.cli.numbers import WholeNumber

if TYPE_CHECKING:
    from pipespec.cli.completers import Items

__all__ = [
    "completed",
    "env_option",
    "file_argument",
    "force_option",
    "format_option",
    "layers",
    "run_options",
    "targets_argument",
    "tracking_option",
]

Command = TypeVar("Command", bound=Callable[..., Any])


def completed(name: str) -> Callable[[click.Context, click.Parameter, str], Items]:
    """Return a completer that calls a function of `completers`, which is imported only when a shell requests completions."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        from pipespec.cli import completers

        found: Items = getattr(completers, name)(ctx, param, incomplete)
        return found

    return complete


file_argument = click.argument(
    "file", type=click.Path(), required=False, shell_complete=completed("file_and_next")
)
targets_argument = click.argument("targets", metavar="[STEP]...", nargs=-1, shell_complete=completed("steps"))

env_option = click.option(
    "--env",
    metavar="NAME",
    shell_complete=completed("environments"),
    multiple=True,
    help="Merge the overlay FILE.NAME.yaml, beside FILE: '--env prod' with pipeline.yaml is '-f pipeline.prod.yaml'. Can be"
    " repeated, and is below overlays of -f.",
)

tracking_option = click.option(
    "--tracking/--no-tracking",
    default=None,
    help="With --no-tracking, use a private tracking store in .pipespec instead of the store of the pipeline, like"
    " '--set mlflow=false'.",
)

force_option = click.option(
    "--force",
    metavar="STEP",
    shell_complete=completed("steps"),
    multiple=True,
    help="Run this step even if it is complete. If its outputs are byte-identical, the steps that read them are reused."
    " Can be repeated.",
)


def format_option(*choices: str) -> Callable[[Command], Command]:
    """Add `--format` with these choices. The first is the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="Output format.",
    )


def layers(command: Command) -> Command:
    """Add `--env`, `-f/--overlay`, `--set` and `--no-tracking`, the layers above the pipeline file."""
    for option in (
        tracking_option,
        click.option(
            "--set",
            "overrides",
            metavar="PATH=VALUE",
            multiple=True,
            shell_complete=completed("paths"),
            help="Set one value, written as YAML. It overrides all files. '+params.x=1' adds a key that no file has. Can be"
            " repeated.",
        ),
        click.option(
            "-f",
            "--overlay",
            "overlays",
            metavar="FILE",
            type=click.Path(),
            multiple=True,
            help="Merge this overlay over the pipeline file. Later layers override earlier ones: includes, FILE, overlays,"
            " --set. Can be repeated.",
        ),
        env_option,
    ):
        command = option(command)
    return command


def run_options(command: Command) -> Command:
    """Add the options of a run, for verbs that run once or repeatedly."""
    for option in reversed(
        (
            click.option(
                "-j",
                "--jobs",
                type=WholeNumber(1, 1024),
                help="Number of steps to run in parallel.  [default: 'engine.workers' of the pipeline, else 1]",
            ),
            force_option,
            click.option(
                "--keep-going/--no-keep-going",
                default=None,
                help="After a failure, still run the steps that do not depend on the failed one.  [default: 'engine.keep_going' of the"
                " pipeline, else no]",
            ),
            click.option(
                "--verify",
                is_flag=True,
                help="Check the content of recorded outputs, not only that they exist.",
            ),
            click.option("-v", "--verbose", is_flag=True, help="Print the logs of steps while they run."),
            click.option(
                "-q",
                "--quiet",
                is_flag=True,
                help="Print nothing unless a step fails: no progress and no summary.",
            ),
            click.option(
                "--scheduler",
                metavar="URL",
                help="Address of a luigid that displays the run, for example http://127.0.0.1:8082.",
            ),
            click.option(
                "--executor",
                type=click.Choice(["local", "dask"]),
                help="Where to run the steps: in processes on this machine, or on a Dask cluster, by default one of workers on this"
                " machine that is started for the run. Steps with an 'engine.executor' of their own run there.  [default:"
                " 'engine.executor' of the pipeline, else local]",
            ),
            click.option(
                "--dask",
                metavar="ADDRESS",
                help="Run the steps on the Dask cluster with the scheduler at ADDRESS, for example tcp://scheduler:8786, or in the"
                " scheduler file ADDRESS, as 'dask scheduler --scheduler-file scheduler.json' writes it. It is '--executor dask' with a cluster"
                " that is there already.",
            ),
            click.option(
                "--sweep",
                "sweeps",
                metavar="PATH=VALUES",
                multiple=True,
                shell_complete=completed("paths"),
                help="Run the pipeline once for each value, for example 'params.model.depth=4,8,16' or 'params.seed=range(1,5)' (1 to 4)."
                " If the option is repeated, all combinations are run. Steps that are equal at several points run once.",
            ),
            click.option(
                "--report",
                metavar="FILE",
                type=click.Path(),
                help="Also write the report of this run to FILE: a single HTML page that needs no server.",
            ),
        )
    ):
        command = option(command)
    return command

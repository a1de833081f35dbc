"""Options and arguments that several verbs share, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["file_argument", "force_option", "format_option", "layers", "targets_argument"]

Command = TypeVar("Command", bound=Callable[..., Any])

file_argument = click.argument("file", type=click.Path())
targets_argument = click.argument("targets", metavar="[STEP]...", nargs=-1)

force_option = click.option(
    "--force",
    metavar="STEP",
    multiple=True,
    help="Run this step whatever the records say; what follows is reused where its outputs come out the same.",
)


def format_option(*choices: str) -> Callable[[Command], Command]:
    """Offer `--format` with these choices; the first is the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="How to print.",
    )


def layers(command: Command) -> Command:
    """Offer `-f/--overlay` and `--set`, the upper layers of a pipeline's document."""
    for option in (
        click.option(
            "--set",
            "overrides",
            metavar="PATH=VALUE",
            multiple=True,
            help="Set one value, read as YAML; '+params.x=1' adds a new key. Laid over all files.",
        ),
        click.option(
            "-f",
            "--overlay",
            "overlays",
            metavar="FILE",
            type=click.Path(),
            multiple=True,
            help="Lay this file over the pipeline; the last one is on top. Order, lowest first: includes, FILE, overlays, --set.",
        ),
    ):
        command = option(command)
    return command

"""`pipespec help`: the help of a verb, or of the command itself."""

from __future__ import annotations

import click

from pipespec.cli.options import completed
from pipespec.cli.output import say


@click.command()
@click.argument("verb", required=False, shell_complete=completed("verbs"))
@click.pass_context
def help(ctx: click.Context, verb: str | None) -> None:  # noqa: A001 - the verb's name
    """Show the help of VERB, or of pipespec itself. 'pipespec help run' is 'pipespec run --help'."""
    root = ctx.find_root()
    group = root.command
    assert isinstance(group, click.Group)
    if verb is None:
        say(group.get_help(root))
        return
    _, command, _ = group.resolve_command(root, [verb])
    assert command is not None
    with command.make_context(verb, ["--help"], parent=root):
        pass

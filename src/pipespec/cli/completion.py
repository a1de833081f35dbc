"""`pipespec completion`: the script with which a shell completes command lines."""

from __future__ import annotations

import click

from pipespec.cli.output import say


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes pipespec's command lines in SHELL.

    It completes verbs, options, pipeline files, steps, variants, outputs and the paths after --set. To use it:

    \b
    bash   echo 'eval "$(pipespec completion bash)"' >> ~/.bashrc
    zsh    echo 'eval "$(pipespec completion zsh)"' >> ~/.zshrc
    fish   echo 'pipespec completion fish | source' >> ~/.config/fish/config.fish

    To complete, pipespec reads the pipeline. It runs no project code and reads no environment variables.
    """  # noqa: D301 - click looks for a real backspace
    from click.shell_completion import get_completion_class

    from pipespec.cli.shell_completion import use_line_completion

    use_line_completion()
    found = get_completion_class(shell)
    assert found is not None
    say(found(ctx.find_root().command, {}, "pipespec", "_PIPESPEC_COMPLETE").source(), newline=False)

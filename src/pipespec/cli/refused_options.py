"""The message for an option that a command does not have: what the option is called here, or which verbs have it.

Takes click's error. Returns one line. The words of other tools are in a table. The options of other verbs are read from the verbs;
this is slow, and only done for such an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import click

__all__ = ["VERB_WORDS", "no_such_option"]

_OURS: Final[Mapping[str, str]] = {
    option: way
    for options, way in (
        ("--concurrency --cores --max-workers --n-jobs --parallel --processes --threads --workers", "--jobs"),
        ("--check --dryrun --just-print --preview --simulate --what-if", "--dry-run"),
        ("--always --forcerun --ignore-cache --no-cache --rerun --rerun-from --run-all", "--force STEP"),
        (
            "--arg --args --conf --define --override --param --params --parameter --set-param --var --vars",
            "--set params.NAME=VALUE",
        ),
        ("--grid --matrix --multirun --multi-run", "--sweep params.NAME=1,2"),
        ("--config --config-file --configfile --overlay-file --values", "--overlay FILE"),
        ("--environment --profile --stage-name", "--env NAME"),
        ("--continue --continue-on-error --ignore-errors --no-fail-fast", "--keep-going"),
        ("--debug --log-level --trace", "--verbose"),
        ("--silent --no-progress", "--quiet"),
        ("--json", "--format json"),
        ("--out --outfile --output-file --save", "--output PATH"),
        ("--browser --show --view", "--open"),
    )
    for option in options.split()
}
"""Our option by the option of another tool. It is only offered if the verb has it."""
_WORDS: Final[Mapping[str, str]] = {
    option: way
    for options, way in (
        (
            "--from --node --nodes --only --rule --single-item --stage --step --steps --target --targets --task --until",
            "a step is named without an option, after FILE",
        ),
        ("--dag --file --flow --pipeline --snakefile", "FILE is named without an option, before the steps"),
        ("--watch", "'pipespec watch' does this"),
    )
    for option in options.split()
}
VERB_WORDS: Final[Mapping[str, str]] = {
    word: verb
    for words, verb in (
        ("apply build exec execute kick make materialize repro retry start submit train trigger up", "run"),
        ("info inspect list ls ps runs show state", "status"),
        ("check compile lint parse test verify", "validate"),
        ("dag draw plot tree viz visualize", "graph"),
        ("create new project quickstart setup", "init"),
        ("clean delete prune remove rm", "gc"),
        ("cat download fetch output pull", "get"),
        ("exp experiments metrics", "compare"),
        ("dashboard server serve web webserver", "ui"),
        ("params print render-config resolve", "config"),
        ("dry-run dryrun preview whatif", "plan"),
        ("why", "explain"),
        ("export", "render"),
    )
    for word in words.split()
}
"""Our verb by the word of another tool."""
_NEAR: Final = 0.75
"""How similar two options must be; click offers any that share a syllable."""


def no_such_option(error: click.NoSuchOption) -> str:
    """Return a message that a command has no such option, with the correct one."""
    command = error.ctx.command if error.ctx is not None else None
    name = error.option_name
    verb = f"'{command.name}'" if command is not None and command.name else "the command"
    way = _way_out(name, command, error.possibilities or ()) if command is not None else None
    return f"{verb} has no option '{name}'" + (f"; {way}" if way else "")


def _way_out(name: str, command: click.Command, similar: Sequence[str]) -> str | None:
    known = [
        *dict.fromkeys((*_options(command), *similar))
    ]  # options that a pipeline declares are similar ones alone
    if "." in name and "--set" in known:
        return f"a value is set by --set {name.lstrip('-')}=VALUE"
    ours = _OURS.get(name.lower())
    if ours is not None and ours.partition(" ")[0] in known:
        return f"here it is {ours}"
    if name.lower() in _WORDS:
        return _WORDS[name.lower()]
    begun = [one for one in known if one.startswith(name) and name.startswith("--")]
    if len(begun) == 1:
        return f"did you mean '{begun[0]}'?"
    if near := difflib.get_close_matches(name, known, n=1, cutoff=_NEAR):
        return f"did you mean '{near[0]}'?"
    having = [verb for verb, other in _verbs() if name in _options(other)]
    if having:
        return f"it is an option of {', '.join(having)}"
    return None if command.name is None else f"'pipespec {command.name} --help' lists its options"


def _options(command: click.Command) -> list[str]:
    return [
        one
        for option in command.params
        if isinstance(option, click.Option)
        for one in (*option.opts, *option.secondary_opts)
    ]


def _verbs() -> Iterator[tuple[str, click.Command]]:
    from pipespec.cli import VERBS, pipespec

    for verb in VERBS:
        command = pipespec.get_command(click.Context(pipespec), verb)
        if command is not None:
            yield verb, command

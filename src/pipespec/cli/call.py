"""`pipespec call`: call a function, or one step of a pipeline, with arguments from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

import click

from pipespec import api
from pipespec.cli import exit_codes
from pipespec.cli.layered_command import NO_TRACKING
from pipespec.cli.options import completed, layers
from pipespec.cli.output import say
from pipespec.cli.words import is_file_word
from pipespec.errors import StepFailedError, UsageError
from pipespec.views.terminal_text import printable

if TYPE_CHECKING:
    from pipespec import CallAnswer, CallOption, FunctionCall, StepCall

_FOUND: Final = "pipespec.call"
_WORDS: Final = "pipespec.call.words"
_PREFIX: Final = "argument_"
_FLAG: Final = "flag"
_HELP: Final = frozenset({"-h", "--help"})
_LAYERS: Final = frozenset({"env", "overlays", "overrides", "tracking"})


class CallCommand(click.Command):
    """A command whose options are the arguments of a function or step, which its first words name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the function or step, so that its options are known, then parse the words."""
        words = list(takewhile(lambda word: not word.startswith("-"), args))
        if args and not words and _HELP.isdisjoint(args):
            raise click.UsageError("name what is called before its options", ctx)
        if words and not ctx.resilient_parsing:
            ctx.meta[_WORDS] = words
            ctx.meta[_FOUND] = ctx.with_resource(self._found(words, args))
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options of the verb, and those of the arguments."""
        own, arguments = self._shared(ctx)
        return [*own, *arguments]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage of the named function or step, or that of the verb."""
        if _FOUND not in ctx.meta:
            super().format_usage(ctx, formatter)
            return
        formatter.write_usage(f"{ctx.command_path} {printable(' '.join(ctx.meta[_WORDS]))}", "[OPTIONS]")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description of the function or step, or that of the verb."""
        if _FOUND not in ctx.meta:
            super().format_help_text(ctx, formatter)
        elif summary := ctx.meta[_FOUND].summary:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(printable(summary))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the arguments, then those of the verb."""
        found = ctx.meta.get(_FOUND)
        own, arguments = self._shared(ctx)
        if found is not None and (records := _help_records(arguments, ctx)):
            with formatter.section(printable(f"Arguments of {found.name}")):
                formatter.write_dl(records)
        with formatter.section("Options"):
            formatter.write_dl(_help_records(own, ctx))

    def _shared(self, ctx: click.Context) -> tuple[list[click.Parameter], list[click.Parameter]]:
        """Return the options of the verb, and those of the arguments, with each name once.

        A function has no layers, and its arguments take precedence over `--out` and `--force`. A step keeps all options
        of the verb, because they determine which step it is; a param with such a name is set by `--set`.
        """
        found, own = ctx.meta.get(_FOUND), super().get_params(ctx)
        if found is None:
            return own, []
        arguments: list[click.Parameter] = [*map(_click_option, found.options)]
        if found.is_step:
            return own, _without(arguments, own)
        arguments = _without(arguments, [one for one in own if one.name == "help"])
        return _without([one for one in own if one.name not in _LAYERS], arguments), arguments

    @contextmanager
    def _found(self, words: list[str], args: list[str]) -> Iterator[FunctionCall | StepCall]:
        first = words[0]
        if ":" in first and not is_file_word(first):
            _require_few(words, 1)
            yield api.function(first)
            return
        file, rest = (first, words[1:]) if is_file_word(first) else (api.find_pipeline(), words)
        if not rest:
            raise UsageError(f"name the step of '{file}' to call: pipespec call {file} STEP")
        _require_few(rest, 1)
        asked = self._layers(args)
        api.read_env_file(file)
        overlays = (*(api.find_env_overlay(file, name) for name in asked["env"]), *asked["overlays"])
        overrides = (*asked["overrides"], *([NO_TRACKING] if asked["tracking"] is False else []))
        pipeline = api.load(file, overlays=overlays, overrides=overrides)
        with pipeline.callable_step(rest[0]) as step:
            yield step

    def _layers(self, args: list[str]) -> dict[str, Any]:
        """Parse only the options that determine the pipeline."""
        known = [param for param in self.params if param.name in _LAYERS]
        settings = {"ignore_unknown_options": True, "allow_extra_args": True}
        reader = click.Command("call", params=known, context_settings=settings, add_help_option=False)
        return reader.make_context("call", list(args)).params


def _without(params: list[click.Parameter], others: list[click.Parameter]) -> list[click.Parameter]:
    """Leave out options whose names one of the others has."""
    taken = {option for one in others for option in (*one.opts, *one.secondary_opts)}
    return [one for one in params if taken.isdisjoint((*one.opts, *one.secondary_opts))]


def _help_records(params: list[click.Parameter], ctx: click.Context) -> list[tuple[str, str]]:
    found = (one.get_help_record(ctx) for one in params if isinstance(one, click.Option))
    return [record for record in found if record is not None]


def _require_few(words: list[str], most: int) -> None:
    if len(words) > most:
        raise UsageError(f"'{words[most]}' is too much; values are given by options, such as --examples FILE")


def _click_option(option: CallOption) -> click.Option:
    """Return an argument as an option. Whether it is required is checked by the code that reads the given values."""
    said = " ".join(word for word in (option.description, _shown_default(option)) if word)
    name, variable = f"--{option.name}", f"{_PREFIX}{option.argument}"
    if option.kind == _FLAG:
        return click.Option([f"{name}/--no-{option.name}", variable], default=None, help=printable(said))
    metavar = option.type_text or str(option.kind)
    return click.Option([name, variable], metavar=printable(metavar), help=printable(said))


def _shown_default(option: CallOption) -> str:
    if option.default is None:
        return "[required]"
    return f"[default: {option.default}]"


@click.command(cls=CallCommand, options_metavar="[OPTIONS]")
@click.argument(
    "words",
    metavar="FUNCTION|[FILE] STEP",
    nargs=-1,
    required=True,
    shell_complete=completed("file_and_next"),
)
@click.option(
    "--out",
    "out",
    metavar="PLACE",
    multiple=True,
    help="Where the result goes: a file, whose suffix is the format, a folder, or NAME=FILE for each named part. Without it, the"
    " result of a function is printed.",
)
@click.option("--force", is_flag=True, help="Replace what is at PLACE.")
@layers
@click.pass_context
def call(ctx: click.Context, /, out: tuple[str, ...] = (), force: bool = False, **given: Any) -> int:
    """Call a function, or one step of a pipeline, without recording anything.

    FUNCTION is 'module:function', looked for in the current folder, in the project root, and in its 'src'. Each of its
    arguments is an option. A data frame, series, array or bytes is loaded from the file that the option names. Numbers, lists
    and mappings are written as YAML. 'pipespec call FUNCTION --help' lists the options.

    With a STEP, each input and param of the step is an option. A file replaces an input; what is left out is what a run would
    use: the params of FILE, external files, and recorded outputs of complete steps. Its outputs are written to the folder of
    --out.

    For example, 'pipespec call news.classifier:train --examples titles.csv --depth 4 --out model.joblib' calls a function, and
    'pipespec call pipelines/news.yaml train --examples titles.csv --out out/' a step.
    """
    found = ctx.meta[_FOUND]
    values = {
        name.removeprefix(_PREFIX): value
        for name, value in given.items()
        if name.startswith(_PREFIX) and value is not None
    }
    try:
        answer: CallAnswer = found.call(values, out, force=force)
    except StepFailedError as error:
        say(str(error), err=True)
        return exit_codes.of_error(error)
    if answer.text is not None:
        say(answer.text)
    for file in answer.files:
        say(str(file), err=True)
    return 0

"""A verb with layers over a pipeline: determines all other sources of its options before it is called.

`--env prod` is the overlay FILE.prod.yaml. An option that FILE declares, and `--no-tracking`, mean a `--set`. If the
verb trusts the file, `.env` in the project root is read, and variables `PIPESPEC_*` and `[tool.pipespec]` in
pyproject.toml set defaults. The help shows these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from pipespec import api
from pipespec.cli.output import say
from pipespec.cli.words import FILE, is_file_word, option_named, words_beside_options
from pipespec.errors import PipespecError
from pipespec.views.terminal_text import printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["NO_TRACKING", "LayeredCommand"]

_WRITTEN_DEFAULT: Final = re.compile(r"\s*\[default: [^]]*\]")
_OPTIONS: Final = "pipespec.options"
_PREFIX: Final = "option_"
NO_TRACKING: Final = "mlflow=false"
_HELP: Final = frozenset({"-h", "--help"})


class LayeredCommand(click.Command):
    """A command with `layers`. `trusts` says whether it trusts the file: always, never, or if a flag is given."""

    def __init__(self, *args: Any, trusts: bool | str = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._trusts = trusts

    def one_file(self, ctx: click.Context) -> str | None:
        """Return the single pipeline that the verb takes; None if there are several, or none."""
        file: str | None = ctx.params["file"]
        return file

    def file_in(self, words: list[str], args: list[str]) -> str | None:
        """Return the pipeline that an unfinished command line names, if any. `words` are those that are not options."""
        del args
        named = [word for word in words if is_file_word(word)]
        return named[0] if len(named) == 1 and not Path(named[0]).is_dir() else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """First read the options that the pipeline declares, if one may be given, or if the help is requested."""
        is_help = not _HELP.isdisjoint(args)
        is_unknown = any(map(self._is_unknown, args))
        if is_help or is_unknown or ctx.resilient_parsing:
            file = ctx.meta[FILE] = self.file_in(words_beside_options(self.params, args), args)
            if is_help or is_unknown:
                ctx.meta[_OPTIONS] = self._declared(file, is_help=is_help or ctx.resilient_parsing)
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Complete the options of the verb, and those that the pipeline declares."""
        if _OPTIONS not in ctx.meta and incomplete.startswith("--"):
            ctx.meta[_OPTIONS] = self._declared(ctx.meta[FILE], is_help=True)
        return super().shell_complete(ctx, incomplete)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options of the verb, and those that the pipeline declares."""
        return [*super().get_params(ctx), *(option for option, _ in ctx.meta.get(_OPTIONS, ()))]

    def invoke(self, ctx: click.Context) -> Any:
        """Determine the values of options, then call the verb."""
        file = self.one_file(ctx)
        env: tuple[str, ...] = ctx.params.pop("env")
        trusts = self._trusts if isinstance(self._trusts, bool) else bool(ctx.params[self._trusts])
        if trusts and file is not None:
            api.read_env_file(file)
            self._take_defaults(ctx, api.option_defaults(file), is_env=bool(env))
            if not ctx.params.get("quiet"):
                for name, meant in api.misspelled_variables().items():
                    say(printable(f"{name} has no effect: did you mean {meant}?"), err=True)
        if ctx.params.pop("tracking") is False:
            ctx.params["overrides"] = (*ctx.params["overrides"], NO_TRACKING)
        if env:
            ctx.params["overlays"] = (*self._overlays(ctx, file, env), *ctx.params["overlays"])
        declared = [
            (ctx.params.pop(option.name), override) for option, override in ctx.meta.get(_OPTIONS, ())
        ]
        given = [override(value) for value, override in declared if value is not None]
        if given:
            ctx.params["overrides"] = (*ctx.params["overrides"], *given)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, with the defaults that the user or the project sets."""
        defaults = self._defaults_to_show(ctx)
        records: list[tuple[str, str]] = []
        for option in super().get_params(ctx):
            record = option.get_help_record(ctx)
            if record is not None and isinstance(option, click.Option):
                default = defaults.get(option.name or "")
                records.append(record if default is None else (record[0], _with_default(record[1], *default)))
        with formatter.section("Options"):
            formatter.write_dl(records)
        declared = [option.get_help_record(ctx) for option, _ in ctx.meta.get(_OPTIONS, ())]
        if declared:
            with formatter.section(printable(f"Options of {ctx.meta[FILE]}")):
                formatter.write_dl([record for record in declared if record is not None])

    def _declared(
        self, file: str | None, *, is_help: bool
    ) -> list[tuple[click.Option, Callable[[str], str]]]:
        """Return the options that a pipeline declares, each with what it sets.

        If the pipeline is invalid, the help is shown without them.
        """
        try:
            found = () if file is None else api.run_options(file)
        except PipespecError:
            if not is_help:
                raise
            return []
        return [
            (
                click.Option(
                    [f"--{one.name}", f"{_PREFIX}{one.name.replace('-', '_')}"],
                    metavar="VALUE",
                    help=printable(f"Set {one.path}.  [default: {one.default}]"),
                ),
                one.override,
            )
            for one in found
        ]

    def _is_unknown(self, word: str) -> bool:
        return word.startswith("--") and len(word) > 2 and option_named(self.params, word) is None

    def _take_defaults(self, ctx: click.Context, defaults: Mapping[str, Any], *, is_env: bool) -> None:
        for name, (value, _) in defaults.items():
            is_left_out = ctx.get_parameter_source(name) is ParameterSource.DEFAULT
            is_refused = (name == "overlays" and is_env) or (name == "verbose" and ctx.params.get("quiet"))
            if name in ctx.params and is_left_out and not is_refused:
                ctx.params[name] = value

    def _overlays(self, ctx: click.Context, file: str | None, env: tuple[str, ...]) -> list[str]:
        if file is None:
            raise click.UsageError("--env needs one pipeline file; name overlays with -f instead")
        found = [api.find_env_overlay(file, name) for name in env]
        if not ctx.params.get("quiet"):
            for overlay in found:
                say(printable(f"overlay: {overlay}"), err=True)
        return found

    def _defaults_to_show(self, ctx: click.Context) -> Mapping[str, Any]:
        """Return the defaults for the pipeline that the command line names; none if they cannot be read."""
        if self._trusts is not True or FILE not in ctx.meta:
            return {}
        try:
            return api.option_defaults(ctx.meta[FILE])
        except PipespecError:
            return {}


def _with_default(text: str, value: Any, origin: str) -> str:
    shown = ", ".join(value) if isinstance(value, tuple) else value
    if isinstance(value, bool):
        shown = "yes" if value else "no"
    told = printable(f"  [default: {shown}, from {origin}]")
    return _WRITTEN_DEFAULT.sub(lambda _: told, text) if _WRITTEN_DEFAULT.search(text) else text + told

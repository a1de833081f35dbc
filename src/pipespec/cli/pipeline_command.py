"""A verb of one pipeline, whose FILE may be left out.

If the first word is not a FILE, all words are what follows it, for example steps, and `api` finds the pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from pipespec import api
from pipespec.cli.layered_command import LayeredCommand
from pipespec.cli.words import is_file_word
from pipespec.errors import UsageError

__all__ = ["PipelineCommand", "StoreCommand"]

_FILE: Final = "file"


class PipelineCommand(LayeredCommand):
    """A command whose first argument is FILE, a pipeline. It is determined before the verb is called."""

    def make_parser(self, ctx: click.Context) -> Any:
        """Return a parser that gives words to the arguments after FILE if the first word is not a FILE."""
        parser = super().make_parser(ctx)
        parse = parser.parse_args
        arguments = [one for one in self.get_params(ctx) if isinstance(one, click.Argument)]

        def parse_args(args: list[str]) -> tuple[dict[str, Any], list[str], list[click.Parameter]]:
            values, rest, order = parse(args)
            shared, left = _shared_out(arguments, values, rest)
            if not ctx.resilient_parsing:
                _require_file_first(ctx, [one.name or "" for one in arguments], shared, left)
            return shared, left, order

        parser.parse_args = parse_args  # type: ignore[method-assign]  # this parser alone shares arguments out
        return parser

    def one_file(self, ctx: click.Context) -> str | None:
        """Return FILE, or find the pipeline."""
        ctx.params[_FILE] = file = _settled(ctx)
        return file

    def file_in(self, words: list[str], args: list[str]) -> str | None:
        """Return FILE, or the pipeline that is found; None if there is none."""
        del args
        named = words[0] if words and is_file_word(words[0]) else None
        if named is not None and not Path(named).is_dir():
            return named
        try:
            return api.find_pipeline(named)
        except UsageError:
            return None


class StoreCommand(PipelineCommand):
    """A command for which a pipeline only determines the tracking store. Without one, it is the project's own store."""

    def one_file(self, ctx: click.Context) -> str | None:
        """Return FILE, or find the pipeline; None if none is named, and there is none, or several."""
        try:
            return super().one_file(ctx)
        except UsageError:
            if ctx.params[_FILE] is not None:
                raise
            return None


def _shared_out(
    arguments: Sequence[click.Argument], values: dict[str, Any], rest: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """Distribute all words again if the first one is not a FILE, so that FILE stays empty.

    `rest` are the words that are left over.
    """
    words: list[str] = []
    for argument in arguments:
        value = values.get(argument.name or "")
        words += [value] if isinstance(value, str) else value if isinstance(value, tuple) else []
    if not words or arguments[0].name != _FILE or is_file_word(words[0]):
        return values, rest
    names = {argument.name for argument in arguments}
    shared = {name: value for name, value in values.items() if name not in names}
    waiting = [*words, *rest]
    for argument in arguments[1:]:
        taken = waiting if argument.nargs < 0 else waiting[:1]
        waiting = waiting[len(taken) :]
        if taken:
            shared[argument.name or ""] = tuple(taken) if argument.nargs < 0 else taken[0]
    return shared, waiting


def _require_file_first(
    ctx: click.Context, names: Sequence[str], values: dict[str, Any], left: Sequence[str]
) -> None:
    """Refuse more words than the verb takes if FILE is one of them, and not the first.

    Raises:
        UsageError: with the words in their order.
    """
    words = [word for name in names if isinstance(word := values.get(name), str)] + [*left]
    file = next((word for word in words if is_file_word(word)), None)
    if left and file is not None and values.get(_FILE) is None:
        words.remove(file)
        raise UsageError(f"write FILE before the other words: {ctx.command_path} {' '.join([file, *words])}")


def _settled(ctx: click.Context) -> str:
    file: str | None = ctx.params[_FILE]
    if file is not None and not Path(file).is_dir():
        return file
    try:
        return api.find_pipeline(file)
    except UsageError as error:
        meant = "an output" if "output" in ctx.params and ctx.command.name == "get" else "a step"
        if file is not None:
            raise UsageError(f"{error}; if '{file}' is {meant}, write FILE before it") from error
        word = _first_word(ctx)
        if word is None:
            raise
        why = "because a FILE ends in .yaml or .yml, or exists"
        raise UsageError(f"{error}; '{word}' is read as {meant}, {why}") from error


def _first_word(ctx: click.Context) -> str | None:
    for argument in ctx.command.params:
        value = ctx.params.get(argument.name or "")
        if isinstance(argument, click.Argument) and argument.name != _FILE and value:
            return value[0] if isinstance(value, tuple) else str(value)
    return None

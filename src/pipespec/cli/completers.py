"""Completions for arguments and options: files, steps, variants, outputs, paths of values, environments.

The pipeline is read as not trusted: without code and without environment. If it cannot be read, there are no
completions, and no message.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import click
from click.shell_completion import CompletionItem

from pipespec import api
from pipespec.cli.shell_completion import OPEN
from pipespec.cli.words import FILE, SUFFIXES
from pipespec.errors import PipespecError

__all__ = [
    "Items",
    "environments",
    "file_and_next",
    "files",
    "outputs",
    "paths",
    "steps",
    "templates",
    "verbs",
]

Items: TypeAlias = "list[CompletionItem[Any]]"


def files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return YAML files and folders."""
    folder, _, start = incomplete.rpartition("/")
    head = f"{folder}/" if "/" in incomplete else ""
    try:
        found = sorted(Path(head or ".").iterdir())
    except OSError:
        return []
    items: Items = []
    for path in found:
        if not _fits(path.name, start) or (path.name.startswith(".") and not start.startswith(".")):
            continue
        if path.is_dir():
            items.append(CompletionItem(f"{head}{path.name}/", type=OPEN))
        elif path.name.endswith(SUFFIXES):
            items.append(CompletionItem(f"{head}{path.name}"))
    return items


def file_and_next(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return completions for FILE and, because it may be left out, for the first argument after it that has no value yet."""
    after = [one for one in ctx.command.params if isinstance(one, click.Argument) and one is not param]
    given = [one for one in after if ctx.params.get(one.name or "")]
    following = next((one for one in after if one.nargs < 0 or one not in given), None)
    items = [] if following is None else following.shell_complete(ctx, incomplete)
    return items if given else [*files(ctx, param, incomplete), *items]


def steps(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return steps, and tags if several steps are allowed; after `train[`, the variants of `train`."""
    found = _names(ctx)
    if found is None:
        return []
    if "[" in incomplete:
        return _plain((one for step in found.steps for one in step.variants), incomplete)
    if param.nargs == 1 and not getattr(param, "multiple", False):
        single = [step.name for step in found.steps if not step.variants]
        many = (f"{step.name}[" for step in found.steps if step.variants)
        return [*_plain(single, incomplete), *_open(many, incomplete)]
    tags = dict.fromkeys(f"tag:{tag}" for step in found.steps for tag in step.tags)
    return _plain((*(step.name for step in found.steps), *tags), incomplete)


def outputs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return outputs; for a step with variants, after `train[`, those of each variant and of all."""
    found = _names(ctx)
    if found is None:
        return []
    single = [f"{step.name}.{output}" for step in found.steps if not step.variants for output in step.outputs]
    many = [step for step in found.steps if step.variants]
    if "[" not in incomplete:
        return [*_plain(single, incomplete), *_open((f"{step.name}[" for step in many), incomplete)]
    ids = ((one, step) for step in many for one in (*step.variants, f"{step.name}[*]"))
    return _plain((f"{one}.{output}" for one, step in ids for output in step.outputs), incomplete)


def paths(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the paths of values, one level at a time. A path that has a value ends with `=`."""
    found = _names(ctx)
    if found is None or "=" in incomplete:
        return []
    plus = "+" if incomplete.startswith("+") else ""
    typed = incomplete.removeprefix("+")
    depth = typed.count(".")
    plain = (path for path in found.paths if "[" not in path)  # a shell would need quotes
    level = (path for path in plain if path.removesuffix(".").count(".") == depth)
    return _open((f"{plus}{path}" if path.endswith(".") else f"{plus}{path}=" for path in level), incomplete)


def environments(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the environments that have an overlay."""
    file = _file(ctx)
    return [] if file is None else _plain(api.env_names(file), incomplete)


def templates(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the templates of `init`."""
    found = api.templates().items()
    return [CompletionItem(name, help=text) for name, text in found if name.startswith(incomplete)]


def verbs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the verbs."""
    root = ctx.find_root().command
    assert isinstance(root, click.Group)
    return _plain(root.list_commands(ctx), incomplete)


def _plain(values: Iterable[str], incomplete: str) -> Items:
    return [CompletionItem(value) for value in values if _fits(value, incomplete)]


def _open(values: Iterable[str], incomplete: str) -> Items:
    return [CompletionItem(value, type=OPEN) for value in values if _fits(value, incomplete)]


def _fits(value: str, incomplete: str) -> bool:
    return value.startswith(incomplete) and value.isprintable()  # a terminal would interpret others


def _file(ctx: click.Context) -> str | None:
    """Return the pipeline of an unfinished command line, or the one that is found."""
    file: str | None = ctx.meta.get(FILE)
    return file


def _names(ctx: click.Context) -> Any:
    """Return the names in the pipeline; None if there is none, or it cannot be read."""
    file = _file(ctx)
    try:
        return None if file is None else api.names(file, overlays=ctx.params.get("overlays") or ())
    except PipespecError:
        return None

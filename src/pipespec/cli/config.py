"""`pipespec config`: the resolved document, and where its values come from."""

from __future__ import annotations

import json

import click

from pipespec import api
from pipespec.cli.options import file_argument, format_option, layers
from pipespec.cli.output import say
from pipespec.document.nodes import MappingNode
from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.operations.compile import Compiled, compile_file
from pipespec.views import document as view
from pipespec.views.relocation import presentable


@click.command()
@file_argument
@click.option("--origin", is_flag=True, help="Show the file, line and layer that set each value.")
@click.option(
    "--diff", "compare", is_flag=True, help="Show what overlays and --set change: base, overlay, effective."
)
@format_option("text", "json")
@layers
def config(
    file: str,
    origin: bool,
    compare: bool,
    format_: str,
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
) -> None:
    """Show the resolved document: all layers laid over each other, references replaced.

    Secrets stay references. Layers, lowest first: includes, FILE, overlays (-f), --set.
    """
    document = _resolved(api.load(file, overlays=overlays, overrides=overrides).compiled)
    if compare:
        changes = view.compared(_base(file), document)
        as_json = format_ == "json"
        say(_json(view.comparison_to_json(changes)) if as_json else view.render_comparison(changes))
    elif format_ == "json":
        say(_json(view.origins_to_json(document)))
    else:
        say(view.to_yaml(document, with_origin=origin), newline=False)


def _base(file: str) -> MappingNode:
    """Return the file without upper layers; what has no value without them is shown as it stands."""
    try:
        return _resolved(compile_file(file, trusted=True))
    except InvalidPipelineError as invalid:
        first = invalid.diagnostics[0]
        message = f"'{file}' alone cannot be resolved, so there is nothing to compare with: {first.message}"
        raise UsageError(f"{message}; '--origin' shows what each layer sets") from invalid


def _resolved(compiled: Compiled) -> MappingNode:
    return presentable(compiled.resolved.document, compiled.place.folders)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)

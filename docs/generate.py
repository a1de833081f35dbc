"""Writes the pages that are made from something else: `keys.md` from the schema, `cli.md` from `--help`.

`python docs/generate.py` writes both; a test sees that they are as it would write them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from pipespec.cli import pipespec as command

__all__ = ["cli_page", "keys_page"]

DOCS: Final = Path(__file__).parent
SCHEMA: Final = DOCS.parent / "schemas/pipeline.schema.json"

_KEYS_TOP: Final = """\
# Every key of a pipeline file

Made from `schemas/pipeline.schema.json` by `docs/generate.py`. `*` stands for a name of your own, `[]` for the
items of a list. How it all goes together is told in [language.md](language.md).
"""
_CLI_TOP: Final = """\
# The command line

Made from `--help` by `docs/generate.py`. `python -m pipespec` is the same command. Results go to standard output,
messages and progress to standard error.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the answer is bad: mistakes found by `validate`, a step failed, `--exit-code` and something would run |
| 2 | wrong usage or, outside `validate`, an invalid pipeline |
| 3 | the tracking server or the scheduler cannot be reached |
| 130, 143 | interrupted, by Ctrl-C or SIGTERM |
"""


def keys_page(schema: Mapping[str, Any]) -> str:
    """Return the table of all keys: dotted path, description, default and an example."""
    rows = ["| key | meaning | example |", "|---|---|---|"]
    for path, node in _keys(schema, schema, ""):
        default = f" Default: `{_compact(node['default'])}`." if "default" in node else ""
        example = f"`{_compact(node['examples'][0])}`" if node.get("examples") else ""
        rows.append(f"| `{path}` | {_cell(node['description'])}{_cell(default)} | {_cell(example)} |")
    return f"{_KEYS_TOP}\n" + "\n".join(rows) + "\n"


def cli_page() -> str:
    """Return the help of the command and of each verb, one section each."""
    pages = [_CLI_TOP]
    settings = {**command.context_settings, "max_content_width": 100, "terminal_width": 100}
    root = click.Context(command, info_name="pipespec", **settings)
    pages.append(f"```text\n{command.get_help(root)}\n```\n")
    for name in command.list_commands(root):
        verb = command.get_command(root, name)
        assert verb is not None
        context = click.Context(verb, info_name=name, parent=root, **settings)
        pages.append(f"## {name}\n\n```text\n{verb.get_help(context)}\n```\n")
    return "\n".join(pages)


def _keys(
    schema: Mapping[str, Any], node: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each key below `node` with what the schema says of it, a key before its own keys."""
    named = node.get("properties", {}).items()
    free = (
        [("*", node["additionalProperties"])] if isinstance(node.get("additionalProperties"), Mapping) else []
    )
    for key, value in [*named, *free]:
        inner = _resolved(schema, value)
        here = f"{path}.{key}" if path else key
        if "description" in inner and (key != "*" or "examples" in inner):
            yield here, inner
        if here != "defaults":  # the keys of a step once more
            yield from _keys(schema, inner, here)
    if "properties" in node.get("items", {}):
        yield from _keys(schema, node["items"], f"{path}[]")


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Lay a node over what its `$ref` refers to."""
    if "$ref" not in node:
        return node
    target = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return {**_resolved(schema, target), **node}


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    (DOCS / "keys.md").write_text(keys_page(json.loads(SCHEMA.read_bytes())), encoding="utf-8")
    (DOCS / "cli.md").write_text(cli_page(), encoding="utf-8")

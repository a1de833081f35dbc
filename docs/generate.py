"""Generate `keys.md` from the schema, `cli.md` from `--help` and `python.md` from docstrings.

`python docs/generate.py` writes all three. A test checks that they are up to date.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

import pipespec
from pipespec.cli import pipespec as command

__all__ = ["cli_page", "keys_page", "python_page"]

DOCS: Final = Path(__file__).parent
SCHEMA: Final = DOCS.parent / "schemas/pipeline.schema.json"

_KEYS_TOP: Final = """\
# Every key of a pipeline file

This page is generated from `schemas/pipeline.schema.json` by `docs/generate.py`. In a key, `*` stands for a name that you
choose, and `[]` for the items of a list. [language.md](language.md) explains how the keys work together, and the
[glossary](glossary.md) explains the terms.
"""
_CLI_TOP: Final = """\
# The command line

This page is generated from `--help` by `docs/generate.py`. `python -m pipespec` is the same command. Results are written to
standard output, messages and progress to standard error. The [glossary](glossary.md) explains the terms.

| exit code | meaning |
|---|---|
| 0 | success |
| 1 | negative result: `validate` found errors, a step failed, `convert` lists what it could not convert, or `--exit-code` was given and something would run or differs |
| 2 | wrong usage, or an invalid pipeline for all verbs except `validate` |
| 3 | the tracking server, the scheduler or the cluster cannot be reached |
| 130, 143 | interrupted by Ctrl-C or SIGTERM |
"""


_PYTHON_TOP: Final = """\
# Use pipespec from Python

Everything that the command line does can be done from Python, for example in a notebook. The second half of this page is generated from
docstrings by `docs/generate.py`. The [glossary](glossary.md) explains the terms.

```console
$ pipespec init demo
...
```

<!-- in: demo -->
```python
import pipespec

pipeline = pipespec.load("pipeline.yaml", overrides=["steps.curve.params.degree=4"])
print(pipeline)  # its steps; in a notebook, a picture and a table of their states
print(pipeline.plan())  # what would run, and why
report = pipeline.run(workers=2)  # raises StepFailedError if a step fails
scores = pipeline["evaluation"].load("scores")
assert scores["r2"] > 0.5

for step in pipeline:  # a pipeline is a collection of its steps
    print(step, len(pipeline[step].step.outputs))
print(pipeline.status())
print(pipeline.graph())
print(pipeline.config())
print(pipeline.explain("curve"))
```

- The last value of a cell is shown: pipelines with their graph, plans, runs and states as tables. The graph is a picture if the
  package for `pipespec[svg]` is installed, otherwise it is text.
- A `Pipeline` reads files and code again each time that it plans or runs. You can edit a module and call `run()` again; a reload is not needed.
- `run()` raises `StepFailedError` with the traceback of the step. `run(check=False)` returns the report instead. `load()` raises
  `InvalidPipelineError`, which shows all errors as `pipespec validate` does. A notebook shows the message of these errors alone.
- `pipeline["train"].load("model")` loads an output of the latest complete run. Completion with the Tab key offers the names of steps.
"""
_FUNCTIONS: Final = ("load", "validate", "init", "schema", "import_results", "collect_garbage", "examine")
_CLASSES: Final = ("Pipeline", "StepHandle")


def python_page() -> str:
    """Return the functions and methods for users with their signatures and docstrings."""
    pages = [_PYTHON_TOP]
    pages += [_callable(f"pipespec.{name}", getattr(pipespec, name)) for name in _FUNCTIONS]
    for name in _CLASSES:
        kind = getattr(pipespec, name)
        pages.append(f"## {name}\n\n{_prose(kind)}\n")
        methods = [
            (method, value)
            for method, value in vars(kind).items()
            if inspect.isfunction(value) and not method.startswith("_")
        ]
        pages += [_callable(f"{name}.{method}", value) for method, value in methods]
    return "\n".join(pages)


def _callable(name: str, value: Any) -> str:
    signature = inspect.signature(value)
    given = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
    text = re.sub(r"<function .*? at 0x\w+>", "...", f"{name}{signature.replace(parameters=given)}")
    text = text.replace("'", "")
    return f"### {name.rpartition('.')[2]}\n\n```text\n{text}\n```\n\n{_prose(value)}\n"


def _prose(value: Any) -> str:
    """Return a docstring as Markdown: what it raises as a list."""
    text, _, raised = (inspect.getdoc(value) or "").partition("\nRaises:\n")
    lines = re.sub(r"\n {8,}", " ", raised).splitlines()
    items = [
        f"- `{name.strip()}`: {why.strip()}"
        for name, _, why in (line.partition(":") for line in lines if line.strip())
    ]
    return text.strip() + ("\n\nRaises:\n\n" + "\n".join(items) if items else "")


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
    """Yield each key below `node` with its schema. A key comes before the keys inside it."""
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
    (DOCS / "python.md").write_text(python_page(), encoding="utf-8")

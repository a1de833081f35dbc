"""`options` of a pipeline: params that have their own command-line option.

Takes the document and returns the valid options. `checks` reports what is wrong with the others. An option is another
way to write `--set`, so it changes no key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipespec.document.key_paths import read_path
from pipespec.document.layers.override import Override
from pipespec.document.nodes import MappingNode, Node, ScalarNode, plain
from pipespec.frozen_values import frozen
from pipespec.spec.node_reading import entries, text
from pipespec.spec.value_wording import shown

__all__ = ["OWN_OPTIONS", "RunOption", "is_option_name", "param_at", "run_options"]

OWN_OPTIONS: Final = frozenset(
    [
        "as",
        "baseline",
        "dask",
        "delete",
        "diff",
        "down",
        "dry-run",
        "encoding",
        "env",
        "environment",
        "executor",
        "exit-code",
        "experiment",
        "folder",
        "follow",
        "for",
        "force",
        "format",
        "help",
        "html",
        "import",
        "import-timeout",
        "jobs",
        "keep",
        "keep-going",
        "keep-last",
        "keep-tag",
        "kind",
        "latest",
        "luigi",
        "max-delta",
        "min-delta",
        "no-color",
        "no-keep-going",
        "no-tracking",
        "older-than",
        "open",
        "origin",
        "out",
        "output",
        "overlay",
        "pdb",
        "percent",
        "pipeline",
        "points",
        "port",
        "purge",
        "python",
        "quiet",
        "records",
        "report",
        "revoke",
        "scheduler",
        "set",
        "sheet",
        "status",
        "sweep",
        "template",
        "thousands",
        "tolerance",
        "tracking",
        "up",
        "verbose",
        "verify",
        "version",
        "why",
        "yes",
    ]
)
"""The options that pipespec's verbs have."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


@frozen
class RunOption:
    """An option: `--name VALUE` means `--set path=VALUE`. `default` is the param's value, formatted for display."""

    name: str
    path: str
    default: str

    def override(self, value: str) -> Override:
        """Return what the option sets, as an override."""
        return Override(f"{self.path}={value}", f"--{self.name} {value}")


def run_options(document: MappingNode) -> tuple[RunOption, ...]:
    """Return the options that a pipeline declares."""
    return tuple(_sound(document))


def is_option_name(name: str) -> bool:
    """Return whether an option can have this name: words of lower-case letters and digits, joined by `-`, not a single letter."""
    return len(name) > 1 and _NAME.fullmatch(name) is not None


def param_at(document: MappingNode, path: str) -> Node | None:
    """Return the node at a path such as `params.model.epochs`; None if there is no such param."""
    keys, end = read_path(path)
    if end != len(path) or len(keys) < 2 or keys[0].name != "params":
        return None
    node: Node = document
    for key in keys:
        entry = node.entries.get(key.name) if isinstance(node, MappingNode) else None
        if entry is None:
            return None
        node = entry.value
    return node


def _sound(document: MappingNode) -> Iterator[RunOption]:
    for name, entry in entries(document.get("options")).items():
        path = text(entry.value)
        node = None if path is None else param_at(document, path)
        if path is not None and node is not None and is_option_name(name) and name not in OWN_OPTIONS:
            value = node.value if isinstance(node, ScalarNode) else plain(node)
            yield RunOption(name, path, value if isinstance(value, str) else shown(value))

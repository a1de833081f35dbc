r"""Outputs: file names that survive every store, no two of which get in each other's way.

Takes the node below `outputs`, gives `OutputSpec`s. What may stand in a name follows from what MLflow's stores lose:
`%`, `#`, `?` and line ends come back under another name or not at all, `\\` and letters beyond ASCII depend on the
system, a dot in front hides a file, a name in small and capital letters is one file on macOS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pipespec.document.nodes import JSON, Entry, MappingNode, Node, plain
from pipespec.document.wording import quote
from pipespec.spec.findings import Findings
from pipespec.spec.model import CallableRef, OutputSpec
from pipespec.spec.reading import entries, text
from pipespec.spec.references import parse_call

__all__ = ["read_outputs"]

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,+=@()-]*")
_LONGEST: Final = 200
_OURS: Final = "pipespec"
"""The folder of the manifest and the log, beside the outputs."""
_RULE: Final = (
    "letters, digits and any of _ . , + = @ ( ) - are kept by every store; folders are parted by '/'"
)


def read_outputs(node: Node | None, step: str, found: Findings) -> Mapping[str, OutputSpec]:
    """Return the outputs of a step in declared order."""
    outputs = {name: _read_output(name, entry) for name, entry in entries(node).items()}
    read = {name: output for name, output in outputs.items() if output is not None}
    for output in read.values():
        if (problem := _problem(output.file)) is not None:
            message = f"output {quote(output.name)} of step {quote(step)} cannot be called {quote(output.file)}: {problem}"
            found.error("bad-output-name", message, output.span, _RULE)
    _check_apart(read, step, found)
    return read


def _read_output(name: str, entry: Entry) -> OutputSpec | None:
    node = entry.value
    below = node.entries.get("file") if isinstance(node, MappingNode) else entry
    file = text(below.value) if below else None
    if below is None or not file:
        return None
    save = node.entries.get("save") if isinstance(node, MappingNode) else None
    return OutputSpec(name, file, _read_save(save), below.value.span)


def _read_save(entry: Entry | None) -> Mapping[str, JSON] | CallableRef | None:
    if entry is None:
        return None
    written = text(entry.value)
    if written is not None:
        return parse_call(written, entry.value.span)
    value = plain(entry.value)
    return value if isinstance(value, dict) else None


def _problem(file: str) -> str | None:
    """Say what a file name breaks, or None."""
    segments = file.removesuffix("/").split("/")
    if file.startswith("/"):
        return "it is absolute"
    if ".." in segments:
        return "'..' leads out of the step's folder"
    if len(file) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    if segments[0] == _OURS:
        return f"the folder {quote(_OURS)} is where pipespec keeps its own record"
    for segment in segments:
        if segment in ("", "."):
            return "a folder in it has no name"
        if segment.startswith((".", "-")):
            return f"{quote(segment)} begins with {quote(segment[0])}"
        if segment.endswith("."):
            return f"{quote(segment)} ends with '.'"
        if not _SEGMENT.fullmatch(segment):
            strange = next(c for c in segment if not _SEGMENT.fullmatch("x" + c))
            return f"not every store keeps {quote(strange)}"
    return None


def _check_apart(outputs: Mapping[str, OutputSpec], step: str, found: Findings) -> None:
    """Tell of files that are one, differ in capitals only, or lie in another output's directory."""
    taken: dict[str, OutputSpec] = {}
    for output in outputs.values():
        path = output.file.removesuffix("/")
        other = taken.setdefault(path.lower(), output)
        if other is not output:
            is_same = other.file.removesuffix("/") == path
            how = "the same file" if is_same else "a file whose name differs in capitals only"
            _clash(output, other, how, step, found)
    for output in outputs.values():
        folders = output.file.removesuffix("/").lower().split("/")[:-1]
        for depth in range(1, len(folders) + 1):
            other = taken.get("/".join(folders[:depth]), output)
            if other is not output:
                how = f"a file inside {quote(other.file)}"
                _clash(output, other, how, step, found)


def _clash(output: OutputSpec, other: OutputSpec, how: str, step: str, found: Findings) -> None:
    message = f"outputs {quote(other.name)} and {quote(output.name)} of step {quote(step)} clash: the second is {how}"
    found.error("output-clash", message, output.span, "give each output a file name of its own")

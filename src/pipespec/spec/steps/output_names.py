r"""Outputs: file names that every store preserves, and that do not conflict with each other.

Takes the node below `outputs` and returns `OutputSpec`s. The rules for names follow from what MLflow's stores do not
preserve: `%`, `#`, `?` and line ends are returned under another name or not at all; `\` and non-ASCII letters depend
on the system; a leading dot hides a file; on macOS, names that differ only in case are the same file.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final

from pipespec.document.nodes import JSON, Entry, MappingNode, Node, ScalarNode, plain
from pipespec.document.wording import quote
from pipespec.python.callable_ref import CallableRef, is_call, parse_call
from pipespec.spec.node_reading import entries, text
from pipespec.spec.pipeline_spec import OutputSpec
from pipespec.spec.places import Places, locate_schema
from pipespec.spec.spec_findings import SpecFindings

__all__ = ["read_outputs"]

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,+=@()-]*")
_LONGEST: Final = 200
_OURS: Final = "pipespec"
"""The folder of the manifest and the log, beside the outputs."""
_RULE: Final = "use letters, digits and _ . , + = @ ( ) -, and '/' to separate folders"


def read_outputs(
    node: Node | None, step: str, places: Places, found: SpecFindings
) -> Mapping[str, OutputSpec]:
    """Return the outputs of a step in declared order."""
    outputs = {
        name: _read_output(name, entry, f"output {quote(name)} of step {quote(step)}", places, found)
        for name, entry in entries(node).items()
    }
    read = {name: output for name, output in outputs.items() if output is not None}
    for output in read.values():
        if (problem := _problem(output.file)) is not None:
            message = f"output {quote(output.name)} of step {quote(step)} cannot be named {quote(output.file)}: {problem}"
            found.error("bad-output-name", message, output.span, _way_out(output.file))
    _check_apart(read, step, found)
    return read


def _read_output(
    name: str, entry: Entry, subject: str, places: Places, found: SpecFindings
) -> OutputSpec | None:
    node = entry.value
    below = node.entries.get("file") if isinstance(node, MappingNode) else entry
    file = text(below.value) if below else None
    if below is None or not file:
        return None
    save = node.entries.get("save") if isinstance(node, MappingNode) else None
    schema = node.get("schema") if isinstance(node, MappingNode) else None
    named = None
    if isinstance(schema, ScalarNode) and text(schema):
        named = locate_schema(schema, subject, places, found)
    model = None
    if isinstance(node, MappingNode) and "flavor" in node.entries:
        from pipespec.spec.steps.model_outputs import read_model  # noqa: PLC0415 - few outputs are models

        model = read_model(node, subject, file, found)
    return OutputSpec(name, file, _read_save(save), below.value.span, named, model)


def _read_save(entry: Entry | None) -> Mapping[str, JSON] | CallableRef | None:
    if entry is None:
        return None
    written = text(entry.value)
    if written is not None:
        return parse_call(written, entry.value.span) if is_call(written) else None
    value = plain(entry.value)
    return value if isinstance(value, dict) else None


@functools.lru_cache(maxsize=1024)
def _problem(file: str) -> str | None:
    """Say which rule a file name violates, or return None."""
    segments = file.removesuffix("/").split("/")
    if file.startswith("/"):
        return "it is absolute"
    if ".." in segments:
        return "'..' is outside of the step's folder"
    if len(file) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    if segments[0] == _OURS:
        return f"the folder {quote(_OURS)} is reserved for the record of pipespec"
    for segment in segments:
        if segment in ("", "."):
            return "it contains a folder without a name"
        if segment.startswith((".", "-")):
            return f"{quote(segment)} begins with {quote(segment[0])}"
        if segment.endswith("."):
            return f"{quote(segment)} ends with '.'"
        if not _SEGMENT.fullmatch(segment):
            strange = next((c for c in segment if not _SEGMENT.fullmatch("x" + c)), None)
            if strange is None:  # it may only not be the first
                return f"{quote(segment)} begins with {quote(segment[0])}"
            return f"{quote(strange)} is not allowed in every store"
    return None


def _way_out(file: str) -> str:
    """Say how the file is named instead: every output is stored, so that its name leads nowhere else."""
    path = file.replace("\\", "/")
    last = path.rstrip("/").rpartition("/")[2]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/|~|\.\.?/", path) and _problem(last) is None:
        return (
            f"write {last}: outputs are kept in the tracking store, and 'pipespec get' copies them elsewhere"
        )
    return f"folders are separated by '/': {path}" if path != file and _problem(path) is None else _RULE


def _check_apart(outputs: Mapping[str, OutputSpec], step: str, found: SpecFindings) -> None:
    """Report files that are the same, differ only in case, or are in another output's directory."""
    taken: dict[str, OutputSpec] = {}
    for output in outputs.values():
        path = output.file.removesuffix("/")
        other = taken.setdefault(path.lower(), output)
        if other is not output:
            is_same = other.file.removesuffix("/") == path
            how = "the same file" if is_same else "a file whose name differs only in upper and lower case"
            _clash(output, other, how, step, found)
    for output in outputs.values():
        folders = output.file.removesuffix("/").lower().split("/")[:-1]
        for depth in range(1, len(folders) + 1):
            other = taken.get("/".join(folders[:depth]), output)
            if other is not output:
                how = f"a file inside {quote(other.file)}"
                _clash(output, other, how, step, found)


def _clash(output: OutputSpec, other: OutputSpec, how: str, step: str, found: SpecFindings) -> None:
    message = f"outputs {quote(other.name)} and {quote(output.name)} of step {quote(step)} clash: the second is {how}"
    found.error("output-clash", message, output.span, "use a different file name for each output")

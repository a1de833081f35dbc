"""The document of a past run, changed so that it can run again: nobody is notified, and unneeded parts are removed.

Takes the recorded text, which is resolved, and what is recorded of the steps. Returns nodes. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from pipespec.document.nodes import JSON, Entry, MappingNode, Node, ScalarNode, SequenceNode, walk
from pipespec.document.yaml.yaml_reader import read
from pipespec.operations.reproducing.recorded_run import RecordedStep
from pipespec.tracking.record_names import declared

__all__ = ["rebuilt_document", "replaced_input"]

_OFF: Final = "mlflow: false"
_PLACES: Final = ("pipeline", "output")
_READING: Final = ("inputs", "needs", "matrix")
"""The keys of a step that name other steps."""
_STEP: Final = re.compile(r"[^.\[{/\s]+")


def rebuilt_document(text: str, steps: Mapping[str, RecordedStep], pipeline: str, file: str) -> MappingNode:
    """Return the document that contains these steps. `file` is the name in its spans."""
    document = _as_written(read(text, file=file))
    return _recorded_values(_needed_steps(_private(document, pipeline), steps), steps)


def _as_written(document: MappingNode) -> MappingNode:
    """Keep references that are resolved later (`${secret:…}`) and escaped ones as they are: this document is not resolved yet."""

    def kept(node: Node) -> Node:
        match node:
            case ScalarNode(value=str(value)) if "${" in value:
                return replace(node, text=value)
            case SequenceNode(items=items):
                return replace(node, items=tuple(map(kept, items)))
            case MappingNode(entries=entries):
                below = {key: replace(entry, value=kept(entry.value)) for key, entry in entries.items()}
                return replace(node, entries=below)
            case _:
                return node

    found = kept(document)
    assert isinstance(found, MappingNode)
    return found


def _private(document: MappingNode, pipeline: str) -> MappingNode:
    """Change the document so that nobody is notified of the run, no model is registered, and nothing is recorded together with other runs."""
    span = document.span
    entries = {name: entry for name, entry in document.entries.items() if name != "notify"}
    entries["name"] = Entry(span, ScalarNode(pipeline, span, quoted=True))
    entries |= read(_OFF, file=span.file).entries
    engine = document.get("engine")
    if isinstance(engine, MappingNode):
        kept = {name: entry for name, entry in engine.entries.items() if name != "scheduler"}
        entries["engine"] = Entry(span, replace(engine, entries=kept))
    return _unregistered(replace(document, entries=entries))


def _unregistered(document: MappingNode) -> MappingNode:
    def at_output(output: Node) -> Node:
        if not isinstance(output, MappingNode):
            return output
        return replace(
            output, entries={name: entry for name, entry in output.entries.items() if name != "register"}
        )

    for step in _names(document, "steps"):
        for output in _names(document, "steps", step, "outputs"):
            document = _changed(document, ("steps", step, "outputs", output), at_output)
    return document


def _names(document: MappingNode, *path: str) -> tuple[str, ...]:
    """Return the keys of a mapping in the document."""
    found: Node | None = document
    for name in path:
        found = found.get(name) if isinstance(found, MappingNode) else None
    return tuple(found.entries) if isinstance(found, MappingNode) else ()


def _needed_steps(document: MappingNode, recorded: Mapping[str, RecordedStep]) -> MappingNode:
    """Leave out steps that no recorded step names: data that they read may not exist any more."""
    steps = document.get("steps")
    if not isinstance(steps, MappingNode):
        return document
    needed: dict[str, None] = {}
    waiting = [declared(step) for step in recorded]
    while waiting:
        name = waiting.pop()
        if name in steps.entries and name not in needed:
            needed[name] = None
            waiting += _named_in(steps.entries[name].value)
    kept = {name: entry for name, entry in steps.entries.items() if name in needed}
    return _with(document, "steps", replace(steps, entries=kept))


def _named_in(step: Node) -> Iterator[str]:
    for key in _READING:
        below = step.get(key) if isinstance(step, MappingNode) else None
        for _, node in () if below is None else walk(below):
            match node:
                case ScalarNode(value=str(value)) if found := _STEP.match(value):
                    yield found[0]


def _recorded_values(document: MappingNode, recorded: Mapping[str, RecordedStep]) -> MappingNode:
    """Set params to what the functions got, if the document contains the text from an environment variable."""
    for step_id, step in recorded.items():
        told = step.manifest.get("params")
        for name, value in (told if isinstance(told, dict) else {}).items():
            path = ("steps", declared(step_id), "params", name)
            document = _changed(document, path, partial(_typed, value))
    return document


def _typed(value: JSON, node: Node) -> Node:
    """Return a node with the value that a function got instead of a text."""
    match node, value:
        case ScalarNode(value=str(text)), bool() | int() | float() if "${" not in text:
            return replace(node, value=value, text=None, quoted=False)
        case MappingNode(entries=entries), dict():
            below = {
                key: replace(entry, value=_typed(value[key], entry.value)) if key in value else entry
                for key, entry in entries.items()
            }
            return replace(node, entries=below)
        case SequenceNode(items=items), list() if len(items) == len(value):
            return replace(node, items=tuple(map(_typed, value, items)))
        case _:
            return node


def replaced_input(document: MappingNode, step: str, argument: str, key: str, place: str) -> MappingNode:
    """Replace an input from another pipeline by a file or folder (`key`) at a path. How it is loaded does not change."""

    def at_place(node: Node) -> Node:
        if not isinstance(node, MappingNode):
            return node
        kept = {name: entry for name, entry in node.entries.items() if name not in _PLACES}
        span = node.span
        return replace(node, entries={key: Entry(span, ScalarNode(place, span, quoted=True)), **kept})

    return _changed(document, ("steps", step, "inputs", argument), at_place)


def _changed(document: MappingNode, path: Sequence[str], change: Callable[[Node], Node]) -> MappingNode:
    name, *rest = path
    below = document.get(name)
    if below is None:
        return document
    if not rest:
        return _with(document, name, change(below))
    return (
        _with(document, name, _changed(below, rest, change)) if isinstance(below, MappingNode) else document
    )


def _with(document: MappingNode, name: str, value: Node) -> MappingNode:
    return replace(document, entries={**document.entries, name: replace(document.entries[name], value=value)})

"""Change a resolved document so that it can be one file in its own folder.

Takes a document, and the folder of each file from which its values come. Changes the relative paths of inputs, schemas
and templates, which start from the file that contains them. Pure: no path is accessed.
"""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, set_at
from pipespec.document.password_masking import hide_passwords

__all__ = ["presentable", "relocated"]

_INPUT_PATHS: Final = ("file", "dir", "files", "pipeline", "schema")
_OUTPUT_PATHS: Final = ("schema",)
_NOTICE_PATHS: Final = ("template",)


def presentable(document: MappingNode, folders: Mapping[str, Path]) -> MappingNode:
    """Return the document as it is printed and recorded: relocated, and without passwords of servers."""
    return hide_passwords(relocated(document, folders))


def relocated(document: MappingNode, folders: Mapping[str, Path]) -> MappingNode:
    """Return the document with the paths of its inputs, schemas and templates relative to the folder of its own file.

    A relative path starts at the file that contains it; written into one file, it would start elsewhere. `folders` maps
    each `Span.file` to its absolute folder.
    """
    here = folders.get(document.span.file)
    steps = document.get("steps")
    entries = dict(document.entries)
    if here is None:
        return document
    if (defaults := entries.get("defaults")) is not None:
        entries["defaults"] = _relocated_step(defaults, here, folders)
    schema = entries.get("params_schema")
    if schema is not None and isinstance(schema.value, ScalarNode):
        entries["params_schema"] = replace(schema, value=_relocated_path(schema.value, here, folders))
    if (notify := entries.get("notify")) is not None:
        entries["notify"] = replace(notify, value=_relocated_notices(notify.value, here, folders))
    if isinstance(steps, MappingNode):
        moved = {name: _relocated_step(step, here, folders) for name, step in steps.entries.items()}
        entries["steps"] = replace(entries["steps"], value=replace(steps, entries=moved))
    return replace(document, entries=entries)


def _relocated_notices(notify: Node, here: Path, folders: Mapping[str, Path]) -> Node:
    if not isinstance(notify, SequenceNode):
        return notify
    moved = (
        _relocated_below(Entry(notice.span, notice), _NOTICE_PATHS, here, folders).value
        for notice in notify.items
    )
    return replace(notify, items=tuple(moved))


def _relocated_step(step: Entry, here: Path, folders: Mapping[str, Path]) -> Entry:
    body = step.value
    if not isinstance(body, MappingNode):
        return step
    stated = dict(body.entries)
    for key, paths in (("inputs", _INPUT_PATHS), ("outputs", _OUTPUT_PATHS)):
        below = body.get(key)
        if isinstance(below, MappingNode):
            moved = {
                name: _relocated_below(entry, paths, here, folders) for name, entry in below.entries.items()
            }
            stated[key] = replace(stated[key], value=replace(below, entries=moved))
    return replace(step, value=replace(body, entries=stated))


def _relocated_below(entry: Entry, paths: Sequence[str], here: Path, folders: Mapping[str, Path]) -> Entry:
    source = entry.value
    if not isinstance(source, MappingNode):
        return entry
    moved = {
        key: replace(path, value=_relocated_path(path.value, here, folders))
        if key in paths and isinstance(path.value, ScalarNode)
        else path
        for key, path in source.entries.items()
    }
    return replace(entry, value=replace(source, entries=moved))


def _relocated_path(node: ScalarNode, here: Path, folders: Mapping[str, Path]) -> ScalarNode:
    """Change one path. A path that depends on an axis keeps its template. Bases other than folders are not changed."""
    folder = folders.get(set_at(node).file, here)
    written = node.value
    if folder == here or not isinstance(written, str) or "://" in written or written.startswith(("/", "~")):
        return node

    def moved(path: str) -> str:
        return os.path.relpath(os.path.normpath(folder / path), here)

    template = node.text if node.text is not None and "${" in node.text else None
    return replace(node, value=moved(written), text=template and moved(template))

"""Inputs: where each argument comes from, before it is known which variants of which steps there are.

Takes the node below `inputs`, gives an `InputDraft` for each argument. `locate` turns the path that a user
wrote into an absolute one, without touching the disk, and refuses `..` that leads out of the project.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON, Entry, MappingNode, Node, ScalarNode, plain
from pipespec.document.wording import listing, quote
from pipespec.spec.findings import Findings
from pipespec.spec.model import (
    CallableRef,
    DirInput,
    FileInput,
    FilesInput,
    InputSource,
    InputSpec,
    PipelineInput,
    Variant,
    variant_id,
)
from pipespec.spec.placeholders import is_open
from pipespec.spec.reading import entries, text
from pipespec.spec.references import NotAReferenceError, Reference, parse_call, parse_reference
from pipespec.spec.suffixes import FORMATS, suffix_of

__all__ = ["InputDraft", "Places", "external_input", "locate", "read_inputs"]

_SOURCES: Final = ("from", "file", "dir", "files", "pipeline")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Places:
    """Where relative paths start: `folders` by the file that states them, `root` is the project's."""

    file: Path
    root: Path
    folders: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class InputDraft:
    """One input as written: `kind` is one of `from`, `file`, `dir`, `files`, `pipeline`, `node` its text.

    `reference` is the parsed text of `from`, or the `output` beside `pipeline`.
    """

    argument: str
    kind: str
    node: ScalarNode
    reference: Reference | None
    load: Mapping[str, JSON] | str | CallableRef | None


def read_inputs(node: Node | None, step: str, found: Findings) -> Mapping[str, InputDraft]:
    """Return the inputs of a step; those with mistakes are told and left out."""
    drafts = (_read_input(argument, entry, step, found) for argument, entry in entries(node).items())
    return {draft.argument: draft for draft in drafts if draft is not None}


def _read_input(argument: str, entry: Entry, step: str, found: Findings) -> InputDraft | None:
    node = entry.value
    if isinstance(node, ScalarNode) and text(node):
        reference = _parsed(node, f"input {quote(argument)} of step {quote(step)}", found)
        return InputDraft(argument, "from", node, reference, None) if reference else None
    if not isinstance(node, MappingNode):
        return None
    given = [key for key in _SOURCES if key in node.entries]
    if len(given) != 1:
        return _not_one_source(argument, entry, given, step, found)
    source = node.entries[given[0]].value
    if not isinstance(source, ScalarNode) or not text(source):
        return None
    reference = None
    if given[0] in ("from", "pipeline"):
        referring = source if given[0] == "from" else node.get("output")
        if not isinstance(referring, ScalarNode) or not text(referring):
            return None
        reference = _parsed(referring, f"input {quote(argument)} of step {quote(step)}", found)
        if reference is None:
            return None
    return InputDraft(argument, given[0], source, reference, _read_load(node.get("load")))


def _not_one_source(
    argument: str, entry: Entry, given: list[str], step: str, found: Findings
) -> InputDraft | None:
    known = listing(_SOURCES)
    said = f"says {listing(given)}" if given else "does not say where it comes from"
    if given or (isinstance(entry.value, MappingNode) and entry.value.entries):
        message = f"input {quote(argument)} of step {quote(step)} {said}, where one of {known} is needed"
        found.error("input-source", message, entry.key_span)
    return None


def _parsed(node: ScalarNode, subject: str, found: Findings) -> Reference | None:
    written = text(node) or ""
    try:
        return parse_reference(written)
    except NotAReferenceError as problem:
        hint = "a step's output is 'step.output'"
        if "/" in written.split(".")[0] or suffix_of(written) in FORMATS:
            hint = f"for a file outside of the pipeline write {{file: {written}}}"
        found.error("bad-reference", f"{subject}: {quote(written)} {problem}", node.span, hint)
        return None


def _read_load(node: Node | None) -> Mapping[str, JSON] | str | CallableRef | None:
    written = text(node)
    if written is not None and node is not None:
        return parse_call(written, node.span) if ":" in written else written
    value = plain(node) if node is not None else None
    return value if isinstance(value, dict) else None


def external_input(
    draft: InputDraft, node: ScalarNode, step: str, places: Places, found: Findings, *, point: Variant = ()
) -> InputSpec | None:
    """Return the input of a draft that reads no step, or None; `node` is its path, filled for the variant at `point`."""
    written = str(node.value)
    subject = f"input {quote(draft.argument)} of step {quote(step)}"
    path = locate(node, subject, places, found, must_stay=draft.kind == "pipeline")
    if path is None:
        return None
    source: InputSource
    match draft.kind:
        case "file":
            source = FileInput(path, written)
        case "dir":
            source = DirInput(path, written)
        case "files":
            source = FilesInput(path, written)
        case _:
            assert draft.reference is not None
            if draft.reference.part is not None:
                message = f"{subject} is a part of another pipeline's output, which is read whole only"
                found.error("part-of-file", message, node.span, "leave out what comes after the slash")
                return None
            chosen = variant_id(draft.reference.step, draft.reference.chosen(point) or ())
            source = PipelineInput(path, written, chosen, draft.reference.output)
    return InputSpec(draft.argument, source, draft.load, draft.node.span)


def locate(
    node: ScalarNode, subject: str, places: Places, found: Findings, *, must_stay: bool = False
) -> str | None:
    """Return the absolute path of a path as written, or None; a URI, or a text that is not resolved yet, as it is.

    A relative path starts at the folder of the file that states it: the file in which the text stands, or from
    which a reference brought it. It may not leave the project by `..`; with `must_stay` no path may.
    """
    written = str(node.value)
    if _URI.match(written) or is_open(node):
        return written
    if not written.isprintable() or written.startswith("~"):
        told = "'~' is not expanded" if written.startswith("~") else "it holds control characters"
        found.error("bad-path", f"{subject}: the path {quote(written)} cannot be read: {told}", node.span)
        return None
    folder = places.folders.get((node.origin or node.span).file, places.file.parent)
    path = os.path.normpath(folder / written)
    is_bound = must_stay or not Path(written).is_absolute()
    if is_bound and _is_inside(str(folder), places.root) and not _is_inside(path, places.root):
        message = f"{subject}: the path {quote(written)} leads out of the project"
        hint = "only an absolute path may lead out of it"
        hint = "another pipeline is read from inside the project only" if must_stay else hint
        found.error("outside-project", message, node.span, hint)
        return None
    return path


def _is_inside(path: str, root: Path) -> bool:
    return path == str(root) or path.startswith(str(root).rstrip(os.sep) + os.sep)

"""Inputs: where the value of each argument comes from, before the variants of other steps are known.

Takes the node below `inputs` and returns an `InputDraft` for each argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipespec.document.likely_outputs import likely_output
from pipespec.document.nodes import JSON, Entry, MappingNode, Node, ScalarNode, plain, set_at
from pipespec.document.wording import listing, quote
from pipespec.frozen_values import frozen
from pipespec.python.callable_ref import CallableRef, is_call, parse_call
from pipespec.spec.contracts.data_schema import SchemaFile
from pipespec.spec.file_wording import file_hint
from pipespec.spec.node_reading import entries, items, text
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, InputSource, InputSpec, PipelineInput
from pipespec.spec.placeholders import is_open
from pipespec.spec.places import Places, locate, locate_schema
from pipespec.spec.registered_models import ModelInput, NotAModelError, parse_model
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.steps.output_references import (
    NotAReferenceError,
    OutputReference,
    parse_reference,
)
from pipespec.spec.variant_names import Variant, variant_id

__all__ = ["InputDraft", "external_input", "read_inputs", "read_schema"]

_SOURCES: Final = ("from", "file", "dir", "files", "pipeline", "model")
_BESIDE: Final = frozenset({"load", "output", "run", "overlays"})
_LATEST: Final = "latest"


@frozen
class InputDraft:
    """One input as written: `kind` is one of `from`, `file`, `dir`, `files`, `pipeline`, `model`; `node` is its text.

    `reference` is the parsed text of `from`, or of the `output` beside `pipeline`.
    """

    argument: str
    kind: str
    node: ScalarNode
    reference: OutputReference | None
    load: Mapping[str, JSON] | str | CallableRef | None
    schema: ScalarNode | None = None
    """The path of the schema that an external file must match."""
    overlays: tuple[ScalarNode, ...] = ()
    """Beside `pipeline`: the paths of the overlays of that file."""
    latest: bool = False
    """Beside `pipeline`: true if the last finished run is wanted."""


def read_inputs(
    node: Node | None, step: str, document: MappingNode, found: SpecFindings
) -> Mapping[str, InputDraft]:
    """Return the inputs of a step. Those with mistakes are reported and left out. Names that were meant are searched in the document."""
    drafts = (
        _read_input(argument, entry, step, document, found) for argument, entry in entries(node).items()
    )
    return {draft.argument: draft for draft in drafts if draft is not None}


def _read_input(
    argument: str, entry: Entry, step: str, document: MappingNode, found: SpecFindings
) -> InputDraft | None:
    node = entry.value
    if isinstance(node, ScalarNode) and text(node):
        reference = _parsed(node, f"input {quote(argument)} of step {quote(step)}", document, found)
        return InputDraft(argument, "from", node, reference, None) if reference else None
    if not isinstance(node, MappingNode):
        return None
    given = [key for key in _SOURCES if key in node.entries]
    if not given and node.entries.keys() - _BESIDE:
        return None  # reported by the schema: an unknown key that was meant to be one of them
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
        reference = _parsed(referring, f"input {quote(argument)} of step {quote(step)}", document, found)
        if reference is None:
            return None
    schema = node.get("schema")
    return InputDraft(
        argument,
        given[0],
        source,
        reference,
        _read_load(node.get("load")),
        schema if isinstance(schema, ScalarNode) and text(schema) else None,
        tuple(one for one in items(node.get("overlays")) if isinstance(one, ScalarNode) and text(one)),
        text(node.get("run")) == _LATEST,
    )


def _not_one_source(
    argument: str, entry: Entry, given: list[str], step: str, found: SpecFindings
) -> InputDraft | None:
    known = listing(_SOURCES)
    said = f"says {listing(given)}" if given else "has no source"
    if given or (isinstance(entry.value, MappingNode) and entry.value.entries):
        message = f"input {quote(argument)} of step {quote(step)} {said}; it needs one of {known}"
        found.error("input-source", message, entry.key_span)
    return None


def _parsed(
    node: ScalarNode, subject: str, document: MappingNode, found: SpecFindings
) -> OutputReference | None:
    written = text(node) or ""
    try:
        return parse_reference(written)
    except NotAReferenceError as problem:
        likely, hint = likely_output(written, document), file_hint(written)
        message = f"{subject}: {quote(written)} {problem}"
        if hint is not None or likely is not None:
            message = f"{subject} is {quote(written)}, which is not an output of a step"
        if likely is not None:
            hint = f"did you mean {quote(likely)}?"
        hint = hint or "write a step's output as 'step.output'"
        found.error("bad-reference", message, node.span, hint)
        return None


def _read_load(node: Node | None) -> Mapping[str, JSON] | str | CallableRef | None:
    written = text(node)
    if written is not None and node is not None:
        return parse_call(written, node.span) if is_call(written) else written
    value = plain(node) if node is not None else None
    return value if isinstance(value, dict) else None


def external_input(
    draft: InputDraft,
    node: ScalarNode,
    step: str,
    places: Places,
    found: SpecFindings,
    *,
    point: Variant = (),
) -> InputSpec | None:
    """Return the input of a draft that reads no step, or None. `node` is its path, filled in for the variant at `point`."""
    written = str(node.value)
    subject = f"input {quote(draft.argument)} of step {quote(step)}"
    if draft.kind == "model":
        model = _model(node, subject, found)
        if model is None:
            return None
        return InputSpec(draft.argument, model, draft.load, node.origin or draft.node.span)
    path = locate(
        node, subject, places, found, must_stay="another pipeline" if draft.kind == "pipeline" else ""
    )
    overlays = [locate(one, subject, places, found, must_stay="an overlay") for one in draft.overlays]
    if path is None or None in overlays:
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
                message = f"{subject} refers to a part of another pipeline's output, but such outputs are only read as a whole"
                found.error("part-of-file", message, node.span, "remove the slash and what follows it")
                return None
            chosen = variant_id(draft.reference.step, draft.reference.chosen(point) or ())
            source = PipelineInput(
                path,
                " ".join([written, *(f"-f {one.value}" for one in draft.overlays)]),
                chosen,
                draft.reference.output,
                tuple(overlay for overlay in overlays if overlay is not None),
                draft.latest,
            )
    schema = read_schema(draft, step, places, found)
    return InputSpec(draft.argument, source, draft.load, node.origin or draft.node.span, schema)


def _model(node: ScalarNode, subject: str, found: SpecFindings) -> ModelInput | None:
    if is_open(node):
        return ModelInput(str(node.value), "")  # its reference has no value yet
    try:
        return parse_model(str(node.value))
    except NotAModelError as problem:
        message = f"{subject} is the model {quote(str(node.value))}, which {problem}"
        found.error("model-name", message, set_at(node), problem.hint)
        return None


def read_schema(draft: InputDraft, step: str, places: Places, found: SpecFindings) -> SchemaFile | None:
    """Return the schema that is declared beside the source of an input."""
    subject = f"input {quote(draft.argument)} of step {quote(step)}"
    return None if draft.schema is None else locate_schema(draft.schema, subject, places, found)

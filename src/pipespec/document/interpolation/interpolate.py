"""Replace the references in a whole document: `${params.a}`, `${name}`, `${env:NAME, default}` and others.

Takes a merged document, and the resolvers of its environment. Returns a tree without references, except those that only
a step can resolve (`${step.name}`, `${matrix.axis}`) and `${secret:NAME}`, which only a worker resolves.

Refuses, all at once: unknown names, circles, references where they are not allowed, remaining `???` (which are open
values if nothing runs), and documents that become too large. A value is never parsed as YAML, and never searched for
references again. Interpolating a result again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from pipespec.document.interpolation.interpolation_findings import InterpolationFindings, TooMuchError
from pipespec.document.interpolation.reference_resolution import ReferenceResolution
from pipespec.document.interpolation.reference_rules import DOCUMENT, IN_STEP, INCLUDE, PlaceRule
from pipespec.document.interpolation.reference_syntax import (
    BadReferenceError,
    Piece,
    Reference,
    has_reference,
    parse,
)
from pipespec.document.interpolation.resolver_interface import ReferenceScope, Resolvers
from pipespec.document.interpolation.task_stack import Task, Tasks, Wanted
from pipespec.document.interpolation.text_templates import Texts, is_open, part_span, template_of
from pipespec.document.key_paths import path_below
from pipespec.document.likely_outputs import likely_output
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, walk
from pipespec.document.wording import quote
from pipespec.document.yaml.plain_scalars import spell
from pipespec.errors import Diagnostic, InvalidPipelineError

__all__ = [
    "Secret",
    "interpolate_document",
    "interpolate_node",
    "interpolate_path",
    "interpolate_what_can_be",
    "is_broken",
    "secrets",
    "unresolved",
]

_PLACES: Final = (
    "references are allowed in values of params, matrix, mlflow, engine, notify and resources, and in paths of include,"
    " file, dir and files"
)


class Secret(NamedTuple):
    """A secret in a tree: the variable's name, and the keys and positions that lead to the text."""

    name: str
    path: tuple[str | int, ...]


def interpolate_document(
    document: MappingNode, resolvers: Resolvers, sources: Mapping[str, str] | None = None
) -> MappingNode:
    """Resolve all references of a merged document. Raises `InvalidPipelineError` with `sources`, for all mistakes at once."""
    resolved, mistakes = interpolate_what_can_be(document, resolvers)
    if mistakes or resolved is None:
        raise InvalidPipelineError(mistakes, sources or {})
    return resolved


def interpolate_what_can_be(
    document: MappingNode, resolvers: Resolvers
) -> tuple[MappingNode | None, tuple[Diagnostic, ...]]:
    """Resolve a merged document as far as possible, so that the other mistakes in a file can be found in the same pass.

    What could not be resolved remains as written, and `is_broken` detects it. Returns None if a limit is exceeded.
    """
    findings = InterpolationFindings()
    resolved = _Evaluation(document, resolvers, None, findings).run(document, DOCUMENT)
    assert resolved is None or isinstance(resolved, MappingNode)
    return resolved, findings.mistakes


def is_broken(node: Node) -> bool:
    """Return whether a tree returned by `interpolate_what_can_be` contains anything that could not be resolved."""
    return any(
        isinstance(found, ScalarNode)
        and isinstance(found.value, str)
        and not is_open(found)
        and ((found.value == "???" and not found.quoted) or "${" in found.value)
        for _, found in walk(node)
    )


def interpolate_node(node: Node, scope: ReferenceScope) -> tuple[Node, tuple[Diagnostic, ...]]:
    """Resolve what `interpolate_document` left to the step. If there are diagnostics, the node is returned unchanged."""
    findings = InterpolationFindings()
    resolved = _Evaluation(scope.document, Resolvers(), scope, findings).run(node, IN_STEP)
    if findings.mistakes or resolved is None:
        return node, findings.mistakes
    return resolved, ()


def interpolate_path(
    node: Node, document: MappingNode, resolvers: Resolvers
) -> tuple[Node, tuple[Diagnostic, ...]]:
    """Resolve the path of an include with a document that is not interpolated itself."""
    findings = InterpolationFindings()
    resolved = _Evaluation(document, resolvers, None, findings).run(node, INCLUDE)
    return resolved or node, findings.mistakes


def secrets(node: Node) -> tuple[Secret, ...]:
    """Return the secrets in an interpolated tree, in its order."""
    return tuple(
        Secret(str(reference.target[0]), path)
        for path, reference in _references_left(node)
        if reference.resolver == "secret"
    )


def unresolved(node: Node) -> tuple[str, ...]:
    """Return the references, as written, that an interpolated tree still contains besides secrets.

    These are references of a step before `interpolate_node`, and references of a document that must not use its
    environment, so that their values are not known.
    """
    return tuple(ref.written for _, ref in _references_left(node) if ref.resolver != "secret")


def _references_left(node: Node) -> Iterator[tuple[tuple[str | int, ...], Reference]]:
    for path, found in walk(node):
        if isinstance(found, ScalarNode) and is_open(found):
            for piece in parse(template_of(found)):
                if isinstance(piece, Reference):
                    yield path, piece


class _Evaluation:
    """Walks a tree together with the rules of its places, and replaces references by values."""

    def __init__(
        self,
        document: MappingNode,
        resolvers: Resolvers,
        scope: ReferenceScope | None,
        findings: InterpolationFindings,
    ) -> None:
        self._document = document
        self._scope = scope
        self._keeps_unset = resolvers.keeps_unset
        self._findings = findings
        self._texts = Texts(findings, scope.spelling if scope else spell)
        self._answers = ReferenceResolution(document, resolvers, scope, findings, self._texts)

    def run(self, node: Node, rule: PlaceRule) -> Node | None:
        """Return the resolved node, or None if that failed."""
        try:
            return Tasks(self._task, self._findings).run(Wanted(node, rule, ""))
        except TooMuchError:
            return None

    def _task(self, wanted: Wanted) -> Task:
        match wanted.node:
            case ScalarNode():
                return self._scalar(wanted.node, wanted.rule, wanted.label)
            case SequenceNode():
                return self._sequence(wanted.node, wanted.rule, wanted.label)
            case MappingNode():
                return self._mapping(wanted.node, wanted.rule, wanted.label)

    def _mapping(self, node: MappingNode, rule: PlaceRule, label: str) -> Task:
        changed: dict[str, Entry] = {}
        for key, entry in node.entries.items():
            child_rule = rule.at(key)
            if child_rule.free:
                continue
            if "${" in key and self._scope is None:
                self._check_key(key, entry)
            if not self._is_final(entry.value):
                value = yield Wanted(entry.value, child_rule, path_below(label, key))
                if value is not None and value is not entry.value:
                    changed[key] = Entry(entry.key_span, value)
        if changed:
            node = replace(node, entries={**node.entries, **changed})
        return self._findings.bounded(node)

    def _sequence(self, node: SequenceNode, rule: PlaceRule, label: str) -> Task:
        changed: dict[int, Node] = {}
        for position, item in enumerate(node.items):
            if not self._is_final(item):
                value = yield Wanted(item, rule, f"{label}[{position}]")
                if value is not None and value is not item:
                    changed[position] = value
        if changed:
            node = replace(node, items=tuple(changed.get(at, item) for at, item in enumerate(node.items)))
        return self._findings.bounded(node)

    def _check_key(self, key: str, entry: Entry) -> None:
        if "${" in key.replace("$${", ""):
            message = "a reference is not allowed in a key"
            self._findings.mistake("misplaced-reference", message, entry.key_span, _PLACES)

    def _is_final(self, node: Node) -> bool:
        """Return whether there is nothing to resolve; for a part of a step, without examining collections."""
        if self._scope is None:
            return _is_plain(node)
        return isinstance(node, ScalarNode) and not is_open(node)

    def _scalar(self, node: ScalarNode, rule: PlaceRule, label: str) -> Task:
        if self._is_final(node) or rule.free or (node.value == "???" and node.quoted):
            return node
        if node.value == "???":
            return self._unset(node, rule, label)
        try:
            pieces = parse(template_of(node))
            if not has_reference(pieces):
                return self._texts.joined(node, pieces)
            if self._may_refer(node, rule, pieces, label):
                return (yield from self._referring(node, rule, pieces))
        except BadReferenceError as error:
            span = part_span(node, error.start, error.end)
            self._findings.mistake("reference-syntax", error.message, span, error.hint)
        return None

    def _unset(self, node: ScalarNode, rule: PlaceRule, label: str) -> Node | None:
        """Return an open value, which is shown as a reference to its own place; None if it must have a value."""
        if is_open(node):
            return node
        if self._keeps_unset and rule.references and not (rule.in_brackets or rule.axis_in_brackets):
            return replace(node, text=f"${{{label}}}")
        message = f"{quote(label)} has no value: '???' must be set by a higher layer"
        path = label.partition("[")[0]  # a list is set as a whole
        hint = f"set it in this file, in an overlay (-f), or with --set {path}=..."
        self._findings.mistake("required-value", message, node.span, hint)
        return None

    def _may_refer(self, node: ScalarNode, rule: PlaceRule, pieces: Sequence[Piece], label: str) -> bool:
        open_brackets = 0
        for piece in pieces:
            if isinstance(piece, str):
                open_brackets += piece.count("[") - piece.count("]")
                continue
            if not rule.references:
                message, hint = f"a reference is not allowed in {quote(label)}", _PLACES
            elif rule.in_brackets and not (open_brackets > 0 and piece.written.startswith("${matrix.")):
                message = "the name of an output may only contain references to an axis, inside [ ]"
                hint = "for example train[depth=${matrix.depth}].model; write out names of steps and outputs"
                written = str(node.value)
                if "matrix." not in written and (written.startswith("${") or "/" in written):
                    hint += f", and a path as {{file: {json.dumps(written, ensure_ascii=False)}}}"
                if "matrix." not in written and (likely := likely_output(written, self._document)):
                    message = "an input names the output of a step without '${ }'"
                    hint = f"write {likely}"
            else:
                continue
            span = part_span(node, piece.start, piece.end)
            self._findings.mistake("misplaced-reference", message, span, hint)
            return False
        return True

    def _referring(self, node: ScalarNode, rule: PlaceRule, pieces: Sequence[Piece]) -> Task:
        parts: list[Piece] = []
        failed = False
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            here = rule
            if rule.axis_in_brackets and _opens_bracket(parts):
                here = replace(rule, matrix=True)
            answer = yield from self._answers.answer(piece, node, here)
            if answer is None:
                failed = True
            elif len(pieces) == 1 and not isinstance(answer, Reference):
                return self._brought(answer, node)
            else:
                parts.extend(self._texts.pieces(answer, node.span))
        return None if failed else self._texts.joined(node, parts)

    def _brought(self, answer: Node, node: ScalarNode) -> Node:
        """Return a value for use at the place of `node`, with the place where it was set."""
        origin = answer.origin or (None if answer.span == node.span else answer.span)
        brought = replace(answer, span=node.span, origin=origin)
        self._findings.measures.copied(brought, answer)
        return self._findings.bounded(brought)


def _is_plain(node: Node) -> bool:
    """Return whether a parsed tree contains no reference and no `???`, as most of a long document."""
    if isinstance(node, ScalarNode):
        return not isinstance(node.value, str) or ("${" not in node.value and node.value != "???")
    if isinstance(node, SequenceNode):
        return all(map(_is_plain, node.items))
    return all("${" not in key and _is_plain(entry.value) for key, entry in node.entries.items())


def _opens_bracket(pieces: Sequence[Piece]) -> bool:
    """Return whether the text after these pieces is inside `[ ]`."""
    literal = "".join(piece for piece in pieces if isinstance(piece, str))
    return literal.count("[") > literal.count("]")

"""References -> values: `${params.a}`, `${name}`, `${env:NAME, default}` and their like, in all of a document.

Takes a merged document, and what it may ask its surroundings as a value. Gives a tree whose references are gone,
but for those that only a step can resolve (`${step.name}`, `${matrix.axis}`) and for `${secret:NAME}`, which only
a worker does. Refuses, all at once: unknown names, circles, references where none may stand, values still `???`,
and documents that references blow up. What a value holds is never read as YAML, nor as a reference again;
interpolation can be repeated, and changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from pipespec.document.answers import Answers
from pipespec.document.findings import Findings, TooMuchError
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, walk
from pipespec.document.places import DOCUMENT, IN_STEP, INCLUDE, Rule
from pipespec.document.references import BadReferenceError, Piece, Reference, has_reference, parse
from pipespec.document.resolvers import Resolvers, Scope
from pipespec.document.scalars import spell
from pipespec.document.tasks import Task, Tasks, Wanted
from pipespec.document.texts import Texts, is_open, part_span, template_of
from pipespec.document.wording import quote
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
    "references stand in values of params, matrix, mlflow, engine, notify and resources, and in paths of include,"
    " file, dir and files"
)


class Secret(NamedTuple):
    """A secret that a tree holds: the variable's name, and the keys and positions that lead to the text."""

    name: str
    path: tuple[str | int, ...]


def interpolate_document(
    document: MappingNode, resolvers: Resolvers, sources: Mapping[str, str] | None = None
) -> MappingNode:
    """Resolve all of a merged document. Raises `InvalidPipelineError` with `sources`, for all mistakes at once."""
    resolved, mistakes = interpolate_what_can_be(document, resolvers)
    if mistakes or resolved is None:
        raise InvalidPipelineError(mistakes, sources or {})
    return resolved


def interpolate_what_can_be(
    document: MappingNode, resolvers: Resolvers
) -> tuple[MappingNode | None, tuple[Diagnostic, ...]]:
    """Resolve a merged document as far as that goes: for finding the other mistakes of a file in the same go.

    What could not be resolved stands as it was written, and `is_broken` tells it. None where a bound is passed.
    """
    findings = Findings()
    resolved = _Evaluation(document, resolvers, None, findings).run(document, DOCUMENT)
    assert resolved is None or isinstance(resolved, MappingNode)
    return resolved, findings.mistakes


def is_broken(node: Node) -> bool:
    """Tell whether a tree that `interpolate_what_can_be` gave holds anything that could not be resolved."""
    return any(
        isinstance(found, ScalarNode)
        and isinstance(found.value, str)
        and (found.value == "???" or ("${" in found.value and not is_open(found)))
        for _, found in walk(node)
    )


def interpolate_node(node: Node, scope: Scope) -> tuple[Node, tuple[Diagnostic, ...]]:
    """Resolve what `interpolate_document` left to the step; with diagnostics, the node is as it was."""
    findings = Findings()
    resolved = _Evaluation(scope.document, Resolvers(), scope, findings).run(node, IN_STEP)
    if findings.mistakes or resolved is None:
        return node, findings.mistakes
    return resolved, ()


def interpolate_path(
    node: Node, document: MappingNode, resolvers: Resolvers
) -> tuple[Node, tuple[Diagnostic, ...]]:
    """Resolve the path of an include by a document that is not interpolated itself."""
    findings = Findings()
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
    """Return the references, as written, that an interpolated tree still holds besides secrets.

    Those of a step before `interpolate_node`; and those of a document that may not ask its surroundings, where
    nothing can be said about the value.
    """
    return tuple(ref.written for _, ref in _references_left(node) if ref.resolver != "secret")


def _references_left(node: Node) -> Iterator[tuple[tuple[str | int, ...], Reference]]:
    for path, found in walk(node):
        if isinstance(found, ScalarNode) and is_open(found):
            for piece in parse(template_of(found)):
                if isinstance(piece, Reference):
                    yield path, piece


class _Evaluation:
    """Walks a tree beside the rules of its places, and puts values where references stood."""

    def __init__(
        self, document: MappingNode, resolvers: Resolvers, scope: Scope | None, findings: Findings
    ) -> None:
        self._scope = scope
        self._findings = findings
        self._texts = Texts(findings, scope.spelling if scope else spell)
        self._answers = Answers(document, resolvers, scope, findings, self._texts)

    def run(self, node: Node, rule: Rule) -> Node | None:
        """Return the node resolved, or None where that failed."""
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

    def _mapping(self, node: MappingNode, rule: Rule, label: str) -> Task:
        changed: dict[str, Entry] = {}
        for key, entry in node.entries.items():
            child_rule = rule.at(key)
            if child_rule.free:
                continue
            if "${" in key and self._scope is None:
                self._check_key(key, entry)
            if not self._is_final(entry.value):
                value = yield Wanted(entry.value, child_rule, f"{label}.{key}" if label else key)
                if value is not None and value is not entry.value:
                    changed[key] = Entry(entry.key_span, value)
        if changed:
            node = replace(node, entries={**node.entries, **changed})
        return self._findings.bounded(node)

    def _sequence(self, node: SequenceNode, rule: Rule, label: str) -> Task:
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
            message = "a reference cannot stand in a key"
            self._findings.mistake("misplaced-reference", message, entry.key_span, _PLACES)

    def _is_final(self, node: Node) -> bool:
        """Tell what has nothing to resolve, without looking into collections."""
        if not isinstance(node, ScalarNode):
            return False
        if self._scope is not None:
            return not is_open(node)
        return not isinstance(node.value, str) or ("${" not in node.value and node.value != "???")

    def _scalar(self, node: ScalarNode, rule: Rule, label: str) -> Task:
        if self._is_final(node) or rule.free or (node.value == "???" and node.quoted):
            return node
        if node.value == "???":
            self._refuse_unset(node, label)
            return None
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

    def _refuse_unset(self, node: ScalarNode, label: str) -> None:
        message = f"{quote(label)} has no value: '???' waits for a higher layer"
        hint = f"set it in this file, in an overlay (-f), or with --set {label}=..."
        self._findings.mistake("required-value", message, node.span, hint)

    def _may_refer(self, node: ScalarNode, rule: Rule, pieces: Sequence[Piece], label: str) -> bool:
        open_brackets = 0
        for piece in pieces:
            if isinstance(piece, str):
                open_brackets += piece.count("[") - piece.count("]")
                continue
            if not rule.references:
                message, hint = f"a reference cannot stand in {quote(label)}", _PLACES
            elif rule.in_brackets and not (open_brackets > 0 and piece.written.startswith("${matrix.")):
                message = "only an axis, within [ ], can be referred to in the name of an output"
                hint = (
                    "such as train[depth=${matrix.depth}].model; names of steps and outputs are written out"
                )
            else:
                continue
            span = part_span(node, piece.start, piece.end)
            self._findings.mistake("misplaced-reference", message, span, hint)
            return False
        return True

    def _referring(self, node: ScalarNode, rule: Rule, pieces: Sequence[Piece]) -> Task:
        parts: list[Piece] = []
        failed = False
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            answer = yield from self._answers.answer(piece, node, rule)
            if answer is None:
                failed = True
            elif len(pieces) == 1 and not isinstance(answer, Reference):
                return self._brought(answer, node)
            else:
                parts.extend(self._texts.pieces(answer, node.span))
        return None if failed else self._texts.joined(node, parts)

    def _brought(self, answer: Node, node: ScalarNode) -> Node:
        """Return a value for use at the place of `node`, knowing where it was set."""
        origin = answer.origin or (None if answer.span == node.span else answer.span)
        brought = replace(answer, span=node.span, origin=origin)
        self._findings.measures.copied(brought, answer)
        return self._findings.bounded(brought)

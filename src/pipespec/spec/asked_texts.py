"""Convert texts from references such as `${env:N, 3}` to numbers, booleans and nulls, if the param's annotation requires it.

Takes a pipeline and the signatures of its functions. Returns the pipeline with these texts converted by the rules for
unquoted YAML scalars. Texts that are resolved later are marked, so that they are converted then. If the annotation
accepts text, or nothing is known about it, the value remains text. A text that cannot be converted also remains, and
does not match the annotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode, walk
from pipespec.document.yaml.plain_scalars import Refused, resolve_plain
from pipespec.errors import Span
from pipespec.python.signature import (
    Annotation,
    CallableProblem,
    CallableSource,
    DataclassDefinition,
    Definition,
)
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.spec.placeholders import is_open

__all__ = ["read_asked_texts"]

_Path: TypeAlias = tuple[str | int, ...]

_NO_TEXTS: Final = frozenset({"int", "float", "complex", "bool", "None"})


def read_asked_texts(
    spec: PipelineSpec, callables: Mapping[str, CallableSource | CallableProblem]
) -> PipelineSpec:
    """Return the pipeline with the texts in params converted as the arguments require. Steps without such texts are shared."""
    steps = {step_id: _step(step, callables.get(str(step.call))) for step_id, step in spec.steps.items()}
    if all(steps[step_id] is step for step_id, step in spec.steps.items()):
        return spec
    return replace(spec, steps=steps, document=_with_texts_read(spec.document, steps.values()))


def _with_texts_read(document: MappingNode, steps: Iterable[StepSpec]) -> MappingNode:
    """Return the document with the texts as the steps have them, so that it can be recorded and read again.

    Values of a matrix do not change, since variants are named by them.
    """
    known: dict[_Path, ScalarNode] = {}
    written: dict[Span, ScalarNode] = {}
    for step in steps:
        for name, node in step.params.items():
            for path, leaf in walk(node, ("steps", step.name, "params", name)):
                if isinstance(leaf, ScalarNode) and not leaf.asked:
                    known.setdefault(path, leaf)
                    written.setdefault(leaf.span, leaf)  # of defaults, and what others refer to

    def told(node: Node, path: _Path) -> Node:
        match node:
            case ScalarNode(asked=True):
                return node if "matrix" in path else known.get(path) or written.get(node.span) or node
            case SequenceNode(items=items):
                return replace(node, items=tuple(told(item, (*path, at)) for at, item in enumerate(items)))
            case MappingNode():
                return told_mapping(node, path)
            case _:
                return node

    def told_mapping(node: MappingNode, path: _Path) -> MappingNode:
        entries = {
            key: replace(entry, value=told(entry.value, (*path, key))) for key, entry in node.entries.items()
        }
        return replace(node, entries=entries)

    return told_mapping(document, ())


def _step(step: StepSpec, source: CallableSource | CallableProblem | None) -> StepSpec:
    if not isinstance(source, CallableSource):
        return step
    read = {}
    for name, node in step.params.items():
        argument = source.argument(name)
        read[name] = node if argument is None else _read(node, argument.annotation, source.definitions)
    is_same = all(read[name] is node for name, node in step.params.items())
    return step if is_same else replace(step, params=read)


def _read(node: Node, annotation: Annotation | None, definitions: Mapping[str, Definition]) -> Node:
    if annotation is None:
        return node
    match node:
        case ScalarNode(asked=False) if is_open(node) and _takes_no_text(annotation):
            return replace(node, asked=True)  # whoever resolves it converts it
        case ScalarNode(asked=True, value=str(text)) if not is_open(node) and _takes_no_text(annotation):
            value = resolve_plain(text)
            return (
                node if isinstance(value, Refused | str) else ScalarNode(value, node.span, origin=node.origin)
            )
        case SequenceNode(items=items) if any(
            not isinstance(item, ScalarNode) or item.asked for item in items
        ):
            args = [member.args[0] if member.args else None for member in annotation.members]
            known = next((arg for arg in args if arg is not None), None)
            read = tuple(_read(item, known, definitions) for item in items)
            return (
                node
                if all(one is other for one, other in zip(read, items, strict=True))
                else replace(node, items=read)
            )
        case MappingNode(entries=entries):
            below = {key: _below(key, annotation, definitions) for key in entries}
            values = {key: _read(entry.value, below[key], definitions) for key, entry in entries.items()}
            if all(values[key] is entry.value for key, entry in entries.items()):
                return node
            return replace(node, entries={k: replace(entry, value=values[k]) for k, entry in entries.items()})
        case _:
            return node


def _takes_no_text(annotation: Annotation) -> bool:
    return all(
        member.name in _NO_TEXTS
        or (
            member.name == "typing.Literal"
            and not member.args
            and not any(isinstance(one, str) for one in member.literals)
        )
        for member in annotation.members
    )


def _below(key: str, annotation: Annotation, definitions: Mapping[str, Definition]) -> Annotation | None:
    """Return the annotation of the value at a key: that of a field, or that of all values of a mapping."""
    for member in annotation.members:
        definition = definitions.get(member.name)
        if isinstance(definition, DataclassDefinition):
            return next((field.annotation for field in definition.fields if field.name == key), None)
        if len(member.args) == 2:
            return member.args[1]
    return None

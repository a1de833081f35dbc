"""Checks of JSON schemas: can each be used, does it belong to a file that it can check, do the params fit theirs?

The library `jsonschema` is only imported if a pipeline names a schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from pipespec.checks.check_context import CheckContext
from pipespec.document.interpolation.interpolate import is_broken
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, plain, walk
from pipespec.document.wording import quote
from pipespec.document.yaml.plain_scalars import Refused, resolve_plain
from pipespec.errors import Diagnostic, Span
from pipespec.spec.contracts.data_schema import DataSchema, SchemaFile, SchemaProblem
from pipespec.spec.contracts.schema_judgement import SchemaJudge, SchemaMisfit, schema_problem, spelt_path
from pipespec.spec.file_formats import suffix_of
from pipespec.spec.pipeline_spec import FileInput, StepSpec
from pipespec.spec.placeholders import is_settled

__all__ = ["params_fit_schema", "schemas_apply", "schemas_sound"]

_JUDGED: Final = (".json", ".jsonl", ".yaml")
_MOST: Final = 50
"""Findings on params."""


def schemas_sound(context: CheckContext) -> Iterator[Diagnostic]:
    """Report schemas that do not exist, or are not schemas."""
    problems: dict[str, SchemaProblem | None] = {}
    for schema in _named(context):
        if schema.path not in problems:
            problems[schema.path] = _problem(context, schema)
        problem = problems[schema.path]
        if problem is None:
            continue
        message = f"the schema {quote(schema.text)} cannot be used: {problem}"
        if problem.is_missing:
            yield Diagnostic("missing-file", message, schema.span, problem.hint)
        else:
            yield Diagnostic("bad-schema", message, schema.span, problem.hint)


def schemas_apply(context: CheckContext) -> Iterator[Diagnostic]:
    """Report schemas for files that do not contain a JSON value."""
    for step in context.declared.values():
        for variant in step:
            yield from _misplaced(variant)


def params_fit_schema(context: CheckContext) -> Iterator[Diagnostic]:
    """Report params that do not fit the schema that the pipeline names for them."""
    schema = context.spec.params_schema
    if schema is None or _problem(context, schema) is not None:
        return
    known = context.schemas.get(schema.path)
    if not isinstance(known, DataSchema):
        return
    start = Entry(schema.span, MappingNode({}, schema.span))
    params = context.spec.document.entries.get("params", start)
    misfits = context.within_limit(lambda: tuple(_misfits(SchemaJudge(known), params.value)))
    if misfits is None:
        message = f"the params cannot be checked by {quote(schema.text)}: a pattern in it takes too long"
        hint = "write patterns without a repetition inside a repetition, such as '(a+)+'"
        yield Diagnostic("bad-schema", message, schema.span, hint)
        return
    for misfit in misfits:
        node, span = _place(params, misfit)
        # Values that are only known later cannot be checked.
        if misfit.of_keys or (is_settled(node) and not is_broken(node)):
            culprit = quote(spelt_path(misfit.path, "params"))
            message = f"{culprit} does not fit the schema {quote(schema.text)}: {misfit.message}"
            yield Diagnostic("schema-mismatch", message, span)


def _misfits(judge: SchemaJudge, params: Node) -> Iterator[SchemaMisfit]:
    """Yield what does not fit. A text from the environment may be meant as a number, so it may fit as text or number."""
    found = islice(judge.misfits(plain(_as_numbers(params))), _MOST)
    if not any(isinstance(node, ScalarNode) and node.asked for _, node in walk(params)):
        yield from found
        return
    as_text = {misfit.path for misfit in judge.misfits(plain(params))}
    for misfit in found:
        node, _ = _place(Entry(params.span, params), misfit)
        if misfit.path in as_text or not (isinstance(node, ScalarNode) and node.asked):
            yield misfit


def _as_numbers(node: Node) -> Node:
    match node:
        case ScalarNode(asked=True, value=str(text)):
            value = resolve_plain(text)
            return node if isinstance(value, Refused) else replace(node, value=value)
        case SequenceNode(items=items):
            return replace(node, items=tuple(map(_as_numbers, items)))
        case MappingNode(entries=entries):
            read = {key: replace(one, value=_as_numbers(one.value)) for key, one in entries.items()}
            return replace(node, entries=read)
        case _:
            return node


def _named(context: CheckContext) -> Iterator[SchemaFile]:
    for variants in context.declared.values():
        for step in variants:
            yield from step.schemas
    if context.spec.params_schema is not None:
        yield context.spec.params_schema


def _problem(context: CheckContext, schema: SchemaFile) -> SchemaProblem | None:
    known = context.schemas.get(schema.path)
    if known is None or isinstance(known, SchemaProblem):
        return known
    problem = schema_problem(known)
    return None if problem is None else SchemaProblem(problem)


def _misplaced(step: StepSpec) -> Iterator[Diagnostic]:
    files = [(f"output {quote(one.name)}", one.file, one.schema) for one in step.outputs.values()]
    for spec in step.inputs.values():
        if isinstance(spec.source, FileInput) and "?" not in spec.source.path:
            files.append((f"input {quote(spec.argument)}", spec.source.path, spec.schema))
        elif spec.schema is not None and not isinstance(spec.source, FileInput):
            message = (
                f"input {quote(spec.argument)} of step {quote(step.name)} has a schema, but is no single file"
            )
            hint = "a schema belongs to a 'file'; to check the result of a step, give that output a schema"
            yield Diagnostic("schema-format", message, spec.schema.span, hint)
    for subject, file, schema in files:
        if schema is not None and suffix_of(file) not in _JUDGED:
            name = file.rstrip("/").rpartition("/")[2] + ("/" if file.endswith("/") else "")
            message = f"{subject} of step {quote(step.name)} is {quote(name)}, which no JSON schema can check"
            hint = "schemas check .json, .jsonl and .yaml files"
            yield Diagnostic("schema-format", message, schema.span, hint)


def _place(params: Entry, misfit: SchemaMisfit) -> tuple[Node, Span]:
    """Return the node at a path, and the place that set it, or the place of its key."""
    node, key_span = params.value, params.key_span
    for key in misfit.path:
        match node:
            case MappingNode(entries=entries) if key in entries:
                entry = entries[str(key)]
                node, key_span = entry.value, entry.key_span
            case SequenceNode(items=items) if isinstance(key, int):
                node = items[key]
                key_span = node.span
    return node, key_span if misfit.of_keys else node.origin or node.span

"""The JSON schema of one pipeline file: the schema of the language, with the names and signatures of the pipeline.

Takes the schema of the language, a pipeline and the signatures of its functions; returns a schema with which editors
complete steps, outputs and arguments, and mark what does not fit. It finds less than `validate`, and never marks what
`validate` accepts.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipespec.checks.editor.argument_schema import EXPRESSION, argument_schema
from pipespec.python.collecting_arguments import INPUTS, PARAMS, may_collect
from pipespec.python.docstrings import described_arguments, headline
from pipespec.python.signature import ArgumentKind, CallableProblem, CallableSource
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec

__all__ = ["project_schema"]


def project_schema(
    language: Mapping[str, Any],
    spec: PipelineSpec,
    callables: Mapping[str, CallableSource | CallableProblem],
) -> dict[str, Any]:
    """Return the schema for the file of one pipeline; `callables` is keyed by `str(CallableRef)`."""
    schema = copy.deepcopy(dict(language))
    schema["$id"] = f"urn:pipespec:pipeline:1:{spec.name}"
    definitions = schema["$defs"]
    steps = {step.name: step for step in spec.steps.values()}
    called = {str(step.call): callables.get(str(step.call)) for step in steps.values()}
    definitions["expression"] = {"type": "string", "pattern": EXPRESSION}
    definitions["reference"] = _reference(steps.values(), spec.damaged)
    definitions["input"] = _input(definitions["input"])
    definitions["axes"]["additionalProperties"] = _axis(definitions["axes"]["additionalProperties"])
    keys = definitions["stepKeys"]["properties"]
    keys["needs"]["items"] = {"enum": list(steps)}
    keys["params"]["additionalProperties"] = True  # the function's own schema comes before 'any value'
    known = [_of_call(call, one) for call, one in called.items() if isinstance(one, CallableSource)]
    call = {key: value for key, value in definitions["call"].items() if key != "description" or not known}
    definitions["step"] = {
        **definitions["stepKeys"],
        "properties": {**keys, "call": call},
        "required": ["call"],
        **({"allOf": known} if known else {}),
    }
    schema["properties"]["steps"]["additionalProperties"]["$ref"] = "#/$defs/step"
    return schema


def _reference(steps: Iterable[StepSpec], damaged: Iterable[str]) -> dict[str, Any]:
    """Return the references that can be listed, and patterns for the forms that cannot."""
    short: list[str] = []
    long: list[str] = []
    for step in steps:
        if step.name in damaged:  # perhaps not all of its outputs are known
            long.append(rf"{step.name}([.\[/].*)?")
            continue
        short.extend(_listed(step))
        long.extend(_patterns(step))
    choices: list[dict[str, Any]] = [{"enum": short}] if short else []
    if long:
        choices.append({"type": "string", "pattern": f"^({'|'.join(long)})$"})
    return {"description": "Another step's output.", "anyOf": choices} if choices else {"type": "string"}


def _listed(step: StepSpec) -> Iterator[str]:
    prefix = step.name if step.matrix is None else f"{step.name}[*]"
    if len(step.outputs) == 1:
        yield prefix
    yield from (f"{prefix}.{output}" for output in step.outputs)


def _patterns(step: StepSpec) -> Iterator[str]:
    names = [
        rf"{output.name}(/.+)?" if output.is_directory else output.name for output in step.outputs.values()
    ]
    has_parts = any(output.is_directory for output in step.outputs.values())
    if step.matrix is not None:
        yield rf"{step.name}\[.*\](\.({'|'.join(names)}))?(/.+)?"
    elif has_parts:
        yield rf"{step.name}(\.({'|'.join(names)})|/.+)"


def _input(language: Mapping[str, Any]) -> dict[str, Any]:
    mapping = {
        key: value for key, value in language.items() if key not in ("description", "minLength", "examples")
    }
    mapping["type"] = "object"
    mapping["properties"] = {**mapping["properties"], "from": {"$ref": "#/$defs/reference"}}
    return {
        "description": language["description"],
        "anyOf": [{"$ref": "#/$defs/reference"}, mapping],
    }


def _axis(language: Mapping[str, Any]) -> dict[str, Any]:
    values = {"type": "array", "items": language["items"]}
    choices = [values, {"$ref": "#/$defs/reference"}, {"$ref": "#/$defs/expression"}]
    return {"description": language["description"], "anyOf": choices}


def _of_call(call: str, source: CallableSource) -> dict[str, Any]:
    """Return the schema of each step that calls this function: its arguments, and what they accept."""
    texts = described_arguments(source.docstring)
    arguments = [
        one
        for one in source.arguments
        if one.kind is not ArgumentKind.POSITIONAL_ONLY and not may_collect(one)
    ]
    kinds = {one.name for one in source.arguments if may_collect(one)}
    values = {one.name: argument_schema(one, source, texts.get(one.name)) for one in arguments}
    described = {name: {"description": value["description"]} for name, value in values.items()}
    is_open = source.has_kwargs or not source.is_certain
    inputs = {name: {**value, "$ref": "#/$defs/input"} for name, value in described.items()}
    return {
        "if": {"properties": {"call": {"const": call}}, "required": ["call"]},
        "then": {
            "properties": {
                "call": {"description": headline(source) or f"`{source.module}:{source.qualname}`"},
                "inputs": {"properties": inputs, "additionalProperties": is_open or INPUTS in kinds},
                "params": {"properties": values, "additionalProperties": is_open or PARAMS in kinds},
                "matrix": {"properties": described},
            }
        },
    }

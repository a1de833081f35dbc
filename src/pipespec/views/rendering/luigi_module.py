"""Convert a pipeline to a stand-alone Luigi module: one class for each step, with the lines of the pipeline's file above it.

Takes a checked pipeline and the digests of its code. Returns Python source, which is the same for the same pipeline on
every machine, in the format of `ruff format`. Everything that comes from the pipeline is a literal of a syntax tree or
a comment. What is known only on the machine that runs the module is obtained through `runtime`.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Final

from pipespec.document.interpolation.interpolate import interpolate_node
from pipespec.document.interpolation.resolver_interface import ReferenceScope
from pipespec.document.nodes import JSON, MappingNode, Node, ScalarNode, SequenceNode
from pipespec.frozen_values import frozen
from pipespec.python.callable_ref import CallableRef
from pipespec.spec.contracts.data_schema import SchemaFile
from pipespec.spec.pipeline_settings import is_off
from pipespec.spec.pipeline_spec import (
    PRIVATE_STORE,
    Bounds,
    CountedCode,
    DirInput,
    FileInput,
    FilesInput,
    InputSpec,
    OutputSpec,
    PipelineInput,
    PipelineSpec,
    Retry,
    StepInput,
    StepSpec,
)
from pipespec.spec.registered_models import ModelInput
from pipespec.views.rendering.class_names import class_names
from pipespec.views.rendering.open_values import template_value, value_of
from pipespec.views.rendering.python_source import (
    WIDTH,
    assignment,
    call,
    comment,
    expressions,
    function_returning,
    literal,
    name,
    sequence,
)
from pipespec.views.rendering.spec_lines import StepLines

__all__ = ["ModuleFacts", "render_module"]

_TAKEN: Final = ("PIPELINE", "Pipeline")
_IMPORT: Final = """\
try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime
"""
_MAIN: Final = """\
if __name__ == "__main__":
    runtime.main(Pipeline)
"""


_UNUSED: Final = ("workers", "scheduler", "keep_going")
"""Keys of `engine` for which Luigi has settings of its own."""


@frozen
class ModuleFacts:
    """What the module contains besides the pipeline. Paths are relative to the project root, in POSIX spelling.

    `file` is the pipeline's, `shown` has the path of each file that a span names. `code` is the digest of the project's
    code behind each callable, `sources` the SHA-256 hash of each file that was counted. `bases` are the folders from
    which the paths of inputs start, by step id and argument, if it is not that of the pipeline's file.
    """

    module: str
    file: str
    command: str
    version: str
    language: int
    lines: StepLines
    shown: Mapping[str, str]
    code: Mapping[str, str]
    sources: Mapping[str, str]
    bases: Mapping[tuple[str, str], str]


def render_module(spec: PipelineSpec, facts: ModuleFacts) -> str:
    """Return the source of the module."""
    names = class_names(spec.steps.values(), taken=_TAKEN)
    blocks = ["\n".join(_header(spec, facts)) + f"\n\n{_IMPORT}\n" + "\n".join(_pipeline(spec, facts))]
    declared: set[str] = set()
    for step in spec.steps.values():
        told = _excerpts(step, facts, is_first=step.name not in declared)
        declared.add(step.name)
        blocks.append("\n".join((*told, *_step(spec, step, facts, names))))
    blocks.append("\n".join(_root(spec, names)))
    return "\n\n\n".join((*blocks, _MAIN))


def _header(spec: PipelineSpec, facts: ModuleFacts) -> Iterator[str]:
    title = f"Pipeline {spec.name}"
    if spec.description:
        title += f": {' '.join(spec.description.split())}"
    first, *more = textwrap.wrap(_harmless(title), WIDTH - 3)
    yield f'"""{first}'
    yield from more
    yield ""
    made = f"Made by pipespec {facts.version} of {facts.file} (language {facts.language}). Change that, and make it again:"
    yield from textwrap.wrap(_harmless(made), WIDTH)
    yield from ("", f"    {_harmless(facts.command)}", "")
    yield "Run it in the project, where luigi, mlflow and pipespec-runtime are installed:"
    yield from ("", f"    python -m luigi --module {facts.module} Pipeline --local-scheduler", "")
    yield "A step is complete when MLflow has a finished run with its key, as for 'pipespec run':"
    yield "what the one has done the other does not do again."
    if unused := unused_keys(spec):
        yield ""
        yield from textwrap.wrap(
            _harmless(f"These keys of the pipeline have no effect here: {', '.join(unused)}."), WIDTH
        )
    yield '"""'


def unused_keys(spec: PipelineSpec) -> tuple[str, ...]:
    """Return the keys of a pipeline that its module does not obey: nobody is sent a message, and Luigi has settings of its own."""
    notices, engine = spec.document.get("notify"), spec.document.get("engine")
    has_notices = isinstance(notices, SequenceNode) and bool(notices.items)
    return (
        *(["notify"] if has_notices else []),
        *(f"engine.{name}" for name in _UNUSED if isinstance(engine, MappingNode) and name in engine.entries),
    )


def _harmless(text: str) -> str:
    """Return a text for a docstring, escaped so that it cannot end it and has no other meaning."""
    return comment(text)[2:].replace("\\", "/").replace('"', "'")


def _pipeline(spec: PipelineSpec, facts: ModuleFacts) -> list[str]:
    mlflow = spec.document.get("mlflow")
    tags = _below(mlflow, "tags")
    made = call(
        "runtime.Pipeline",
        literal(spec.name),
        file=literal(facts.file),
        module=name("__file__"),
        description=_unless_empty(spec.description),
        tracking_uri=literal(PRIVATE_STORE) if is_off(mlflow) else _stated(_below(mlflow, "tracking_uri")),
        artifact_location=_stated(_below(mlflow, "artifact_location")),
        tags=expressions(
            {key: _stated(_below(tags, key)) or literal(value) for key, value in spec.mlflow.tags.items()}
        ),
        resources=_unless_empty(dict(spec.engine.resources)),
        code=_unless_empty(dict(facts.code)),
        sources=_unless_empty(dict(facts.sources)),
    )
    return assignment("PIPELINE", made)


def _below(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MappingNode) else None


def _stated(node: Node | None) -> ast.expr | None:
    """Return the expression of a text. The compiler formats anything else as a text."""
    is_text = isinstance(node, ScalarNode) and isinstance(node.value, str)
    return value_of(node) if node is not None and is_text else None


def _excerpts(step: StepSpec, facts: ModuleFacts, *, is_first: bool) -> Iterator[str]:
    """Yield the lines that declare a step; for further variants, only the place of the lines."""
    variant = f"  {step.id}" if step.variant else ""
    for excerpt in facts.lines.of(step.name):
        shown = facts.shown.get(excerpt.file)
        if shown is None:
            yield comment(excerpt.file)
            continue
        yield comment(f"{shown}:{excerpt.line}{variant}")
        if is_first:
            yield from (comment(f"  {line}") for line in excerpt.lines)


def _step(spec: PipelineSpec, step: StepSpec, facts: ModuleFacts, names: Mapping[str, str]) -> Iterator[str]:
    upstream = spec.upstream[step.id]
    yield f"class {names[step.id]}(runtime.StepTask):"
    yield from assignment("step", _declaration(spec, step, facts), "    ")
    yield ""
    waits = sequence(call(names[above]) for above in upstream)
    yield from function_returning("def requires(self)", waits, "    ")


def _root(spec: PipelineSpec, names: Mapping[str, str]) -> Iterator[str]:
    awaited = {above for upstream in spec.upstream.values() for above in upstream}
    yield comment("The whole pipeline: what no step waits for, and with it all that it needs.")
    yield "class Pipeline(runtime.PipelineTask):"
    yield "    pipeline = PIPELINE"
    yield ""
    last = sequence(call(names[step]) for step in spec.steps if step not in awaited)
    yield from function_returning("def requires(self)", last, "    ")


def _declaration(spec: PipelineSpec, step: StepSpec, facts: ModuleFacts) -> ast.expr:
    read = set(step.producers)
    identity = step.identity
    return call(
        "PIPELINE.step",
        literal(step.name),
        call=literal(str(step.call)),
        variant=_unless_empty(dict(step.variant)),
        description=_unless_empty(step.description),
        inputs=expressions({key: _input(spec, step, one, facts) for key, one in step.inputs.items()}),
        params=expressions({key: value_of(node) for key, node in step.params.items()}),
        outputs=expressions({key: _output(one) for key, one in step.outputs.items()}),
        needs=_unless_empty([above for above in spec.upstream[step.id] if above not in read]),
        metrics=None if step.metrics is None else literal(_with_part(step.metrics.output, step.metrics.part)),
        checks=_unless_empty(
            {metric: _bounds(one) for metric, one in step.checks.items() if one.is_absolute}
        ),
        after=None if step.after is None else literal(str(step.after)),
        ignore=_unless_empty(list(identity.ignore)),
        count_code=None if identity.code is CountedCode.FUNCTION else literal(str(identity.code)),
        version=None if identity.version is None else literal(identity.version),
        packages=_unless_empty(list(identity.packages)),
        probe=None if identity.probe is None else literal(str(identity.probe)),
        untracked=_unless_empty(list(identity.untracked)),
        has_identity=literal(False) if identity.never else None,  # noqa: FBT003 - a value of the pipeline
        retry=_unless_empty(step.retry.times),
        retry_wait=_waits(step.retry),
        timeout=None if step.timeout is None else literal(_seconds(step.timeout)),
        is_seeded=None if step.is_seeded else literal(False),  # noqa: FBT003 - as above
        priority=_unless_empty(step.priority),
        resources=_unless_empty(dict(step.resources)),
        tags=_unless_empty(list(step.tags)),
        experiment=_experiment(spec, step),
        schemas=_unless_empty(
            {
                key: _below_root(one.schema, spec)
                for key, one in step.outputs.items()
                if one.schema is not None
            }
        ),
    )


def _unless_empty(value: JSON) -> ast.expr | None:
    return literal(value) if value else None


def _waits(retry: Retry) -> ast.expr | None:
    """Return the time before each repetition, or all of them where they differ."""
    waits = tuple(map(_seconds, retry.waits))
    return literal(waits) if len(waits) > 1 else _unless_empty(waits[0])


def _seconds(seconds: float) -> float:
    return int(seconds) if seconds.is_integer() else seconds


def _with_part(output: str, part: str | None) -> str:
    return output if part is None else f"{output}/{part}"


def _bounds(bounds: Bounds) -> dict[str, JSON]:
    stated = {"min": bounds.minimum, "max": bounds.maximum}
    return {key: value for key, value in stated.items() if value is not None}


def _experiment(spec: PipelineSpec, step: StepSpec) -> ast.expr | None:
    if step.experiment == f"{spec.name}/{step.name}":
        return None
    stated = _below(spec.document.get("mlflow"), "experiment")
    assert stated is not None  # otherwise it would be the default
    return value_of(interpolate_node(stated, ReferenceScope(spec.document, step.name))[0])


def _below_root(schema: SchemaFile, pipeline: PipelineSpec) -> str:
    return PurePath(schema.path).relative_to(pipeline.root).as_posix()


def _input(pipeline: PipelineSpec, step: StepSpec, spec: InputSpec, facts: ModuleFacts) -> ast.expr:
    load = None if spec.load is None else _way(spec.load)
    match spec.source:
        case StepInput(output=str(output), part=part) as source:
            given = [literal(output)] if part is None else [literal(output), literal(part)]
            if not source.fan_in:
                return call("runtime.output", literal(source.producers[0]), *given, load=load)
            fixed = _unless_empty(dict(source.selection))
            return call("runtime.every", *given, of=literal(list(source.producers)), fixed=fixed, load=load)
        case FileInput(text=written, path=path):
            function = "runtime.file"
        case DirInput(text=written, path=path):
            function = "runtime.folder"
        case FilesInput(text=written, pattern=path):
            function = "runtime.files"
        case StepInput() | PipelineInput() | ModelInput():
            raise TypeError(f"input '{spec.argument}' cannot be rendered")  # already refused before
    base = facts.bases.get((step.id, spec.argument))
    place = template_value(written) if path == written and "${" in written else literal(written)
    schema = None if spec.schema is None else literal(_below_root(spec.schema, pipeline))
    return call(function, place, base=None if base is None else literal(base), load=load, schema=schema)


def _output(output: OutputSpec) -> ast.expr:
    if output.save is None:
        return literal(output.file)
    return ast.Tuple([literal(output.file), _way(output.save)], ast.Load())


def _way(way: Mapping[str, JSON] | str | CallableRef) -> ast.expr:
    return literal(str(way)) if isinstance(way, str | CallableRef) else literal(dict(way))

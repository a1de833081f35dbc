"""Checks of values between steps: can the value that a step returns, saved and loaded, be what its reader expects?

An error if loading refuses every possible value. Advice if the step would start with a value that its annotation does not
describe, for example a date that JSON stores as text, or a mapping of numbers instead of texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from pipespec.checks.check_context import CheckContext
from pipespec.checks.format_checks import can_load, input_file, item_of
from pipespec.checks.return_checks import returned_for
from pipespec.checks.roundtrip_types import arrives, is_made_of_json, kept, must_be, taken
from pipespec.checks.value_types import Passing, ValueTypes, is_any, overlap, spelt
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Severity
from pipespec.python.callable_ref import CallableRef
from pipespec.python.signature import Annotation, CallableSource, DataclassDefinition
from pipespec.spec.file_formats import suffix_of
from pipespec.spec.pipeline_spec import FilesInput, InputSpec, StepInput, StepSpec

__all__ = ["values_pass"]


def values_pass(context: CheckContext) -> Iterator[Diagnostic]:
    """Report inputs with a value that cannot fit the annotation of their argument."""
    known: _Known = {}
    for variants, source in context.sound:
        for step in variants if source.is_certain else ():
            for spec in step.inputs.values():
                argument = source.argument(spec.argument)
                if argument is not None and argument.annotation is not None:
                    yield from _input(spec, argument.annotation, step, source, context, known)


_Known: TypeAlias = dict[tuple[str, int, int, bool], tuple[ValueTypes, Severity | None]]
"""The result for a suffix and two annotations, by their identity: thousands of steps share a few of them."""


def _input(
    spec: InputSpec,
    annotation: Annotation,
    step: StepSpec,
    source: CallableSource,
    context: CheckContext,
    known: _Known,
) -> Iterator[Diagnostic]:
    file = _file(spec, context)
    asked = _asked(spec, annotation)
    if file is None or asked is None:
        return
    maker, returned = _returned(spec, context)
    key = suffix_of(file), id(asked), id(returned), source.is_decorated
    if key not in known:
        given = arrives(file, asked, returned, maker.definitions if maker is not None else {})
        known[key] = given, _judge(given, file, asked, source)
    given, severity = known[key]
    if severity is None or not can_load(spec, annotation, context):
        return  # `inputs_load` reports what cannot be loaded
    message = f"input {quote(spec.argument)} of step {quote(step.name)} arrives as {quote(spelt(given))}, but the function expects '{spec.argument}: {annotation.text}'"
    reader = f"{quote(str(step.call))} is at {context.place_of(source)}"
    if maker is None or returned is None:
        hint = f"{quote(file)} cannot store another type; {reader}"
    else:
        hint = f"'{maker.module}:{maker.qualname}' returns '{returned.text}' ({context.place_of(maker)}), {reader}"
        if is_made_of_json(file) and _is_lost(given, kept(returned, maker.definitions), asked, source):
            hint += f"; a {suffix_of(file)} file keeps dates, paths and keys as text, objects as mappings, named tuples as lists"
    if severity is Severity.ERROR:
        yield Diagnostic("type-mismatch", message, spec.span, hint)
    else:
        yield Diagnostic("doubtful-type", message, spec.span, hint, severity)


def _judge(given: ValueTypes, file: str, asked: Annotation, source: CallableSource) -> Severity | None:
    if is_any(given) or overlap(given, given) is not Passing.FITS:
        return None  # nothing is known about it, or it is not saved at all
    if overlap(given, must_be(file, asked, source.definitions)) is Passing.NEVER:
        return Severity.ERROR
    if source.is_decorated:  # by pydantic's `validate_call`, which converts the value to the annotated type
        return None
    wanted = taken(asked, source.definitions, from_json=is_made_of_json(file))
    return None if overlap(given, wanted) is Passing.FITS else Severity.ADVICE


def _file(spec: InputSpec, context: CheckContext) -> str | None:
    """Return the name of the file that one of our formats loads; None for directories, paths and loaders."""
    known_file = input_file(spec, context)
    if known_file is None or isinstance(spec.source, FilesInput) or spec.load == "path":
        return None
    file, is_directory = known_file
    suffix = suffix_of(file)
    has_options = isinstance(spec.load, CallableRef) or (bool(spec.load) and suffix not in (".json", ".yaml"))
    return None if is_directory or has_options or suffix in context.suffixes else file


def _asked(spec: InputSpec, annotation: Annotation) -> Annotation | None:
    """Return the type that one value must have; for a fan-in, the type of the value of one variant."""
    if not (isinstance(spec.source, StepInput) and spec.source.fan_in):
        return annotation
    members = [member for member in annotation.members if member.name != "None"]
    return item_of(members[0]) if len(members) == 1 else None


def _returned(spec: InputSpec, context: CheckContext) -> tuple[CallableSource | None, Annotation | None]:
    """Return the function that creates an input, and the annotation of what it returns for it, if both are known."""
    match spec.source:
        case StepInput(output=str(output), part=None, producers=(first, *_)):
            step = context.spec.steps[first]
            source = context.callables.get(str(step.call))
            declared = step.outputs.get(output)
            is_known = isinstance(source, CallableSource) and source.is_certain and not source.is_class
            if not is_known or declared is None or step.name in context.spec.damaged:
                return None, None
            assert isinstance(source, CallableSource)
            returned = returned_for(output, step, source)
            if returned is not None and not isinstance(declared.save, CallableRef):
                return source, returned
    return None, None


def _is_lost(given: ValueTypes, unchanged: ValueTypes, asked: Annotation, source: CallableSource) -> bool:
    """Return whether the returned value would fit if the file kept it unchanged."""
    if isinstance(source.definitions.get(asked.name), DataclassDefinition):
        return False  # which is created again
    wanted = taken(asked, source.definitions, from_json=False)
    return overlap(unchanged, wanted) is Passing.FITS and overlap(given, wanted) is not Passing.FITS

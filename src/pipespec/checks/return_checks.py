"""Compares return annotations with the outputs that a function does not write itself.

Several outputs are the parts of one value: a dataclass, TypedDict or named tuple with fields of their names, a mapping, or
a tuple or list in the declared order. An annotated class is checked itself, not its subclasses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.checks.binding_checks import collecting, is_written
from pipespec.checks.check_context import CheckContext
from pipespec.document.wording import listing, quote
from pipespec.errors import Diagnostic, Severity
from pipespec.python.collecting_arguments import OUTPUTS
from pipespec.python.signature import (
    Annotation,
    Argument,
    CallableSource,
    DataclassDefinition,
    Definition,
    RecordDefinition,
)
from pipespec.spec.file_formats import known_type
from pipespec.spec.pipeline_spec import OutputSpec, StepSpec
from pipespec.spec.value_wording import nearest_or_all

__all__ = [
    "missing_returns",
    "returned_for",
    "returned_outputs",
    "returns_fit",
    "saved_type",
    "unsaved_returns",
]

_MAPPINGS: Final = frozenset({"dict", "collections.abc.Mapping", "collections.abc.MutableMapping"})
_NOTHING: Final = frozenset({"None", "typing.NoReturn", "typing.Never"})
_SEQUENCES: Final = frozenset({"list", "collections.abc.Sequence"})
_SAVED_AS: Final = {
    "tuple": "list",
    "datetime.date": "str",
    "datetime.datetime": "str",
    "datetime.time": "str",
    **dict.fromkeys(_MAPPINGS, "dict"),
    **{name: name for name in ("set", "frozenset", "complex")},
}
"""How formats treat types that they do not distinguish. Only formats for objects can store the last three."""


def saved_type(annotation: Annotation, definitions: Mapping[str, Definition]) -> str | None:
    """Return the type that a value is saved as, by `step.formats.type_names`; None if that is not known."""
    match definitions.get(annotation.name):
        case DataclassDefinition(stored=tuple()) | RecordDefinition(is_mapping=True):
            return "dict"
        case RecordDefinition():
            return "list"
        case _:
            return known_type(annotation.name) or _SAVED_AS.get(annotation.name)


def returned_for(output: str, step: StepSpec, source: CallableSource) -> Annotation | None:
    """Return the annotation of one output that a function returns."""
    annotation = source.returns
    if annotation is None:
        return None
    names = [one.name for one in returned_outputs(step, source)]
    if output not in names or len(names) == 1:
        return annotation if output in names else None
    if _tuple_length(annotation) == len(names):
        return annotation.args[names.index(output)]
    if annotation.name in _MAPPINGS and len(annotation.args) == 2:
        return annotation.args[1]
    if annotation.name in _SEQUENCES and len(annotation.args) == 1:
        return annotation.args[0]
    fields = {field.name: field for field in _fields(annotation, source) or ()}
    return fields[output].annotation if output in fields else None


def returns_fit(context: CheckContext) -> Iterator[Diagnostic]:
    """Report functions with a return annotation that does not give the outputs that they do not write themselves."""
    for variants, source in context.sound:
        step = variants[0]
        returned = returned_outputs(step, source)
        annotation = source.returns
        if not returned or annotation is None or not source.is_certain:
            continue
        names = [output.name for output in returned]
        message = (
            f"{quote(str(step.call))} is annotated to return '{annotation.text}', and step {quote(step.name)}"
        )
        if annotation.name in _NOTHING:
            message += f" has to get {listing(names)} from it"
            hint = f"return it, or write it to the path in an argument named {quote(names[0])}"
            yield Diagnostic("return-type", message, step.call.span, hint)
        elif len(returned) > 1 and (count := _tuple_length(annotation)) not in (None, len(returned)):
            message += f" has {len(returned)} outputs that it must return: {listing(names)}"
            yield Diagnostic("return-type", message, step.call.span, f"the tuple has {count}")
        elif len(returned) > 1 and (fields := _fields(annotation, source)) is not None:
            yield from _parts_fit(returned, fields, step, source, context)
        elif len(returned) > 1 and known_type(annotation.name) not in (None, "dict", "list"):
            message += f" has {len(returned)} outputs that it must return: {listing(names)}"
            hint = "return a mapping, dataclass or named tuple with these names, or a tuple or list in this order"
            yield Diagnostic("return-type", message, step.call.span, hint)


def missing_returns(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise if a function must return outputs and has no `return` with a value. It may also never end."""
    for variants, source in context.sound:
        step = variants[0]
        names = [output.name for output in returned_outputs(step, source)]
        says_so = source.returns is not None and source.returns.name in _NOTHING  # `returns_fit` reports that
        if not names or source.returns_value is not False or source.is_decorated or says_so:
            continue
        message = f"{quote(str(step.call))} has no 'return' with a value, and step {quote(step.name)} has to get {listing(names)} from it"
        hint = f"return it, or write it to the path in an argument named {quote(names[0])}; see {context.place_of(source)}"
        yield Diagnostic("missing-return", message, step.call.span, hint, Severity.ADVICE)


def unsaved_returns(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise if a function returns a value and its step has no outputs: the value is lost."""
    for variants, source in context.sound:
        step, annotation = variants[0], source.returns
        if step.outputs or not source.is_certain or source.returns_value is False:
            continue
        if annotation is None and source.returns_value is None:
            continue
        if annotation is not None and annotation.name in _NOTHING:
            continue
        what = "value" if annotation is None else f"'{annotation.text}'"
        message = f"step {quote(step.name)} has no outputs, so the {what} that {quote(str(step.call))} returns is not saved"
        hint = "add an output, for example 'outputs: {result: result.json}', or return nothing"
        yield Diagnostic("unsaved-return", message, step.call.span, hint, Severity.ADVICE)


def _fields(annotation: Annotation, source: CallableSource) -> tuple[Argument, ...] | None:
    """Return the fields of the returned type if it is a known dataclass, TypedDict or named tuple."""
    match source.definitions.get(annotation.name):
        case DataclassDefinition(stored=stored) | RecordDefinition(stored=stored):
            return stored
        case _:
            return None


def _parts_fit(
    returned: list[OutputSpec],
    fields: tuple[Argument, ...],
    step: StepSpec,
    source: CallableSource,
    context: CheckContext,
) -> Iterator[Diagnostic]:
    """Report outputs without a field or, if there are none, required fields that are not outputs."""
    assert source.returns is not None
    names = [field.name for field in fields]
    kind = source.returns.text
    place = f"{quote(str(step.call))} says so at {context.place_of(source)}"
    lacking = [output for output in returned if output.name not in names]
    for output in lacking:
        message = f"output {quote(output.name)} of step {quote(step.name)} is not a field of the {quote(kind)} that its function returns"
        near = nearest_or_all(output.name, names, kind=f"fields of {kind}") or f"{kind} has no fields"
        yield Diagnostic("return-type", message, output.span, f"{near}; {place}")
    declared = {output.name for output in returned}
    more = [field.name for field in fields if field.name not in declared and not field.has_default]
    if more and not lacking:
        message = f"step {quote(step.name)} has no output {listing(more)}, and the {quote(kind)} that its function returns has"
        hint = f"declare the outputs that are returned, or return only those that are declared; {place}"
        yield Diagnostic("return-type", message, step.call.span, hint)


def returned_outputs(step: StepSpec, source: CallableSource) -> list[OutputSpec]:
    """Return the outputs that the function does not write itself."""
    bound = {*step.inputs, *step.params, *step.axis_arguments}
    if OUTPUTS in collecting(step, source):
        return [output for output in step.outputs.values() if output.name in bound]
    return [
        output
        for output in step.outputs.values()
        if output.name in bound or not is_written(source.argument(output.name))
    ]


def _tuple_length(annotation: Annotation) -> int | None:
    if annotation.name != "tuple" or not annotation.args or annotation.args[-1].name == "...":
        return None
    return len(annotation.args)

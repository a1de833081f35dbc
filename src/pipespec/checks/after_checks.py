"""Checks of `after`: does its function accept what the step has, and can each value be loaded as its annotation says?"""

from __future__ import annotations

from collections.abc import Iterator

from pipespec.checks.assignability import find_misfit
from pipespec.checks.check_context import CheckContext
from pipespec.checks.format_checks import can_load
from pipespec.document.wording import listing, quote
from pipespec.errors import Diagnostic
from pipespec.python.signature import Argument, ArgumentKind, CallableSource
from pipespec.spec.file_formats import format_of
from pipespec.spec.pipeline_spec import InputSpec, StepInput, StepSpec
from pipespec.spec.value_wording import nearest_or_all

__all__ = ["after_bound"]


def after_bound(context: CheckContext) -> Iterator[Diagnostic]:
    """Report arguments of `after` that are neither outputs nor params, and values that do not fit them."""
    for name, variants in context.declared.items():
        after = variants[0].after
        source = context.callables.get(str(after))
        if after is None or not isinstance(source, CallableSource) or name in context.spec.damaged:
            continue
        for step in variants:
            yield from _arguments(step, source, context)


def _arguments(step: StepSpec, source: CallableSource, context: CheckContext) -> Iterator[Diagnostic]:
    assert step.after is not None
    call = f"{quote(str(step.after))}, which 'after' of step {quote(step.name)} calls"
    for argument in source.arguments:
        if argument.kind is ArgumentKind.POSITIONAL_ONLY and not argument.has_default:
            message = f"{quote(argument.name)} is a positional-only argument of {call}"
            way_out = "remove the '/' from the function's arguments"
            yield Diagnostic("positional-only-argument", message, step.after.span, way_out)
        elif argument.name in step.outputs:
            yield from _output(argument, step, call, context)
        elif argument.name in step.params:
            misfit = argument.annotation and find_misfit(
                step.params[argument.name], argument.annotation, source.definitions
            )
            if misfit:
                declared = f"'{argument.name}: {argument.annotation.text}'" if argument.annotation else "that"
                message = f"param {quote(argument.name)}: {misfit.found} is not {misfit.expected}; {call}, declares {declared}"
                yield Diagnostic("param-type", message, misfit.span, misfit.hint)
        elif not argument.has_default and argument.name not in step.axis_arguments and source.is_certain:
            message = f"there is no value for {quote(argument.name)} of {call}: the step has no output or param of that name"
            known = (*step.outputs, *step.params)
            hint = nearest_or_all(argument.name, known, kind="its outputs and params")
            yield Diagnostic("missing-argument", message, step.after.span, hint or "the step has no outputs")


def _output(argument: Argument, step: StepSpec, call: str, context: CheckContext) -> Iterator[Diagnostic]:
    output = step.outputs[argument.name]
    assert step.after is not None
    if argument.annotation is None or output.save is not None:
        return
    read = StepInput(step.name, output.name, producers=(step.id,))
    as_input = InputSpec(argument.name, read, None, output.span)
    if not can_load(as_input, argument.annotation, context):
        asked = f"'{argument.name}: {argument.annotation.text}'"
        message = f"output {quote(output.name)} is {quote(output.file)}, which cannot be loaded as {call}, declares: {asked}"
        can = (
            "a directory is passed as Path"
            if output.is_directory
            else f"it can be loaded as {listing(format_of(output.file).loads)}"
        )
        yield Diagnostic("type-mismatch", message, step.after.span, can)

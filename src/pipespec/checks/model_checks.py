"""Checks of outputs that are MLflow models: their examples, their aliases, and whether they get a signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipespec.checks.check_context import CheckContext
from pipespec.checks.format_checks import input_file
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Severity
from pipespec.spec.file_formats import format_of
from pipespec.spec.pipeline_spec import InputSpec, OutputSpec, StepSpec
from pipespec.spec.value_wording import nearest_or_all

__all__ = ["aliases_apart", "examples_there", "signatures_known"]

_BY_ITSELF: Final = ("pyfunc", "transformers", "sentence_transformers")
"""Flavors for which MLflow gets the signature from the object, or from the annotations of its `predict`."""


def examples_there(context: CheckContext) -> Iterator[Diagnostic]:
    """Report an `example` that is neither an input nor another output."""
    for step, output in _models(context):
        model = output.model
        if model is None or model.example is None or model.example_span is None:
            continue
        known = [*step.inputs, *(name for name in step.outputs if name != output.name)]
        if model.example not in known:
            message = f"'example' of output {quote(output.name)} of step {quote(step.name)} names {quote(model.example)}, which is neither an input nor another output"
            hint = (
                nearest_or_all(model.example, known, kind="inputs and outputs of the step")
                or "the step has no others"
            )
            yield Diagnostic("unknown-example", message, model.example_span, hint)


def aliases_apart(context: CheckContext) -> Iterator[Diagnostic]:
    """Report an alias of a model that several outputs, or variants, would move in one run."""
    taken: dict[tuple[str, str], str] = {}
    told: set[tuple[str, str]] = set()
    for step_id, step in context.spec.steps.items():
        for output in step.outputs.values():
            register = None if output.model is None else output.model.register
            if register is None or register.alias is None or step.point:
                continue
            known = (register.name, register.alias)
            other = taken.setdefault(known, f"{step_id}.{output.name}")
            if other != f"{step_id}.{output.name}" and known not in told:
                told.add(known)
                message = f"{quote(other)} and {quote(f'{step_id}.{output.name}')} both move the alias {quote(register.alias)} of model {quote(register.name)}"
                hint = "register the one that a later step chooses, or leave the alias out"
                yield Diagnostic("alias-clash", message, register.span, hint)


def signatures_known(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise an example if no input can be a table from which the signature can be inferred."""
    for step, output in _models(context):
        model = output.model
        if model is None or model.example is not None or model.flavor in _BY_ITSELF:
            continue
        if "signature" in (output.save if isinstance(output.save, dict) else ()):
            continue
        if not any(_may_be_frame(spec, context) for spec in step.inputs.values()):
            message = f"output {quote(output.name)} of step {quote(step.name)} gets no signature, since no input is a table"
            hint = "name an input or output that shows what the model takes: 'example: NAME'"
            yield Diagnostic("no-signature", message, model.span, hint, Severity.ADVICE)


def _models(context: CheckContext) -> Iterator[tuple[StepSpec, OutputSpec]]:
    for step in context.shared():
        if step.name not in context.spec.damaged:
            yield from ((step, output) for output in step.outputs.values() if output.model is not None)


def _may_be_frame(spec: InputSpec, context: CheckContext) -> bool:
    known = input_file(spec, context)
    return known is None or format_of(known[0]).can_load("pandas.DataFrame")

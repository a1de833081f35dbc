"""`validate --import`: import the callables of a pipeline as a test, and correct what was read from their source.

Takes a pipeline and what was read from source. Returns the results of the test for each step, and the callables as they
really are. Callables that have mistakes in their source are not imported, nor are those of Python itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from pipespec.checks.check_context import CheckContext
from pipespec.checks.format_checks import input_file
from pipespec.checks.import_checks import asked_params, with_live
from pipespec.checks.import_results import ImportResult
from pipespec.document.nodes import plain
from pipespec.python.callable_ref import CallableRef
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import CallableProblem, CallableSource
from pipespec.spec.pipeline_spec import FilesInput, StepInput, StepSpec
from pipespec.step.questions.import_trial import Trial, try_steps
from pipespec.step.secrets import redactor

__all__ = ["import_all"]


def import_all(
    context: CheckContext, *, timeout: float
) -> tuple[Mapping[str, CallableSource | CallableProblem], Mapping[str, ImportResult]]:
    """Import all callables whose source has no mistakes. Return them as they are, and the results by declared step.

    `timeout` is in seconds, for each of them.
    """
    spec = context.spec
    trials = [
        trial
        for name, variants in context.declared.items()
        if name not in spec.damaged and (trial := _trial(variants, context)) is not None
    ]
    if not trials:
        return context.callables, {}
    folders = tuple(map(str, spec.module_folders))
    redact = redactor(plain(spec.document), os.environ)
    verdicts = try_steps(trials, module_folders=folders, root=str(spec.root), timeout=timeout, redact=redact)
    callables = dict(context.callables)
    failed: set[str] = set()
    for verdict in verdicts.values():
        for call, live in verdict.callables.items():
            module = call.partition(":")[0]
            is_failure = isinstance(live, CallableProblem) and live.kind is ProblemKind.IMPORT_FAILED
            if not (is_failure and module in failed):  # once for each module
                callables[call] = with_live(context.callables[call], live)
            if is_failure:
                failed.add(module)
    return callables, verdicts


def _trial(variants: tuple[StepSpec, ...], context: CheckContext) -> Trial | None:
    step = variants[0]
    if not _is_to_be_imported(step.call, context):
        return None
    others = [ref for ref in step.callables if ref != step.call and _is_to_be_imported(ref, context)]
    return Trial(
        step.name,
        str(step.call),
        tuple(dict.fromkeys(map(str, others))),
        tuple((name, plain(node)) for name, node in asked_params(variants)),
        tuple(_inputs(step, context)),
        tuple(
            (output.name, output.file)
            for output in step.outputs.values()
            if not output.is_directory and not isinstance(output.save, CallableRef)
        ),
    )


def _is_to_be_imported(ref: CallableRef, context: CheckContext) -> bool:
    known = context.callables[str(ref)]
    is_mistake = isinstance(known, CallableProblem) and known.kind is not ProblemKind.NOT_READABLE
    return not is_mistake and not known.is_stdlib


def _inputs(step: StepSpec, context: CheckContext) -> Iterator[tuple[str, str, bool]]:
    """Yield the inputs that are loaded by a format."""
    for spec in step.inputs.values():
        known_file = input_file(spec, context)
        is_loaded = spec.load != "path" and not isinstance(spec.load, CallableRef)
        if known_file is not None and is_loaded and not isinstance(spec.source, FilesInput):
            file, is_directory = known_file
            if not is_directory:
                yield spec.argument, file, isinstance(spec.source, StepInput) and spec.source.fan_in

"""The list of all checks, and those that need no signatures.

Takes a pipeline and the signatures of its functions, returns diagnostics. A new check is a function, a line in `CHECKS`, a
section in `docs/diagnostics.md` and a folder in `tests/golden/invalid/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from pipespec.checks.advice import defaults_in_range, respelt_numbers, unread_outputs, words_for_bools
from pipespec.checks.after_checks import after_bound
from pipespec.checks.binding_checks import (
    arguments_bound,
    calls_found,
    params_fit,
    params_that_are_paths,
    plain_functions,
)
from pipespec.checks.body_checks import hidden_inputs, undefined_names
from pipespec.checks.check_context import CheckContext, ExternalInput, TimeLimit, without_limit
from pipespec.checks.code_checks import whole_modules
from pipespec.checks.format_checks import inputs_load, outputs_save, pickles
from pipespec.checks.handover_checks import values_pass
from pipespec.checks.import_checks import live_params_fit, packages_there
from pipespec.checks.import_results import ImportResult
from pipespec.checks.library_checks import source_files_there, templates_filled
from pipespec.checks.model_checks import aliases_apart, examples_there, signatures_known
from pipespec.checks.notice_checks import regressions_judged, services_known, templates_sound
from pipespec.checks.option_checks import options_named, options_set_params
from pipespec.checks.reference_spellings import foreign_references, reference_hint
from pipespec.checks.return_checks import missing_returns, returns_fit, unsaved_returns
from pipespec.checks.schema_checks import params_fit_schema, schemas_apply, schemas_sound
from pipespec.checks.service_problem import ServiceProblem
from pipespec.document.likely_outputs import likely_output
from pipespec.document.mlflow_names import fit_name
from pipespec.document.wording import nearest, quote
from pipespec.errors import Diagnostic, Severity, Span
from pipespec.python.function_bodies import BodyFacts
from pipespec.python.signature import CallableProblem, CallableSource
from pipespec.spec.contracts.data_schema import DataSchema, SchemaProblem
from pipespec.spec.file_formats import suffix_of
from pipespec.spec.file_wording import flow_text
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineSpec, StepInput, StepSpec
from pipespec.spec.step_graph import find_cycle
from pipespec.spec.value_wording import nearest_or_all

if TYPE_CHECKING:
    from pipespec.spec.message_templates import MessageTemplate

__all__ = ["CHECKS", "Check", "check_meaning"]

Check: TypeAlias = Callable[[CheckContext], Iterator[Diagnostic]]

_MOST_CYCLES = 20
_METRICS_SUFFIXES: Final = (".json", ".yaml")


def cycles(context: CheckContext) -> Iterator[Diagnostic]:
    """Report steps that wait for themselves, one cycle for each set of declared steps."""
    upstream = dict(context.spec.upstream)
    told: set[frozenset[str]] = set()
    while len(told) < _MOST_CYCLES and (cycle := find_cycle(upstream)) is not None:
        steps = [context.spec.steps[step_id] for step_id in cycle]
        names = frozenset(step.name for step in steps)
        if names not in told:
            told.add(names)
            yield _cycle(steps)
        for step_id in cycle:
            upstream.pop(step_id, None)


def _cycle(steps: list[StepSpec]) -> Diagnostic:
    first, second = steps[0], steps[1]
    if len(steps) == 2:
        message = f"step {quote(first.id)} depends on itself"
        hint = "a step reads outputs of other steps only; name one of those, or remove this"
    else:
        hint = "remove one of these dependencies"
        ids = [step.id for step in steps]
        shown = ids if len(ids) <= 12 else [*ids[:6], f"… {len(ids) - 11} more …", *ids[-5:]]
        message = f"steps depend on each other in a circle: {' -> '.join(shown)}"
    return Diagnostic("cycle", message, _edge(first, second), hint)


def _edge(step: StepSpec, awaited: StepSpec) -> Span:
    """Return the place where a step says that it waits for another."""
    for spec in step.inputs.values():
        if isinstance(spec.source, StepInput) and awaited.id in spec.source.producers:
            return spec.span
    return next((span for name, span in step.needs if name == awaited.name), step.span)


def repeated_needs(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise against steps under `needs` that are waited for anyway."""
    for step in context.shared():
        awaited = {spec.source.step for spec in step.inputs.values() if isinstance(spec.source, StepInput)}
        for name, span in step.needs:
            if name in awaited:
                message = f"step {quote(step.name)} waits for {quote(name)} already, through an input or an earlier entry"
                yield Diagnostic("repeated-need", message, span, "remove it from 'needs'", Severity.ADVICE)
            awaited.add(name)


def metrics_readable(context: CheckContext) -> Iterator[Diagnostic]:
    """Report `metrics` that do not name an output, or name one that contains no numbers."""
    for step in context.shared():
        metrics = step.metrics
        if metrics is None or step.name in context.spec.damaged:
            continue
        output = step.outputs.get(metrics.output)
        if output is None:
            message = f"'metrics' of step {quote(step.name)} names output {quote(metrics.output)}, which does not exist"
            by_file = next((name for name, one in step.outputs.items() if one.file == metrics.output), None)
            hint = (
                f"did you mean {quote(by_file)}, which is saved in that file?"
                if by_file
                else nearest_or_all(metrics.output, step.outputs, kind="its outputs")
                or "the step has no outputs"
            )
            yield Diagnostic("unknown-output", message, metrics.span, hint)
        elif metrics.part is not None and not output.is_directory:
            message = f"'metrics' of step {quote(step.name)} is a part of output {quote(output.name)}, which is the file {quote(output.file)}"
            yield Diagnostic("part-of-file", message, metrics.span, f"write 'metrics: {output.name}'")
        elif output.is_directory and metrics.part is None:
            message = (
                f"'metrics' of step {quote(step.name)} is output {quote(output.name)}, which is a directory"
            )
            hint = f"name a file in it: 'metrics: {output.name}/scores.json'"
            yield Diagnostic("metrics-format", message, metrics.span, hint)
        elif suffix_of(file := metrics.part or output.file) not in _METRICS_SUFFIXES:
            message = f"'metrics' of step {quote(step.name)} is {quote(file)}, a format from which metrics cannot be read"
            yield Diagnostic("metrics-format", message, metrics.span, "metrics are read from .json and .yaml")


def checks_named(context: CheckContext) -> Iterator[Diagnostic]:
    """Report `checks` on metrics that MLflow records under another name, and pairs that it records under the same name."""
    for step in context.shared():
        judged: dict[str, str] = {}
        for name, bounds in step.checks.items():
            fitted = fit_name(name)
            other = judged.setdefault(fitted, name)
            if other != name:
                message = f"'checks' of step {quote(step.name)} names the metrics {quote(other)} and {quote(name)}, which MLflow records as one: {quote(fitted)}"
                hint = "rename one of them in the output, with letters, digits and _ - . : / and spaces"
                yield Diagnostic("metric-clash", message, bounds.span, hint)
            elif fitted != name:
                message = f"MLflow records metric {quote(name)} of step {quote(step.name)} as {quote(fitted)}, since it takes no such name"
                hint = (
                    "the check works; names of letters, digits and _ - . : / and spaces are kept as they are"
                )
                yield Diagnostic("metric-name", message, bounds.span, hint, Severity.ADVICE)


def ignored_params(context: CheckContext) -> Iterator[Diagnostic]:
    """Report names under `identity.ignore` that are not params."""
    for name, variants in context.declared.items():
        if name in context.spec.damaged:
            continue
        known = {param: None for step in variants for param in (*step.params, *step.axis_arguments)}
        identity = variants[0].identity
        for param, span in zip(identity.ignore, identity.ignore_spans, strict=True):
            if param not in known:
                message = f"'identity.ignore' of step {quote(name)} names {quote(param)}, which is not one of its params"
                hint = nearest_or_all(param, known, kind="its params")
                yield Diagnostic("unknown-param", message, span, hint)


def external_inputs(context: CheckContext) -> Iterator[Diagnostic]:
    """Report files, folders and patterns of files that do not exist."""
    if context.exists is None:
        return
    answers: dict[ExternalInput, Diagnostic | None] = {}
    for step in context.spec.steps.values():
        for spec in step.inputs.values():
            source = spec.source
            if not isinstance(source, FileInput | DirInput | FilesInput):
                continue
            place = source.pattern if isinstance(source, FilesInput) else source.path
            if "${" in source.text and (step.name in context.spec.damaged or place == source.text):
                continue  # the reference itself has a mistake, or no value yet
            if source not in answers:
                answers[source] = _problem(source, spec.span, context, context.exists)
            if (found := answers[source]) is not None:
                message = f"input {quote(spec.argument)}: {found.message}"
                yield replace(found, message=message, span=spec.span)


def _problem(
    source: ExternalInput, span: Span, context: CheckContext, exists: Callable[[ExternalInput], bool]
) -> Diagnostic | None:
    """Return why an input cannot be read, or None."""
    if not exists(source):
        what, hint = _missing(source)
        likely = (
            reference_hint(source.text, context)
            or _other_kind(source, exists)
            or _written_by_a_step(source.text, context)
            or _spelt_otherwise(source, context)
        )
        return Diagnostic("missing-file", what, span, likely or hint)
    if isinstance(source, DirInput) and context.problem is not None and (why := context.problem(source)):
        hint = "put the content there in place of a link, or name what it leads to as an input of its own"
        message = f"{quote(source.text)} cannot be read: {why}"
        return Diagnostic("bad-content", message, span, hint if "link" in why else None)
    return None


def _missing(source: ExternalInput) -> tuple[str, str]:
    match source:
        case FileInput(path=path, text=text):
            return f"there is no file {quote(text)}", f"looked for {path}"
        case DirInput(path=path, text=text):
            return f"there is no folder {quote(text)}", f"looked for {path}"
        case FilesInput(pattern=pattern, text=text):
            return f"no file matches {quote(text)}", f"looked for {pattern}"


def _other_kind(source: ExternalInput, exists: Callable[[ExternalInput], bool]) -> str | None:
    """Return how to write an input that is of another kind than it says: for example, a folder that is named as a file."""
    written = flow_text(source.text)
    match source:
        case FileInput(text=text) if any(sign in text for sign in "*?["):
            return f"a pattern is written {{files: {written}}}"
        case FileInput(path=path) | FilesInput(pattern=path) if exists(DirInput(path, source.text)):
            return f"it is a folder, which is written {{dir: {written}}}"
        case DirInput(path=path) if exists(FileInput(path, source.text)):
            return f"it is a file, which is written {{file: {written}}}"
        case _:
            return None


def _written_by_a_step(text: str, context: CheckContext) -> str | None:
    """Name the output that is saved in a file of this name."""
    likely = likely_output(text, context.spec.document) if suffix_of(text) else None
    return None if likely is None else f"a step saves it: write {likely} in place of the file"


def _spelt_otherwise(source: ExternalInput, context: CheckContext) -> str | None:
    """Name the neighbour whose name is nearly the same, or say how a path of Windows or of a shell is written."""
    text = source.text
    if re.match(r"[A-Za-z]:[\\/]", text):
        return "this is a path of Windows, and pipespec runs on Linux and macOS"
    if "\\" in text:
        return f"folders are separated by '/': {text.replace(chr(92), '/')}"
    if isinstance(source, FilesInput) or context.siblings is None:
        return None
    folder, _, name = text.rpartition("/")
    near = nearest(name, context.siblings(source.path))
    return None if near is None else f"did you mean {quote(f'{folder}/{near}' if folder else near)}?"


CHECKS: Final[tuple[Check, ...]] = (
    cycles,
    repeated_needs,
    metrics_readable,
    checks_named,
    ignored_params,
    options_named,
    options_set_params,
    external_inputs,
    calls_found,
    plain_functions,
    source_files_there,
    templates_filled,
    arguments_bound,
    params_fit,
    params_that_are_paths,
    after_bound,
    inputs_load,
    values_pass,
    returns_fit,
    missing_returns,
    unsaved_returns,
    outputs_save,
    examples_there,
    aliases_apart,
    signatures_known,
    pickles,
    schemas_sound,
    schemas_apply,
    params_fit_schema,
    templates_sound,
    services_known,
    regressions_judged,
    unread_outputs,
    respelt_numbers,
    words_for_bools,
    defaults_in_range,
    foreign_references,
    live_params_fit,
    packages_there,
    whole_modules,
    undefined_names,
    hidden_inputs,
)


def check_meaning(
    spec: PipelineSpec,
    callables: Mapping[str, CallableSource | CallableProblem],
    *,
    exists: Callable[[ExternalInput], bool] | None = None,
    problem: Callable[[DirInput], str | None] | None = None,
    siblings: Callable[[str], Iterable[str]] | None = None,
    suffixes: Collection[str] = frozenset(),
    live: Mapping[str, ImportResult] = MappingProxyType({}),
    widened: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    bodies: Mapping[str, BodyFacts] = MappingProxyType({}),
    schemas: Mapping[str, DataSchema | SchemaProblem] = MappingProxyType({}),
    templates: Mapping[str, MessageTemplate] = MappingProxyType({}),
    services: Mapping[str, ServiceProblem] = MappingProxyType({}),
    within_limit: TimeLimit = without_limit,
) -> tuple[Diagnostic, ...]:
    """Return what all checks find, without repetitions, sorted by place.

    `CheckContext` explains the arguments.
    """
    context = CheckContext(
        spec,
        callables,
        exists,
        problem,
        siblings,
        suffixes,
        live,
        widened,
        bodies,
        schemas,
        templates,
        services,
        within_limit,
    )
    found = dict.fromkeys(finding for check in CHECKS for finding in check(context))
    return tuple(sorted(found, key=lambda one: (one.span, one.code)))

"""What a pipeline means, judged: the list of checks, and those that need no function's signature.

Takes a built pipeline and what the source says of its functions, gives diagnostics. A new rule is a function, a line in
`CHECKS`, a page in `docs/diagnostics.md` and a folder in `tests/golden/invalid/`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Severity, Span
from pipespec.spec.advice import defaults_in_range, respelt_numbers, unread_outputs, words_for_bools
from pipespec.spec.binding_checks import (
    arguments_bound,
    calls_found,
    params_fit,
    params_that_are_paths,
    plain_functions,
)
from pipespec.spec.evidence import Evidence, ExternalInput
from pipespec.spec.format_checks import inputs_load, outputs_save, pickles
from pipespec.spec.graph import find_cycle
from pipespec.spec.live import live_params_fit, packages_there
from pipespec.spec.model import DirInput, FileInput, FilesInput, PipelineSpec, StepInput, StepSpec
from pipespec.spec.passing_checks import values_pass
from pipespec.spec.returns import returns_fit
from pipespec.spec.signature import CallableProblem, CallableSource
from pipespec.spec.spelling import nearest_or_all
from pipespec.spec.suffixes import suffix_of
from pipespec.spec.verdicts import Verdict

__all__ = ["CHECKS", "Check", "check_meaning"]

Check: TypeAlias = Callable[[Evidence], Iterator[Diagnostic]]

_MOST_CYCLES = 20
_METRICS_SUFFIXES: Final = (".json", ".yaml")


def cycles(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of steps that wait for themselves, one cycle for each set of declared steps."""
    upstream = dict(evidence.spec.upstream)
    told: set[frozenset[str]] = set()
    while len(told) < _MOST_CYCLES and (cycle := find_cycle(upstream)) is not None:
        steps = [evidence.spec.steps[step_id] for step_id in cycle]
        names = frozenset(step.name for step in steps)
        if names not in told:
            told.add(names)
            yield _cycle(steps)
        for step_id in cycle:
            upstream.pop(step_id, None)


def _cycle(steps: list[StepSpec]) -> Diagnostic:
    first, second = steps[0], steps[1]
    if len(steps) == 2:
        message = f"step {quote(first.id)} waits for itself"
    else:
        ids = [step.id for step in steps]
        shown = ids if len(ids) <= 12 else [*ids[:6], f"… {len(ids) - 11} more …", *ids[-5:]]
        message = f"steps wait for each other in a circle: {' -> '.join(shown)}"
    return Diagnostic(
        "cycle", message, _edge(first, second), "a step can only wait for steps that do not wait for it"
    )


def _edge(step: StepSpec, awaited: StepSpec) -> Span:
    """Return the place where a step says that it waits for another."""
    for spec in step.inputs.values():
        if isinstance(spec.source, StepInput) and awaited.id in spec.source.producers:
            return spec.span
    return next((span for name, span in step.needs if name == awaited.name), step.span)


def repeated_needs(evidence: Evidence) -> Iterator[Diagnostic]:
    """Advise against naming a step under `needs` that is waited for anyway."""
    for step in evidence.shared():
        awaited = {spec.source.step for spec in step.inputs.values() if isinstance(spec.source, StepInput)}
        for name, span in step.needs:
            if name in awaited:
                message = f"step {quote(step.name)} waits for {quote(name)} already, through an input or an earlier word"
                yield Diagnostic("repeated-need", message, span, "take it out of 'needs'", Severity.ADVICE)
            awaited.add(name)


def metrics_readable(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of `metrics` that name no output, or none that numbers can be read from."""
    for step in evidence.shared():
        metrics = step.metrics
        if metrics is None or step.name in evidence.spec.damaged:
            continue
        output = step.outputs.get(metrics.output)
        if output is None:
            message = (
                f"'metrics' of step {quote(step.name)} names output {quote(metrics.output)}, which it has not"
            )
            hint = (
                nearest_or_all(metrics.output, step.outputs, kind="its outputs") or "the step has no outputs"
            )
            yield Diagnostic("unknown-output", message, metrics.span, hint)
        elif metrics.part is not None and not output.is_directory:
            message = f"'metrics' of step {quote(step.name)} is a part of output {quote(output.name)}, which is the file {quote(output.file)}"
            yield Diagnostic("part-of-file", message, metrics.span, f"say 'metrics: {output.name}'")
        elif output.is_directory and metrics.part is None:
            message = (
                f"'metrics' of step {quote(step.name)} is output {quote(output.name)}, which is a directory"
            )
            hint = f"name a file in it: 'metrics: {output.name}/scores.json'"
            yield Diagnostic("metrics-format", message, metrics.span, hint)
        elif suffix_of(file := metrics.part or output.file) not in _METRICS_SUFFIXES:
            message = (
                f"'metrics' of step {quote(step.name)} is {quote(file)}, which numbers are not read from"
            )
            yield Diagnostic("metrics-format", message, metrics.span, "metrics are read from .json and .yaml")


def ignored_params(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of `identity.ignore` with a name that is no param."""
    for name, variants in evidence.declared.items():
        if name in evidence.spec.damaged:
            continue
        known = {param: None for step in variants for param in (*step.params, *step.axis_arguments)}
        identity = variants[0].identity
        for param, span in zip(identity.ignore, identity.ignore_spans, strict=True):
            if param not in known:
                message = (
                    f"'identity.ignore' of step {quote(name)} names {quote(param)}, which is no param of it"
                )
                hint = nearest_or_all(param, known, kind="its params")
                yield Diagnostic("unknown-param", message, span, hint)


def external_inputs(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of files, folders and patterns of files that are not there."""
    if evidence.exists is None:
        return
    answers: dict[ExternalInput, bool] = {}
    for step in evidence.spec.steps.values():
        for spec in step.inputs.values():
            source = spec.source
            if not isinstance(source, FileInput | DirInput | FilesInput):
                continue
            place = source.pattern if isinstance(source, FilesInput) else source.path
            if "${" in source.text and (step.name in evidence.spec.damaged or place == source.text):
                continue  # the reference has a mistake of its own, or no value yet
            if source not in answers:
                answers[source] = evidence.exists(source)
            if not answers[source]:
                what, hint = _missing(source)
                message = f"input {quote(spec.argument)}: {what}"
                yield Diagnostic("missing-file", message, spec.span, hint)


def _missing(source: ExternalInput) -> tuple[str, str]:
    match source:
        case FileInput(path=path, text=text):
            return f"there is no file {quote(text)}", f"looked for {path}"
        case DirInput(path=path, text=text):
            return f"there is no folder {quote(text)}", f"looked for {path}"
        case FilesInput(pattern=pattern, text=text):
            return f"no file fits {quote(text)}", f"looked for {pattern}"


CHECKS: Final[tuple[Check, ...]] = (
    cycles,
    repeated_needs,
    metrics_readable,
    ignored_params,
    external_inputs,
    calls_found,
    plain_functions,
    arguments_bound,
    params_fit,
    params_that_are_paths,
    inputs_load,
    values_pass,
    returns_fit,
    outputs_save,
    pickles,
    unread_outputs,
    respelt_numbers,
    words_for_bools,
    defaults_in_range,
    live_params_fit,
    packages_there,
)


def check_meaning(
    spec: PipelineSpec,
    callables: Mapping[str, CallableSource | CallableProblem],
    *,
    exists: Callable[[ExternalInput], bool] | None = None,
    suffixes: Collection[str] = frozenset(),
    live: Mapping[str, Verdict] = MappingProxyType({}),
) -> tuple[Diagnostic, ...]:
    """Return what all checks find, each finding once, sorted by place.

    `callables` is keyed by `str(CallableRef)`, `exists` tells whether an external input is there (None: not
    asked), `suffixes` are those that installed packages add to our formats, `live` is what came of importing.
    """
    evidence = Evidence(spec, callables, exists, suffixes, live)
    found = dict.fromkeys(finding for check in CHECKS for finding in check(evidence))
    return tuple(sorted(found, key=lambda one: (one.span, one.code)))

"""Checks of steps against their functions' signatures, which were read from source: is all bound, does it fit?

The rules are those of the language reference, "How a callable is bound".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.document.nodes import ScalarNode
from pipespec.document.wording import listing, quote
from pipespec.errors import Diagnostic, Severity, Span
from pipespec.spec.evidence import Evidence, callables_of
from pipespec.spec.fitting import find_misfit
from pipespec.spec.model import CallableRef, StepSpec
from pipespec.spec.placeholders import is_open
from pipespec.spec.signature import (
    Annotation,
    Argument,
    ArgumentKind,
    CallableProblem,
    CallableSource,
    ProblemKind,
)
from pipespec.spec.spelling import nearest_or_all
from pipespec.spec.suffixes import known_type

__all__ = [
    "arguments_bound",
    "calls_found",
    "is_written",
    "params_fit",
    "params_that_are_paths",
    "plain_functions",
]

_CHECKED_LATER: Final = "it is checked when the step runs, and by 'validate --import'"
_ABSOLUTE: Final = re.compile(r"/[\w.+-]+(/[\w.+ -]+)+/?|~/.*|[A-Za-z]:\\.*")


def calls_found(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of modules and functions that are not there, and of calls into Python's own library."""
    told: set[str] = set()
    for step in evidence.shared():
        for ref in callables_of(step):
            known = evidence.callables.get(str(ref))
            if known is not None and known.is_stdlib:
                message = f"{quote(str(ref))} is part of Python itself, and no step of a pipeline"
                hint = "write a function of your own around it"
                yield Diagnostic("stdlib-call", message, ref.span, hint)
            elif isinstance(known, CallableProblem) and known.message not in told:
                if known.kind is ProblemKind.IMPORT_FAILED:
                    told.add(known.message)  # all that stands in the module fails alike
                yield _problem(known, ref.span)


def _problem(problem: CallableProblem, span: Span) -> Diagnostic:
    is_mistake = problem.kind is not ProblemKind.NOT_READABLE
    hint = None
    if problem.nearest:
        hint = f"did you mean {quote(problem.nearest[0])}?"
    elif not is_mistake:
        hint = _CHECKED_LATER
    severity = Severity.ERROR if is_mistake else Severity.ADVICE
    code = "module-refused" if problem.kind is ProblemKind.REFUSED else str(problem.kind)
    return Diagnostic(code, problem.message, span, hint, severity)


def plain_functions(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of calls that are classes, coroutines or generators."""
    for step in evidence.shared():
        for ref in callables_of(step):
            source = evidence.callables.get(str(ref))
            if not isinstance(source, CallableSource) or source.is_stdlib:
                continue
            if (what := _what_else(source, ref, step)) is not None:
                message = f"{quote(str(ref))} is {what}, and not a plain function"
                yield Diagnostic(
                    "not-callable", message, ref.span, "call a function that returns its outputs"
                )


def _what_else(source: CallableSource, ref: CallableRef, step: StepSpec) -> str | None:
    if source.is_class and ref in (step.call, step.identity.probe):
        return "a class"
    if source.is_async:
        return "a coroutine (async def)"
    return "a generator (it yields)" if source.is_generator else None


def arguments_bound(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of arguments that nothing binds, bindings that no argument takes, and names that are bound twice."""
    for variants, source in evidence.sound():
        judged: set[frozenset[str]] = set()
        for step in variants:
            bound = frozenset({*step.inputs, *step.params, *step.axis_arguments})
            if bound not in judged:
                judged.add(bound)
                found = _arguments_of(step, source)
                yield from (one for one in found if not (_is_advice(one) and _is_tried(step, evidence)))


def _arguments_of(step: StepSpec, source: CallableSource) -> Iterator[Diagnostic]:
    bindings = _bindings(step)
    for name in step.inputs.keys() & step.params.keys():
        message = (
            f"argument {quote(name)} of step {quote(step.name)} is bound twice, by an input and by a param"
        )
        yield Diagnostic("bound-twice", message, step.param_key_spans[name], "keep one of them")
    unknown = {name: span for name, span in bindings.items() if source.argument(name) is None}
    if source.is_certain:
        for name, span in unknown.items():
            yield from _unknown_argument(name, span, bindings, step, source)
        yield from _missing_arguments(bindings, step, source)
    elif unknown or any(_is_missing(argument, bindings, step) for argument in source.arguments):
        message = (
            f"whether the arguments of {quote(str(step.call))} are bound cannot be told: {source.notes[0]}"
        )
        hint = _CHECKED_LATER
        yield Diagnostic("unchecked-arguments", message, step.call.span, hint, Severity.ADVICE)


def _is_advice(found: Diagnostic) -> bool:
    return found.severity is Severity.ADVICE


def _is_tried(step: StepSpec, evidence: Evidence) -> bool:
    """Tell whether the live function told its arguments, so that what it takes by `**` is bound."""
    verdict = evidence.live.get(step.name)
    return verdict is not None and isinstance(verdict.callables.get(str(step.call)), CallableSource)


def _bindings(step: StepSpec) -> Mapping[str, Span]:
    """Return what is bound, with the place of each: a param's or axis's name, an input's reference."""
    inputs = {name: spec.span for name, spec in step.inputs.items()}
    return {**dict.fromkeys(step.axis_arguments, step.span), **inputs, **step.param_key_spans}


def _unknown_argument(
    name: str, span: Span, bindings: Mapping[str, Span], step: StepSpec, source: CallableSource
) -> Iterator[Diagnostic]:
    what = "input" if name in step.inputs else "axis" if name in dict(step.variant) else "param"
    call = quote(str(step.call))
    if any(argument.name == name for argument in source.arguments):
        message = (
            f"{what} {quote(name)} of step {quote(step.name)}: {call} takes that argument by position only"
        )
        yield Diagnostic(
            "positional-only-argument", message, span, "take the '/' out of the function's arguments"
        )
    elif source.has_kwargs:
        message = f"{what} {quote(name)} of step {quote(step.name)} goes into the '**' of {call}, so its name cannot be checked"
        yield Diagnostic("unchecked-arguments", message, span, None, Severity.ADVICE)
    else:
        message = f"{what} {quote(name)} of step {quote(step.name)}: {call} has no such argument"
        free = [argument.name for argument in source.arguments if argument.name not in bindings]
        taken = [argument.name for argument in source.arguments if argument.name in bindings]
        kind = "arguments that nothing binds" if free else "its arguments"
        hint = nearest_or_all(name, free or taken, kind=kind) or "it takes no arguments"
        yield Diagnostic("unknown-argument", message, span, hint)


def _missing_arguments(
    bindings: Mapping[str, Span], step: StepSpec, source: CallableSource
) -> Iterator[Diagnostic]:
    missing = [argument for argument in source.arguments if _is_missing(argument, bindings, step)]
    misspelt = [name for name in bindings if source.argument(name) is None]
    if not missing or (len(misspelt) >= len(missing) and not source.has_kwargs):
        return  # each is most likely one of those that were told to be unknown
    names = [argument.name for argument in missing]
    message = f"step {quote(step.name)} does not bind {listing(names)} of {quote(str(step.call))}"
    yield Diagnostic("missing-argument", message, step.call.span, _missing_hint(missing[0], step))


def _is_missing(argument: Argument, bindings: Mapping[str, Span], step: StepSpec) -> bool:
    if argument.has_default or argument.name in bindings:
        return False
    return argument.name not in step.outputs or not is_written(argument)


def _missing_hint(argument: Argument, step: StepSpec) -> str:
    if argument.kind is ArgumentKind.POSITIONAL_ONLY:
        return f"{quote(argument.name)} is taken by position only, and pipespec binds by name"
    if argument.name in step.outputs:
        return f"annotate {quote(argument.name)} as Path to write that output, or take the argument out"
    return f"bind {quote(argument.name)} under 'inputs' or 'params', or give it a default"


def is_written(argument: Argument | None) -> bool:
    """Tell whether a function writes the output of this argument's name itself, to the path that it gets."""
    if argument is None or argument.kind is ArgumentKind.POSITIONAL_ONLY:
        return False
    if argument.annotation is None:
        return not argument.has_default
    return _asked_type(argument.annotation) == "pathlib.Path"


def _asked_type(annotation: Annotation) -> str | None:
    """Return the type that an annotation asks for, as `step.formats` sees it: `X | None` is X."""
    members = [member for member in annotation.members if member.name != "None"]
    return known_type(members[0].name) if len(members) == 1 else None


def params_fit(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of params whose value does not fit the annotation of their argument."""
    for variants, source in evidence.sound():
        judged: set[tuple[str, int]] = set()
        for step in variants:
            for name, node in step.params.items():
                argument = source.argument(name)
                if argument is None or argument.annotation is None or (name, id(node)) in judged:
                    continue
                judged.add((name, id(node)))
                misfit = find_misfit(node, argument.annotation, source.definitions)
                if misfit is not None:
                    what = "axis" if name in dict(step.variant) else "param"
                    message = f"{what} {quote(name)} of step {quote(step.name)}: {misfit.found} is not {misfit.expected}, as '{name}: {argument.annotation.text}' of {quote(str(step.call))} asks"
                    yield Diagnostic("param-type", message, misfit.span, misfit.hint)


def params_that_are_paths(evidence: Evidence) -> Iterator[Diagnostic]:
    """Advise inputs in place of paths in params, whose content is in no identity."""
    for variants, source in evidence.sound():
        for step in variants:
            for name, node in step.params.items():
                if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or is_open(node):
                    continue
                argument = source.argument(name)
                annotation = argument.annotation if argument else None
                if annotation is not None and _asked_type(annotation) == "pathlib.Path":
                    message = f"param {quote(name)} of step {quote(step.name)} is a path, and what it leads to is in no identity"
                    hint = f"make it an input: {name}: {{file: {node.value}}}"
                    yield Diagnostic("path-param", message, node.span, hint, Severity.ADVICE)
                elif _ABSOLUTE.fullmatch(node.value):
                    message = f"param {quote(name)} of step {quote(step.name)} is an absolute path, which holds on one machine"
                    hint = "use an input, or a path below the project"
                    yield Diagnostic("absolute-path", message, node.span, hint, Severity.ADVICE)

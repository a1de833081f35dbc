"""Checks steps against the signatures of their functions: do all arguments have values, and do the values fit?

The rules are in docs/language.md, "How the function is called".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.checks.assignability import Misfit, find_misfit
from pipespec.checks.check_context import CheckContext
from pipespec.checks.reference_spellings import reference_hint
from pipespec.document.likely_outputs import likely_output
from pipespec.document.nodes import Node, ScalarNode, set_at, walk
from pipespec.document.wording import listing, quote
from pipespec.errors import Diagnostic, Severity, Span
from pipespec.python.callable_ref import CallableRef
from pipespec.python.collecting_arguments import INPUTS, PARAMS, may_collect
from pipespec.python.names_of_python import is_loaded_first, is_of_python
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import Annotation, Argument, ArgumentKind, CallableProblem, CallableSource
from pipespec.spec.file_formats import known_type
from pipespec.spec.file_wording import as_input
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.spec.placeholders import is_open
from pipespec.spec.value_wording import nearest_or_all

__all__ = [
    "arguments_bound",
    "asked_annotation",
    "calls_found",
    "collecting",
    "is_written",
    "params_fit",
    "params_that_are_paths",
    "plain_functions",
]

_CHECKED_LATER: Final = "it is checked when the step runs, and by 'validate --import'"
_ABSOLUTE: Final = re.compile(r"/[\w.+-]+(/[\w.+ -]+)+/?|~/.*|[A-Za-z]:\\.*")


def calls_found(context: CheckContext) -> Iterator[Diagnostic]:
    """Report missing modules and functions, modules with names of Python's own, and calls into the standard library."""
    told: set[str] = set()
    for step in context.shared():
        for ref in step.callables:
            known = context.callables.get(str(ref))
            if known is not None and known.is_stdlib:
                message = f"{quote(str(ref))} is part of Python itself and cannot be a step"
                hint = "write a function that calls it"
                yield Diagnostic("stdlib-call", message, ref.span, hint)
            elif isinstance(known, CallableProblem) and known.message not in told:
                if known.kind is ProblemKind.IMPORT_FAILED:
                    told.add(known.message)  # all functions of the module fail in the same way
                yield _problem(known, ref.span, context)
            elif known is not None and is_of_python(ref.module):
                yield _named_as_python(ref)


def _named_as_python(ref: CallableRef) -> Diagnostic:
    """Return the message for a module of the project that has a name that Python needs."""
    top = ref.module.partition(".")[0]
    if is_loaded_first(top):
        message = f"module {quote(top)} of the project cannot be imported: Python's own module {quote(top)} is loaded before it"
        return Diagnostic("module-refused", message, ref.span, "rename the project's module")
    message = (
        f"module {quote(top)} of the project has the name of one of Python's own, which a library may need"
    )
    return Diagnostic("shadowed-module", message, ref.span, "rename the project's module", Severity.ADVICE)


def _problem(problem: CallableProblem, span: Span, context: CheckContext) -> Diagnostic:
    is_mistake = problem.kind is not ProblemKind.NOT_READABLE
    hint = None
    if problem.nearest:
        hint = f"did you mean {quote(problem.nearest[0])}?"
    elif problem.hint is not None:
        hint = problem.hint
    elif not is_mistake:
        hint = _CHECKED_LATER
    elif problem.kind is ProblemKind.MODULE_NOT_FOUND:
        hint = _where_looked(problem, context.spec)
    severity = Severity.ERROR if is_mistake else Severity.ADVICE
    code = "module-refused" if problem.kind is ProblemKind.REFUSED else str(problem.kind)
    return Diagnostic(code, problem.message, span, hint, severity)


def _where_looked(problem: CallableProblem, spec: PipelineSpec) -> str:
    """Return a hint that lists the folders in which a module was searched, and the modules that are there."""
    own = [folder for folder in spec.module_folders if folder.is_relative_to(spec.root)]
    names = [folder.relative_to(spec.root).as_posix() for folder in own]
    places = ["the project's root" if name == "." else f"{quote(name)}" for name in dict.fromkeys(names)]
    present = [name for name in problem.present if name not in names]
    there = f"modules there: {listing(present)}" if present else "there are no modules there"
    return f"looked in {', '.join(places)} and among installed packages; {there}"


def plain_functions(context: CheckContext) -> Iterator[Diagnostic]:
    """Report calls of classes, coroutines and generators."""
    for step in context.shared():
        for ref in step.callables:
            source = context.callables.get(str(ref))
            if not isinstance(source, CallableSource) or source.is_stdlib:
                continue
            if (what := _what_else(source, ref, step)) is not None:
                message = f"{quote(str(ref))} is {what}, not a plain function"
                yield Diagnostic(
                    "not-callable", message, ref.span, "call a function that returns its outputs"
                )


def _what_else(source: CallableSource, ref: CallableRef, step: StepSpec) -> str | None:
    if source.is_class and ref in (step.call, step.identity.probe, step.after):
        return "a class"
    if source.is_async:
        return "a coroutine (async def)"
    return "a generator (it yields)" if source.is_generator else None


def arguments_bound(context: CheckContext) -> Iterator[Diagnostic]:
    """Report arguments without a value, bindings that no argument takes, and names that are bound twice."""
    for variants, source in context.sound:
        judged: set[frozenset[str]] = set()
        for step in variants:
            bound = frozenset({*step.inputs, *step.params, *step.axis_arguments})
            if bound not in judged:
                judged.add(bound)
                found = _arguments_of(step, source)
                yield from (one for one in found if not (_is_advice(one) and _is_tried(step, context)))


def _arguments_of(step: StepSpec, source: CallableSource) -> Iterator[Diagnostic]:
    bindings = _bindings(step)
    for name in step.inputs.keys() & step.params.keys():
        message = (
            f"argument {quote(name)} of step {quote(step.name)} is set twice, by an input and by a param"
        )
        yield Diagnostic("bound-twice", message, step.param_key_spans[name], "keep one of them")
    collected = _collected(step, source)
    unknown = {
        name: span
        for name, span in bindings.items()
        if source.argument(name) is None and name not in collected
    }
    if source.is_certain:
        for name, span in unknown.items():
            yield from _unknown_argument(name, span, bindings, step, source)
        yield from _missing_arguments(bindings, step, source)
    elif unknown or any(_missing(bindings, step, source)):
        message = (
            f"whether the arguments of {quote(str(step.call))} are bound cannot be told: {source.notes[0]}"
        )
        hint = _CHECKED_LATER
        yield Diagnostic("unchecked-arguments", message, step.call.span, hint, Severity.ADVICE)


def collecting(step: StepSpec, source: CallableSource) -> frozenset[str]:
    """Return the arguments of a function that collect what its other arguments do not take."""
    bound = {*step.inputs, *step.params, *step.axis_arguments}
    return frozenset(
        argument.name for argument in source.arguments if argument.name not in bound and may_collect(argument)
    )


def asked_annotation(
    name: str, kind: str, step: StepSpec, source: CallableSource
) -> tuple[str, Annotation] | None:
    """Return the annotation and name of the argument that gets an input or param. For one that collects, this is each value's.

    `kind` is "input" or "param". Returns None if there is no annotation.
    """
    argument = source.argument(name)
    if argument is not None:
        return None if argument.annotation is None else (name, argument.annotation)
    holder = source.argument(kind) if kind in collecting(step, source) else None
    if holder is None or holder.annotation is None or len(holder.annotation.args) != 2:
        return None
    return kind, holder.annotation.args[1]


def _collected(step: StepSpec, source: CallableSource) -> set[str]:
    """Return the inputs and params that a collecting argument takes because no other does."""
    kinds = collecting(step, source)
    inputs = step.inputs if INPUTS in kinds else ()
    params = (*step.params, *step.axis_arguments) if PARAMS in kinds else ()
    return {*inputs, *params}


def _is_advice(found: Diagnostic) -> bool:
    return found.severity is Severity.ADVICE


def _is_tried(step: StepSpec, context: CheckContext) -> bool:
    """Return whether the imported function says what its arguments are, so that its `**` can be bound."""
    result = context.live.get(step.name)
    return result is not None and isinstance(result.callables.get(str(step.call)), CallableSource)


def _bindings(step: StepSpec) -> Mapping[str, Span]:
    """Return the bound names with the place of each: the name of a param or axis, the reference of an input."""
    inputs = {name: spec.span for name, spec in step.inputs.items()}
    return {**dict.fromkeys(step.axis_arguments, step.span), **inputs, **step.param_key_spans}


def _unknown_argument(
    name: str, span: Span, bindings: Mapping[str, Span], step: StepSpec, source: CallableSource
) -> Iterator[Diagnostic]:
    what = "input" if name in step.inputs else "axis" if name in dict(step.variant) else "param"
    call = quote(str(step.call))
    if any(argument.name == name for argument in source.arguments):
        message = (
            f"{what} {quote(name)} of step {quote(step.name)}: {call} takes that argument only by position"
        )
        yield Diagnostic(
            "positional-only-argument", message, span, "remove the '/' from the function's arguments"
        )
    elif source.has_kwargs:
        message = f"{what} {quote(name)} of step {quote(step.name)} is passed to the '**' argument of {call}, so its name cannot be checked"
        yield Diagnostic("unchecked-arguments", message, span, None, Severity.ADVICE)
    else:
        message = f"{what} {quote(name)} of step {quote(step.name)}: {call} has no such argument"
        kinds = collecting(step, source)
        names = [argument.name for argument in source.arguments if argument.name not in kinds]
        free = [one for one in names if one not in bindings]
        taken = [one for one in names if one in bindings]
        kind = "arguments without a value" if free else "its arguments"
        more = (
            f"for any {what}, it needs an argument '{INPUTS if what == 'input' else PARAMS}: dict[str, ...]'"
        )
        hint = nearest_or_all(name, free or taken, kind=kind) or (more if kinds else "it takes no arguments")
        yield Diagnostic("unknown-argument", message, span, hint)


def _missing_arguments(
    bindings: Mapping[str, Span], step: StepSpec, source: CallableSource
) -> Iterator[Diagnostic]:
    collected, missing = _collected(step, source), _missing(bindings, step, source)
    misspelt = [name for name in bindings if source.argument(name) is None and name not in collected]
    if not missing or (len(misspelt) >= len(missing) and not source.has_kwargs):
        return  # each is most likely one of those that were reported as unknown
    names = [argument.name for argument in missing]
    message = f"step {quote(step.name)} does not bind {listing(names)} of {quote(str(step.call))}"
    yield Diagnostic("missing-argument", message, step.call.span, _missing_hint(missing[0], step))


def _missing(bindings: Mapping[str, Span], step: StepSpec, source: CallableSource) -> list[Argument]:
    kinds = collecting(step, source)
    return [one for one in source.arguments if one.name not in kinds and _is_missing(one, bindings, step)]


def _is_missing(argument: Argument, bindings: Mapping[str, Span], step: StepSpec) -> bool:
    if argument.has_default or argument.name in bindings:
        return False
    return argument.name not in step.outputs or not is_written(argument)


def _missing_hint(argument: Argument, step: StepSpec) -> str:
    if argument.kind is ArgumentKind.POSITIONAL_ONLY:
        return f"{quote(argument.name)} can only be passed by position, but pipespec passes arguments by name"
    if argument.name in step.outputs:
        return f"annotate {quote(argument.name)} as Path to write that output, or remove the argument"
    return f"bind {quote(argument.name)} under 'inputs' or 'params', or give it a default"


def is_written(argument: Argument | None) -> bool:
    """Return whether a function itself writes the output with this argument's name, to the path that it gets."""
    if argument is None or argument.kind is ArgumentKind.POSITIONAL_ONLY:
        return False
    if argument.annotation is None:
        return not argument.has_default
    return _asked_type(argument.annotation) == "pathlib.Path"


def _asked_type(annotation: Annotation) -> str | None:
    """Return the type that an annotation requires, as `step.formats` sees it: `X | None` is X."""
    members = [member for member in annotation.members if member.name != "None"]
    return known_type(members[0].name) if len(members) == 1 else None


def params_fit(context: CheckContext) -> Iterator[Diagnostic]:
    """Report params with a value that does not fit the annotation of their argument."""
    for variants, source in context.sound:
        judged: set[tuple[str, int]] = set()
        for step in variants:
            for name, node in step.params.items():
                asked = asked_annotation(name, PARAMS, step, source)
                if asked is None or (name, id(node)) in judged:
                    continue
                judged.add((name, id(node)))
                taker, annotation = asked
                misfit = find_misfit(node, annotation, source.definitions)
                if misfit is not None:
                    what = "axis" if name in dict(step.variant) else "param"
                    message = f"{what} {quote(name)} of step {quote(step.name)}: {misfit.found} is not {misfit.expected}; {quote(str(step.call))} declares '{_spelt(taker, name, annotation)}'"
                    yield Diagnostic(
                        "param-type",
                        message,
                        misfit.span,
                        reference_hint(_text_at(misfit.span, node), context)
                        or _input_hint(name, node, misfit, context)
                        or misfit.hint,
                    )


def _input_hint(name: str, node: Node, misfit: Misfit, context: CheckContext) -> str | None:
    """Say how what a param names is written as an input: the output of a step, or a file."""
    if not misfit.is_of_input or not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return None
    source = likely_output(node.value, context.spec.document) or as_input(node.value)
    return None if source is None else f"such a value is an input: write inputs: {{{name}: {source}}}"


def _text_at(span: Span, node: Node) -> object:
    return next(
        (one.value for _, one in walk(node) if isinstance(one, ScalarNode) and set_at(one) == span), None
    )


def _spelt(taker: str, name: str, annotation: Annotation) -> str:
    """Return an annotation as the source spells it; for a collecting argument, the annotation of each value."""
    return f"{name}: {annotation.text}" if taker == name else f"{taker}: dict[str, {annotation.text}]"


def params_that_are_paths(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise inputs instead of paths in params: the content of such files is not part of the identity."""
    for variants, source in context.sound:
        for step in variants:
            for name, node in step.params.items():
                if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or is_open(node):
                    continue
                argument = source.argument(name)
                annotation = argument.annotation if argument else None
                if annotation is not None and _asked_type(annotation) == "pathlib.Path":
                    message = f"param {quote(name)} of step {quote(step.name)} is a path, so a change of the file would not be noticed"
                    hint = f"make it an input: {name}: {{file: {node.value}}}"
                    yield Diagnostic("path-param", message, set_at(node), hint, Severity.ADVICE)
                elif _ABSOLUTE.fullmatch(node.value):
                    message = f"param {quote(name)} of step {quote(step.name)} is an absolute path, which is valid only on this machine"
                    hint = "use an input, or a path relative to the project"
                    yield Diagnostic("absolute-path", message, set_at(node), hint, Severity.ADVICE)

"""How a callable is bound: which of its arguments get inputs, params and the places of outputs.

Takes a live function and a job, gives an `ArgumentBinding`. Refuses what `validate` refuses from source, since not every signature can be read there. The rules
are those of the language reference, "How the function is called".
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from pipespec.document.nodes import JSON
from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.frozen_values import frozen
from pipespec.python.collecting_arguments import INPUTS, OUTPUTS, PARAMS, collects
from pipespec.step.arguments.live_annotations import MISSING, LiveArgument, live_arguments, live_return
from pipespec.step.arguments.param_conversion import MisfitError, ParamPlace, convert
from pipespec.step.failure import StepError
from pipespec.step.formats.type_names import bare, type_of_annotation
from pipespec.step.frame_contracts import annotations_of_outputs
from pipespec.step.step_job import InputJob, OutputJob

__all__ = ["ArgumentBinding", "bind", "convert_params"]


@frozen
class ArgumentBinding:
    """What each argument gets. `annotations` has the evaluated ones of inputs and params, where there are any.

    `written` are outputs that the function writes itself, to the path that the argument of the output's name
    gets; `returned` are the others, in declared order. `collected` says by collecting argument which names it gets.
    """

    annotations: Mapping[str, Any]
    written: tuple[OutputJob, ...]
    returned: tuple[OutputJob, ...]
    collected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    annotations_returned: Mapping[str, Any] = field(default_factory=dict)
    """What the function says of the values of `returned`, by their names, where models of pandera may be among it."""

    def arguments(
        self, inputs: Mapping[str, Any], params: Mapping[str, Any], outputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what the function is called with, in one order, whatever the file's is.

        A function that takes `**rest` sees the order, and the key does not.
        """
        given: dict[str, Any] = {}
        for kind, values in ((INPUTS, inputs), (PARAMS, params), (OUTPUTS, outputs)):
            names = self.collected.get(kind, ())
            given |= {name: value for name, value in values.items() if name not in names}
            if kind in self.collected:
                given[kind] = {name: values[name] for name in sorted(names)}
        return dict(sorted(given.items()))


def bind(
    function: Callable[..., Any],
    inputs: Sequence[InputJob],
    params: Mapping[str, JSON],
    outputs: Sequence[OutputJob],
) -> ArgumentBinding:
    """Decide what each argument of `function` gets.

    Raises:
        StepError: of kind `binding`, for a name that no argument has and an argument that nothing binds.
    """
    bound = [*(job.argument for job in inputs), *params]
    arguments = live_arguments(function)
    if arguments is None:  # of C: whatever it is called with, it says itself
        return ArgumentBinding({}, (), tuple(outputs))
    takes_any = any(argument.is_rest for argument in arguments.values())
    named = {name: argument for name, argument in arguments.items() if not argument.is_rest}
    collecting = _collecting(named, bound)
    written = tuple(
        output
        for output in outputs
        if output.name not in bound and (OUTPUTS in collecting or _is_written(named.get(output.name)))
    )
    names = {
        INPUTS: tuple(job.argument for job in inputs),
        PARAMS: tuple(params),
        OUTPUTS: tuple(output.name for output in written),
    }
    collected = {
        kind: tuple(name for name in names[kind] if name not in named or name in collecting)
        for kind in collecting
    }
    taken = {name for kind in (INPUTS, PARAMS) for name in collected.get(kind, ())}
    for name in bound:
        if name not in named and name not in taken and not takes_any:
            raise StepError("binding", f"the function has no argument {quote(name)}{_nearest(name, named)}")
    given = {*bound, *names[OUTPUTS], *collecting}
    missing = [name for name, argument in named.items() if name not in given and not argument.has_default]
    if missing:
        raise StepError("binding", f"there is no value for {listing(missing)}, which the function requires")
    annotations = {
        name: named[name].annotation
        for name in bound
        if name in named and named[name].annotation is not MISSING
    }
    returned = tuple(output for output in outputs if output not in written)
    return ArgumentBinding(
        {**annotations, **_of_members(collected, named, inputs)},
        written,
        returned,
        collected,
        _annotations_returned(function, returned),
    )


def _annotations_returned(function: Callable[..., Any], returned: Sequence[OutputJob]) -> Mapping[str, Any]:
    # To evaluate it may import what is imported for type checkers alone.
    if "pandera" not in sys.modules or not returned:
        return {}
    return annotations_of_outputs(live_return(function), [output.name for output in returned])


def _collecting(named: Mapping[str, LiveArgument], bound: Sequence[str]) -> frozenset[str]:
    """Return the arguments that collect, which no input or param of their own name binds."""
    return frozenset(
        name
        for name, argument in named.items()
        if name not in bound
        and collects(name, _mapping_name(argument.annotation), has_default=argument.has_default)
    )


def _mapping_name(annotation: Any) -> str:
    plain = bare(annotation)
    kind = typing.get_origin(plain) or plain
    return f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else ""


def _of_members(
    collected: Mapping[str, Sequence[str]], named: Mapping[str, LiveArgument], inputs: Sequence[InputJob]
) -> dict[str, Any]:
    """Return what the mapping of a collecting argument says of each value; of an input with variants, of each of these."""
    found: dict[str, Any] = {}
    several = {job.argument for job in inputs if job.kind == "fan_in"}
    for kind in (INPUTS, PARAMS):
        arguments = typing.get_args(bare(named[kind].annotation)) if kind in collected else ()
        if len(arguments) == 2:
            for name in collected[kind]:
                found[name] = dict[str, arguments[1]] if name in several else arguments[1]  # type: ignore[valid-type]
    return found


def _nearest(name: str, named: Mapping[str, LiveArgument]) -> str:
    if not named:
        return ", nor any other named argument"
    hint = did_you_mean(name, named)
    return f", only {listing(named)}{f'; {hint}' if hint else ''}"


def _is_written(argument: LiveArgument | None) -> bool:
    """An argument that is annotated `Path`, or of which nothing is said at all, gets the place of its output."""
    if argument is None:
        return False
    if argument.is_annotated:
        return type_of_annotation(argument.annotation) == "pathlib.Path"
    return not argument.has_default


def convert_params(params: Mapping[str, JSON], annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params as the annotations of their arguments want them.

    Raises:
        StepError: of kind `binding`, naming param and annotation.
    """
    try:
        return {
            name: convert(value, annotations[name], ParamPlace("param", name))
            if name in annotations
            else value
            for name, value in params.items()
        }
    except MisfitError as error:
        raise StepError("binding", str(error)) from error.__cause__

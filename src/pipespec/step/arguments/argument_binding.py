"""Bind a callable: decide which of its arguments get inputs, params and the paths of outputs.

Takes a live function and a job. Returns an `ArgumentBinding`. Refuses the same mistakes as `validate`, which works on
source code and cannot read every signature. The rules are in the language reference, "How the function is called".
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
    """What each argument gets. `annotations` contains the evaluated annotations of inputs and params, if there are any.

    `written` are outputs that the function writes itself, to the path that it gets in the argument with the output's
    name. `returned` are the other outputs, in declared order. `collected` maps each collecting argument to the names
    that it gets.
    """

    annotations: Mapping[str, Any]
    written: tuple[OutputJob, ...]
    returned: tuple[OutputJob, ...]
    collected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    annotations_returned: Mapping[str, Any] = field(default_factory=dict)
    """The function's annotations for the values of `returned`, by name, if these may contain models of pandera."""

    def arguments(
        self, inputs: Mapping[str, Any], params: Mapping[str, Any], outputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the arguments of the call in a fixed order, whatever the order in the file.

        A function with `**rest` can see the order, but the order is not part of the key.
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
        StepError: of kind `binding`, if a name has no argument or an argument is not bound.
    """
    bound = [*(job.argument for job in inputs), *params]
    arguments = live_arguments(function)
    if arguments is None:  # a C function: it reports wrong arguments itself
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
    # Evaluating annotations may import modules that are imported only for type checkers.
    if "pandera" not in sys.modules or not returned:
        return {}
    return annotations_of_outputs(live_return(function), [output.name for output in returned])


def _collecting(named: Mapping[str, LiveArgument], bound: Sequence[str]) -> frozenset[str]:
    """Return the collecting arguments that are not bound by an input or param of the same name."""
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
    """Return the annotation of each value in the mapping of a collecting argument; for an input with variants, of each variant."""
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
    """Return whether an argument gets the path of its output: it is annotated `Path`, or has neither annotation nor default."""
    if argument is None:
        return False
    if argument.is_annotated:
        return type_of_annotation(argument.annotation) == "pathlib.Path"
    return not argument.has_default


def convert_params(params: Mapping[str, JSON], annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params converted to the annotations of their arguments.

    Raises:
        StepError: of kind `binding`, naming the param and the annotation.
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

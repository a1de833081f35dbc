"""How a callable is bound: which of its arguments get inputs, params and the places of outputs.

Takes a live function and a job, gives a `Binding`; takes what the function returned, gives a value for each
output. Refuses what `validate` refuses from source, since not every signature can be read there. The rules
are those of the language reference, "How a callable is bound".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.step.annotations import MISSING, LiveArgument, live_arguments
from pipespec.step.failure import StepError
from pipespec.step.formats.types import name_of, type_of_annotation
from pipespec.step.model import InputJob, OutputJob
from pipespec.step.params import MisfitError, Place, convert

__all__ = ["Binding", "bind", "convert_params", "returned_values"]

_WAITING: Final = ("generator", "coroutine", "async_generator")


@dataclass(frozen=True, slots=True)
class Binding:
    """What each argument gets. `annotations` has the evaluated ones of inputs and params, where there are any.

    `written` are outputs that the function writes itself, to the path that the argument of the output's name
    gets; `returned` are the others, in declared order.
    """

    annotations: Mapping[str, Any]
    written: tuple[OutputJob, ...]
    returned: tuple[OutputJob, ...]


def bind(
    function: Callable[..., Any],
    inputs: Sequence[InputJob],
    params: Mapping[str, JSON],
    outputs: Sequence[OutputJob],
) -> Binding:
    """Decide what each argument of `function` gets.

    Raises:
        StepError: of kind `binding`, for a name that no argument has and an argument that nothing binds.
    """
    bound = [*(job.argument for job in inputs), *params]
    arguments = live_arguments(function)
    if arguments is None:  # of C: whatever it is called with, it says itself
        return Binding({}, (), tuple(outputs))
    takes_any = any(argument.is_rest for argument in arguments.values())
    named = {name: argument for name, argument in arguments.items() if not argument.is_rest}
    for name in bound:
        if name not in named and not takes_any:
            raise StepError("binding", f"the function has no argument {quote(name)}{_nearest(name, named)}")
    written = tuple(
        output for output in outputs if output.name not in bound and _is_written(named.get(output.name))
    )
    given = {*bound, *(output.name for output in written)}
    missing = [name for name, argument in named.items() if name not in given and not argument.has_default]
    if missing:
        raise StepError("binding", f"nothing binds {listing(missing)}, which the function cannot do without")
    return Binding(
        {
            name: named[name].annotation
            for name in bound
            if name in named and named[name].annotation is not MISSING
        },
        written,
        tuple(output for output in outputs if output not in written),
    )


def _nearest(name: str, named: Mapping[str, LiveArgument]) -> str:
    if not named:
        return ", nor any other that has a name"
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
            name: convert(value, annotations[name], Place("param", name)) if name in annotations else value
            for name, value in params.items()
        }
    except MisfitError as error:
        raise StepError("binding", str(error)) from error.__cause__


def returned_values(value: object, outputs: Sequence[OutputJob]) -> Mapping[str, object]:
    """Return the value of each of these outputs, as a function's one return value holds them.

    Where no output is returned, whatever came back is left alone.

    Raises:
        StepError: of kind `outputs`, listing what is declared against what came.
    """
    if not outputs:
        return {}
    if type(value).__name__ in _WAITING:
        raise StepError(
            "outputs", f"the function returned a {type(value).__name__}, which has done nothing yet"
        )
    names = [output.name for output in outputs]
    values = {names[0]: value} if len(names) == 1 else _by_name(value, names)
    for name in names:
        if values[name] is None:
            raise StepError("outputs", f"output {quote(name)} came as None")
    return values


def _by_name(value: object, names: Sequence[str]) -> Mapping[str, object]:
    found = _parts(value)
    if found is None and isinstance(value, tuple):
        if len(value) == len(names):
            return dict(zip(names, value, strict=True))
        raise _mismatch(f"a tuple of {len(value)}", names)
    if found is None:
        raise _mismatch("None" if value is None else f"a value of type {quote(name_of(value))}", names)
    if set(found) != set(names):
        kind = name_of(value)
        raise _mismatch(
            f"a {quote(kind)} with {listing(map(str, found))}" if found else f"an empty {quote(kind)}", names
        )
    return found


def _parts(value: object) -> Mapping[Any, object] | None:
    """The parts of a value that have names."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    fields = getattr(value, "_fields", None)
    if isinstance(value, tuple) and isinstance(fields, tuple):
        return dict(zip(fields, value, strict=True))
    return None


def _mismatch(got: str, names: Sequence[str]) -> StepError:
    return StepError(
        "outputs", f"the outputs {listing(names)} are to be returned, and the function returned {got}"
    )

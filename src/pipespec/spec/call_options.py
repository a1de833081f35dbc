"""The arguments of a function as command-line options: `--depth 4`, `--examples titles.csv`.

Takes the signature of a function and, for a step, the values that the pipeline gives its arguments. Returns one option
for each argument that can be passed by name. The annotation decides whether an option is a value, or names a file whose
content is loaded. If the annotation does not decide it, a file that exists is loaded. Values are parsed as YAML, unless
the argument accepts text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.python.docstrings import described_arguments
from pipespec.python.signature import Annotation, Argument, ArgumentKind, CallableSource
from pipespec.spec.file_formats import known_type
from pipespec.spec.input_wording import input_text
from pipespec.spec.pipeline_spec import StepInput, StepSpec
from pipespec.spec.value_wording import shown

__all__ = ["CallOption", "CallOptionKind", "options_of_function", "options_of_step"]


class CallOptionKind(StrEnum):
    """The kinds of words after an option."""

    TEXT = "text"
    VALUE = "value"
    """Parsed as YAML."""
    FLAG = "flag"
    FILE = "file"
    FILE_OR_VALUE = "file or value"
    """The name of a file, if that file exists; otherwise parsed as YAML."""


_LOADED: Final = frozenset(
    {
        "bytes",
        "numpy.ndarray",
        "pandas.DataFrame",
        "pandas.Series",
        "polars.DataFrame",
        "polars.Series",
    }
)
_TEXT: Final = frozenset({"str", "pathlib.Path"})
_SCALARS: Final = frozenset({"int", "float", "complex", "typing.Literal", "None"})
_DATES: Final = frozenset({"datetime.date", "datetime.datetime", "datetime.time"})


@frozen
class CallOption:
    """`--NAME` for an argument. `default` is for display, and None if a value is required."""

    argument: str
    kind: CallOptionKind
    type_text: str
    default: str | None
    description: str

    @property
    def name(self) -> str:
        """The option without its dashes. For example, `learning_rate` becomes `learning-rate`."""
        return self.argument.replace("_", "-")


def options_of_function(source: CallableSource) -> tuple[CallOption, ...]:
    """Return the options of a function's own arguments, in their order."""
    said = described_arguments(source.docstring)
    return tuple(
        CallOption(
            argument.name,
            _kind(argument.annotation),
            "" if argument.annotation is None else argument.annotation.text,
            (argument.default_text or "") if argument.has_default else None,
            said.get(argument.name, ""),
        )
        for argument in _named(source.arguments)
    )


def options_of_step(step: StepSpec, source: CallableSource | None) -> tuple[CallOption, ...]:
    """Return the options of a step: its params, and its inputs, each of which a file can replace.

    The caller determines the paths of outputs. `source` is None if the function cannot be read.
    """
    said = described_arguments(None if source is None else source.docstring)
    known: Mapping[str, Argument] = {} if source is None else {one.name: one for one in source.arguments}
    inputs = [
        CallOption(
            name, CallOptionKind.FILE, _type_text(known, name), _origin(step, name), said.get(name, "")
        )
        for name in step.inputs
    ]
    values = step.param_values
    params = [
        CallOption(
            name,
            _kind_of_param(known.get(name)),
            _type_text(known, name),
            shown(values[name]),
            said.get(name, ""),
        )
        for name in step.params
    ]
    return (*inputs, *params)


def _named(arguments: Iterable[Argument]) -> Iterable[Argument]:
    return (one for one in arguments if one.kind is not ArgumentKind.POSITIONAL_ONLY)


def _type_text(known: Mapping[str, Argument], name: str) -> str:
    argument = known.get(name)
    return "" if argument is None or argument.annotation is None else argument.annotation.text


def _origin(step: StepSpec, name: str) -> str:
    match step.inputs[name].source:
        case StepInput() as source:
            return f"output of {source.producers[0]}" if len(source.producers) == 1 else "outputs of steps"
        case outside:
            return input_text(outside)


def _kind_of_param(argument: Argument | None) -> CallOptionKind:
    kind = CallOptionKind.VALUE if argument is None else _kind(argument.annotation)
    return kind if kind in (CallOptionKind.TEXT, CallOptionKind.FLAG) else CallOptionKind.VALUE


def _kind(annotation: Annotation | None) -> CallOptionKind:
    if annotation is None:
        return CallOptionKind.FILE_OR_VALUE
    names = {member.name for member in annotation.members} - {"None"}
    types = {known_type(name) or name for name in names}
    if names == {"bool"}:
        return CallOptionKind.FLAG
    if types & _LOADED:
        return CallOptionKind.FILE
    if types & _TEXT or types & _DATES:
        return CallOptionKind.TEXT
    return CallOptionKind.VALUE if types <= _SCALARS else CallOptionKind.FILE_OR_VALUE

"""What the source shows about a callable: its arguments, or why they are not known.

Only values; `signature_reader` creates them. A name in an annotation is dotted and resolved through the module's
imports: `pd.DataFrame` becomes `pandas.DataFrame`, `Optional[Path]` becomes a union of `pathlib.Path` and `None`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.value_limits import Limit

__all__ = [
    "UNION",
    "Annotation",
    "Argument",
    "ArgumentKind",
    "CallableProblem",
    "CallableSource",
    "DataclassDefinition",
    "Definition",
    "EnumDefinition",
    "EnumMember",
    "MethodKind",
    "RecordDefinition",
]

UNION = "typing.Union"
"""The name of an annotation that is a union, in any notation."""


class ArgumentKind(StrEnum):
    """How an argument can be passed. pipespec passes arguments by keyword, so a positional-only argument cannot be passed."""

    POSITIONAL_ONLY = "positional-only"
    PLAIN = "plain"
    KEYWORD_ONLY = "keyword-only"


class MethodKind(StrEnum):
    """The kind of `Class.method`; PLAIN for everything that is not a method."""

    PLAIN = "plain"
    STATIC = "static"
    CLASS = "class"


@frozen
class Annotation:
    """A type in an annotation.

    `name` is dotted: `pandas.DataFrame`, `list`, `None`, `typing.Literal`, `news.model.Mode` (possibly one of the
    `definitions`), `typing.Union` for `X | Y` and `Optional`; empty if the text is not a type that can be read.
    `Annotated`, `Final` and aliases of the project are resolved, and `typing.List` becomes `list`.
    """

    text: str
    """As written, on one line."""
    name: str
    args: tuple[Annotation, ...] = ()
    """The flattened members of a union, or what is in the brackets of a subscript."""
    literals: tuple[JSON, ...] = ()
    """The values of a `Literal`. If it also has members of Enums, `args` contains what is not read."""
    limits: tuple[Limit, ...] = ()
    """The limits in `Annotated`. Each member of a union has those of the whole union."""

    @property
    def members(self) -> tuple[Annotation, ...]:
        """The alternatives of a union, or the annotation itself."""
        return self.args if self.name == UNION else (self,)


@frozen
class Argument:
    """One argument of a callable, or one field of a dataclass.

    `default` is the value if it is a JSON value (`default_is_literal`), otherwise None. `default_text` is always as
    written.
    """

    name: str
    kind: ArgumentKind = ArgumentKind.PLAIN
    annotation: Annotation | None = None
    has_default: bool = False
    default: JSON = None
    default_is_literal: bool = False
    default_text: str | None = None


@frozen
class EnumMember:
    """A member of an Enum. `value` is None if `is_literal` is false."""

    name: str
    value: JSON = None
    is_literal: bool = True


@frozen
class EnumDefinition:
    """An Enum of the project, with `members` in order. If `is_plain`, its members are not also text or numbers."""

    name: str
    members: tuple[EnumMember, ...]
    is_plain: bool = False


@frozen
class DataclassDefinition:
    """A dataclass of the project. `fields` are the arguments that create one, in order, inherited ones first.

    `stored` are the fields that it has, including those that `__init__` sets; None if a base is not read.
    """

    name: str
    fields: tuple[Argument, ...]
    stored: tuple[Argument, ...] | None = None


@frozen
class RecordDefinition:
    """A TypedDict (`is_mapping`) or a named tuple of the project. `stored` are its fields, inherited ones first.

    For a field of a TypedDict, `has_default` says that it may be left out.
    """

    name: str
    stored: tuple[Argument, ...]
    is_mapping: bool


Definition: TypeAlias = EnumDefinition | DataclassDefinition | RecordDefinition


@frozen
class CallableSource:
    """A callable as its source defines it. `module` and `qualname` are where it is defined, after following all re-exports.

    `definitions` has the project's Enums, dataclasses and similar classes that the annotations name, by their dotted
    names. `is_certain` is false if something is between this signature and the caller (a decorator that cannot be
    analysed, a base class that cannot be read): then a name that is missing here is not a mistake yet, and `notes` say
    why.
    """

    module: str
    qualname: str
    path: Path
    line: int
    arguments: tuple[Argument, ...]
    has_kwargs: bool = False
    returns: Annotation | None = None
    returns_value: bool | None = None
    """Whether a `return` in its body has a value; None if the body is a stub, or not read."""
    docstring: str | None = None
    is_async: bool = False
    is_generator: bool = False
    is_class: bool = False
    is_decorated: bool = False
    """A decorator between it and its caller, which may change the values of its arguments."""
    is_stdlib: bool = False
    is_certain: bool = True
    notes: tuple[str, ...] = ()
    definitions: Mapping[str, Definition] = field(default_factory=dict)

    def argument(self, name: str) -> Argument | None:
        """Return the argument with this name that can be passed by keyword, or None."""
        for argument in self.arguments:
            if argument.name == name and argument.kind is not ArgumentKind.POSITIONAL_ONLY:
                return argument
        return None


@frozen
class CallableProblem:
    """Why a callable cannot be read.

    `message` is that of a whole diagnostic: lower case, no full stop, names quoted. `nearest` are names that were
    possibly meant, the likeliest first, spelled as in `call`. `path` and `line` are a place in the module, if there is
    one. `present` are the modules that exist where a missing one was searched. `hint` is the way out if it is not another name.
    """

    kind: ProblemKind
    message: str
    nearest: tuple[str, ...] = ()
    path: Path | None = None
    line: int | None = None
    is_stdlib: bool = False
    present: tuple[str, ...] = ()
    hint: str | None = None

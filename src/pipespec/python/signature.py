"""What the source of a callable says of it: its arguments, or why they cannot be told.

Values only; `source` makes them. A name in an annotation is dotted and resolved through the module's
imports: `pd.DataFrame` reads as `pandas.DataFrame`, `Optional[Path]` as a union of `pathlib.Path` and `None`.
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
"""The name of an annotation that is a union, however it was written."""


class ArgumentKind(StrEnum):
    """How an argument can be given; pipespec binds by keyword, so a positional-only one cannot be bound."""

    POSITIONAL_ONLY = "positional-only"
    PLAIN = "plain"
    KEYWORD_ONLY = "keyword-only"


class MethodKind(StrEnum):
    """What stands behind `Class.method`; PLAIN for all that is no method."""

    PLAIN = "plain"
    STATIC = "static"
    CLASS = "class"


@frozen
class Annotation:
    """A type as it was annotated.

    `name` is dotted: `pandas.DataFrame`, `list`, `None`, `typing.Literal`, `news.model.Mode` (then perhaps one
    of the `definitions`), `typing.Union` for `X | Y` and `Optional`; empty where the text is no type that can
    be read. `Annotated`, `Final` and aliases of the project are looked through, `typing.List` reads `list`.
    """

    text: str
    """As written, on one line."""
    name: str
    args: tuple[Annotation, ...] = ()
    """Of a union its flattened members, of a subscript what stands in the brackets."""
    literals: tuple[JSON, ...] = ()
    """The values of a `Literal`; of one that has members of Enums besides, `args` holds what is not read."""
    limits: tuple[Limit, ...] = ()
    """What `Annotated` says of its values; of a union each member has those of the whole."""

    @property
    def members(self) -> tuple[Annotation, ...]:
        """The alternatives of a union, or the annotation itself."""
        return self.args if self.name == UNION else (self,)


@frozen
class Argument:
    """One argument of a callable, or one field of a dataclass.

    `default` is the value where it is one of JSON (`default_is_literal`), else None; `default_text` is always
    as written.
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
    """`value` is None where `is_literal` is false."""

    name: str
    value: JSON = None
    is_literal: bool = True


@frozen
class EnumDefinition:
    """An Enum of the project; `members` in order. One that `is_plain` is no text or number besides."""

    name: str
    members: tuple[EnumMember, ...]
    is_plain: bool = False


@frozen
class DataclassDefinition:
    """A dataclass of the project; `fields` are the arguments that make one, in order, inherited ones first.

    `stored` are the fields that it holds, also those that `__init__` makes; None where a base is not read.
    """

    name: str
    fields: tuple[Argument, ...]
    stored: tuple[Argument, ...] | None = None


@frozen
class RecordDefinition:
    """A TypedDict (`is_mapping`) or a named tuple of the project; `stored` are its fields, inherited ones first.

    Of a TypedDict's field `has_default` says that it may be left out.
    """

    name: str
    stored: tuple[Argument, ...]
    is_mapping: bool


Definition: TypeAlias = EnumDefinition | DataclassDefinition | RecordDefinition


@frozen
class CallableSource:
    """A callable as its source defines it; `module` and `qualname` tell where that is, past all re-exports.

    `definitions` holds the project's Enums, dataclasses and the like that the annotations name, by their dotted names.
    `is_certain` is false where something stands between this signature and the caller (a decorator that
    cannot be judged, a base class that cannot be read): then a name that is missing here is no mistake yet,
    and `notes` say why.
    """

    module: str
    qualname: str
    path: Path
    line: int
    arguments: tuple[Argument, ...]
    has_kwargs: bool = False
    returns: Annotation | None = None
    returns_value: bool | None = None
    """Whether a `return` in its body has a value; None where the body is a stub, or not read."""
    docstring: str | None = None
    is_async: bool = False
    is_generator: bool = False
    is_class: bool = False
    is_decorated: bool = False
    """A decorator stands between it and its caller, which may make other values of its arguments."""
    is_stdlib: bool = False
    is_certain: bool = True
    notes: tuple[str, ...] = ()
    definitions: Mapping[str, Definition] = field(default_factory=dict)

    def argument(self, name: str) -> Argument | None:
        """Return the argument of this name that a keyword can bind, or None."""
        for argument in self.arguments:
            if argument.name == name and argument.kind is not ArgumentKind.POSITIONAL_ONLY:
                return argument
        return None


@frozen
class CallableProblem:
    """Why a callable cannot be told.

    `message` is a whole diagnostic's: lower case, no full stop, names quoted. `nearest` are names that were
    perhaps meant, the likeliest first, spelt as they would stand in `call`. `path` and `line` point into the
    module, where there is one. `present` are the modules that are where a missing one was looked for. `hint` is the way
    out where that is no other name.
    """

    kind: ProblemKind
    message: str
    nearest: tuple[str, ...] = ()
    path: Path | None = None
    line: int | None = None
    is_stdlib: bool = False
    present: tuple[str, ...] = ()
    hint: str | None = None

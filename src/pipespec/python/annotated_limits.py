"""Read limits of values from source: the metadata in `Annotated[...]` beside the type.

Takes the expressions and their module. Returns `Limit`s. A name counts only if it comes from a known library, so a
class `Gt` of the project means nothing. Computed metadata is ignored.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from pipespec.python.modules import Module, Modules
from pipespec.python.name_resolution import Located, chain_of, dotted_name, literal, locate
from pipespec.python.value_limits import LIMITS, Limit, limits_of

__all__ = ["LIMITED_TYPES", "read_limits"]

_POSITIONS: Final = {
    "annotated_types.Gt": ("gt",),
    "annotated_types.Ge": ("ge",),
    "annotated_types.Lt": ("lt",),
    "annotated_types.Le": ("le",),
    "annotated_types.MultipleOf": ("multiple_of",),
    "annotated_types.MinLen": ("min_length",),
    "annotated_types.MaxLen": ("max_length",),
    "annotated_types.Len": ("min_length", "max_length"),
    "annotated_types.Interval": (),
    "pydantic.Field": (),
    "msgspec.Meta": (),
}
"""Which functions create limits, and which of them their positional arguments are."""

LIMITED_TYPES: Final = {
    "pydantic.PositiveInt": ("int", Limit("gt", 0)),
    "pydantic.NonNegativeInt": ("int", Limit("ge", 0)),
    "pydantic.NegativeInt": ("int", Limit("lt", 0)),
    "pydantic.NonPositiveInt": ("int", Limit("le", 0)),
    "pydantic.PositiveFloat": ("float", Limit("gt", 0)),
    "pydantic.NonNegativeFloat": ("float", Limit("ge", 0)),
    "pydantic.NegativeFloat": ("float", Limit("lt", 0)),
    "pydantic.NonPositiveFloat": ("float", Limit("le", 0)),
}
"""Types of other libraries that are an `Annotated` of a built-in type."""


def read_limits(nodes: Iterable[ast.expr], module: Module, modules: Modules) -> tuple[Limit, ...]:
    """Return the limits that some metadata sets, in order."""
    return tuple(limit for node in nodes for limit in _limits(node, module, modules))


def _limits(node: ast.expr, module: Module, modules: Modules) -> Iterator[Limit]:
    if isinstance(node, ast.Name | ast.Attribute):  # for example `Positive = Gt(0)` above
        chain = chain_of(node)
        found = locate(modules, module, chain) if chain else None
        if isinstance(found, Located) and not found.rest:
            node, module = getattr(found.node, "value", node), found.module
    if not isinstance(node, ast.Call):
        return
    names = _POSITIONS.get(dotted_name(node, module, modules))
    if names is None or any(isinstance(argument, ast.Starred) for argument in node.args):
        return
    given = dict(zip(names, node.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg in LIMITS}
    values = {
        name: value for name, (known, value) in ((name, literal(one)) for name, one in given.items()) if known
    }
    yield from limits_of(values)

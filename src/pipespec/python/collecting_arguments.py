"""Arguments that collect everything that no other argument takes: `inputs`, `params` and `outputs`, each a mapping by name.

Takes the name of an argument, its annotation and whether it has a default. Returns whether it collects. The same rule
is used for source and for the live function.
"""

from __future__ import annotations

from typing import Final

from pipespec.python.signature import Argument, ArgumentKind

__all__ = ["INPUTS", "OUTPUTS", "PARAMS", "collects", "may_collect"]

INPUTS: Final = "inputs"
PARAMS: Final = "params"
OUTPUTS: Final = "outputs"

_MAPPINGS: Final = frozenset(
    {"dict", "builtins.dict", "collections.abc.Mapping", "typing.Mapping", "typing.Dict"}
)


def collects(name: str, type_name: str, *, has_default: bool) -> bool:
    """Return whether an argument collects, unless an input or param with its name is passed to it.

    An argument with a default never collects, because it already has a value.
    """
    return name in (INPUTS, PARAMS, OUTPUTS) and type_name in _MAPPINGS and not has_default


def may_collect(argument: Argument) -> bool:
    """Return the same for an argument that was read from source."""
    return (
        argument.annotation is not None
        and argument.kind is not ArgumentKind.POSITIONAL_ONLY
        and collects(argument.name, argument.annotation.name, has_default=argument.has_default)
    )

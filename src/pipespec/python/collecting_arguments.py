"""Arguments that take whatever no other argument takes: `inputs`, `params` and `outputs`, each a mapping by name.

Takes the name of an argument, what it is annotated with and whether it has a default; says whether it collects. Source and the live
function are judged by the same words.
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
    """Tell whether an argument collects, unless an input or param of its own name binds it.

    One with a default never does: it has a value already.
    """
    return name in (INPUTS, PARAMS, OUTPUTS) and type_name in _MAPPINGS and not has_default


def may_collect(argument: Argument) -> bool:
    """Tell the same of an argument that was read from source."""
    return (
        argument.annotation is not None
        and argument.kind is not ArgumentKind.POSITIONAL_ONLY
        and collects(argument.name, argument.annotation.name, has_default=argument.has_default)
    )

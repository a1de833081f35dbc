"""What may stand where in a document, as a tree of rules beside the tree of nodes.

Takes the path of a value, one key at a time; gives the `Rule` of that place: whether references may stand there,
and whether its keys are the user's own names. The table is the language's: "References stand in values of
params, matrix, mlflow, engine, notify, resources, paths of include, file, dir, files; never in keys, call, step
names or references to outputs, but for train[depth=${matrix.depth}].model".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["DOCUMENT", "INCLUDE", "IN_STEP", "SHARED", "Rule"]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What may stand at a place. `below` are the places of named keys; any other key or item is `others`.

    With `others` None the rule holds for everything below it.
    """

    references: bool = False
    """Names and resolvers."""
    step: bool = False
    """`${step.name}`."""
    matrix: bool = False
    """`${matrix.axis}`."""
    secret: bool = False
    """`${secret:NAME}`."""
    in_brackets: bool = False
    """References stand only within the `[ ]` of a reference to an output, and only to axes."""
    free: bool = False
    """Nothing is read here."""
    x_keys: bool = False
    """Keys below that begin with `x-` are free."""
    own_names: bool = False
    """Keys are names of the user's, but for those in `below`; else they are the language's."""
    below: Mapping[str, Rule] = field(default_factory=dict)
    others: Rule | None = None

    def at(self, key: str) -> Rule:
        """Return the rule of the place below `key`; items of a list are the place of the list."""
        found = self.below.get(key)
        if found is not None:
            return found
        if self.x_keys and key.startswith("x-"):
            return _FREE
        return self if self.others is None else self.others


_FREE: Final = Rule(free=True, own_names=True)
_NOWHERE: Final = Rule()
_OPTIONS: Final = Rule(own_names=True)
_VALUES: Final = Rule(references=True)
_NAMED_VALUES: Final = Rule(references=True, own_names=True)
SHARED: Final = Rule(references=True, secret=True, own_names=True)
"""Top-level params: what a reference can lead to."""
IN_STEP: Final = Rule(references=True, step=True, matrix=True, secret=True, own_names=True)
"""A step's params."""
INCLUDE: Final = _VALUES
"""The path of an included file, which `layers` resolves before all else."""

_PATH: Final = Rule(references=True, step=True, matrix=True)
_AMOUNTS: Final = Rule(references=True, step=True, matrix=True, own_names=True)
_OUTPUT_NAME: Final = Rule(references=True, matrix=True, in_brackets=True)
_INPUT: Final = Rule(
    references=True,
    matrix=True,
    in_brackets=True,
    below={"file": _PATH, "dir": _PATH, "files": _PATH, "from": _OUTPUT_NAME, "load": _OPTIONS},
    others=_NOWHERE,
)
_OUTPUT: Final = Rule(below={"save": _OPTIONS}, others=_NOWHERE)
_STEP: Final = Rule(
    x_keys=True,
    below={
        "checks": Rule(own_names=True, others=_NOWHERE),
        "inputs": Rule(own_names=True, others=_INPUT),
        "matrix": Rule(references=True, own_names=True, below={"include": _VALUES, "exclude": _VALUES}),
        "outputs": Rule(own_names=True, others=_OUTPUT),
        "params": IN_STEP,
        "resources": _AMOUNTS,
    },
    others=_NOWHERE,
)
DOCUMENT: Final = Rule(
    x_keys=True,
    below={
        "defaults": _STEP,
        "engine": Rule(references=True, below={"resources": _NAMED_VALUES}, others=_VALUES),
        "mlflow": Rule(
            references=True,
            below={"experiment": Rule(references=True, step=True), "tags": _NAMED_VALUES},
            others=_VALUES,
        ),
        "notify": Rule(references=True, secret=True),
        "params": SHARED,
        "steps": Rule(own_names=True, others=_STEP),
    },
    others=_NOWHERE,
)
"""The whole document."""

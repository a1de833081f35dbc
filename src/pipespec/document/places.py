"""Where references may stand in a document, as a tree of rules beside the tree of nodes.

Takes the path of a value, one key at a time; gives the `Rule` of that place. The table below is the language's:
"References stand in values of params, matrix, mlflow, engine, notify, resources, paths of include, file, dir,
files; never in keys, call, step names or references to outputs, but for train[depth=${matrix.depth}].model".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["DOCUMENT", "IN_STEP", "SHARED", "Rule"]


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


_FREE: Final = Rule(free=True)
_NOWHERE: Final = Rule()
SHARED: Final = Rule(references=True, secret=True)
"""Top-level params: what a step can refer to."""
IN_STEP: Final = Rule(references=True, step=True, matrix=True, secret=True)

_NOT_SECRET: Final = Rule(references=True)
_PATH: Final = Rule(references=True, step=True, matrix=True)
_OUTPUT: Final = Rule(references=True, matrix=True, in_brackets=True)
_INPUT: Final = Rule(
    references=True,
    matrix=True,
    in_brackets=True,
    below={"file": _PATH, "dir": _PATH, "files": _PATH, "from": _OUTPUT},
    others=_NOWHERE,
)
_INPUTS: Final = Rule(others=_INPUT)
_STEP: Final = Rule(
    below={"params": IN_STEP, "matrix": _NOT_SECRET, "resources": _PATH, "inputs": _INPUTS},
    others=_NOWHERE,
    x_keys=True,
)
_MLFLOW: Final = Rule(
    references=True,
    below={"experiment": Rule(references=True, step=True)},
    others=_NOT_SECRET,
)
DOCUMENT: Final = Rule(
    below={
        "params": SHARED,
        "mlflow": _MLFLOW,
        "engine": _NOT_SECRET,
        "notify": SHARED,
        "defaults": _STEP,
        "steps": Rule(others=_STEP),
    },
    others=_NOWHERE,
    x_keys=True,
)
"""The whole document; `include` is read before, by `layers`, and does not come here."""

"""Which places of a document may contain references: a tree of rules, parallel to the tree of nodes.

Takes the path of a value, one key at a time; returns the `PlaceRule` of that place: whether references are allowed, and
whether its keys are names that the user chose. The table follows the language: "References stand in values of
params, matrix, mlflow, engine, notify, resources, paths of include, file, dir, files, names of models; never in keys, call, step
names or references to outputs, but for train[depth=${matrix.depth}].model".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["DOCUMENT", "INCLUDE", "IN_STEP", "SHARED", "PlaceRule"]


@dataclass(frozen=True, slots=True, eq=False)
class PlaceRule:
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
    axis_in_brackets: bool = False
    """`${matrix.axis}`, but only within the `[ ]` of a reference to an output."""
    free: bool = False
    """Nothing is read here."""
    x_keys: bool = False
    """Keys below that begin with `x-` are free."""
    short_for: str | None = None
    """A text here is the short form of a mapping with this one key."""
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys of a mapping here of which one stands, each with the keys that stand beside it alone."""
    kinds_replace: bool = False
    """A mapping here takes the place of anything else, and is replaced by it, since both are whole values."""
    own_names: bool = False
    """Keys are names of the user's, but for those in `below`; else they are the language's."""
    below: Mapping[str, PlaceRule] = field(default_factory=dict)
    others: PlaceRule | None = None

    def at(self, key: str) -> PlaceRule:
        """Return the rule of the place below `key`; items of a list are the place of the list."""
        found = self.below.get(key)
        if found is not None:
            return found
        if self.x_keys and key.startswith("x-"):
            return _FREE
        return self if self.others is None else self.others


_FREE: Final = PlaceRule(free=True, own_names=True)
_NOWHERE: Final = PlaceRule()
_OPTIONS: Final = PlaceRule(kinds_replace=True, others=_NOWHERE)
"""Of a library: keys are its names, which need not stand below."""
_VALUES: Final = PlaceRule(references=True)
_NAMED_VALUES: Final = PlaceRule(references=True, own_names=True)
SHARED: Final = PlaceRule(references=True, secret=True, own_names=True)
"""Top-level params: what a reference can lead to."""
IN_STEP: Final = PlaceRule(references=True, step=True, matrix=True, secret=True, own_names=True)
"""A step's params."""
INCLUDE: Final = _VALUES
"""The path of an included file, which `layers.includes` resolves before all else."""

_PATH: Final = PlaceRule(references=True, step=True, matrix=True)
_AMOUNTS: Final = PlaceRule(references=True, step=True, matrix=True, own_names=True)
_OUTPUT_NAME: Final = PlaceRule(references=True, matrix=True, in_brackets=True)
_INPUT: Final = PlaceRule(
    references=True,
    matrix=True,
    in_brackets=True,
    short_for="from",
    one_of={
        "from": (),
        "file": ("schema",),
        "dir": (),
        "files": (),
        "pipeline": ("output", "run", "overlays"),
        "model": (),
    },
    below={
        "file": _PATH,
        "dir": _PATH,
        "files": _PATH,
        "model": _PATH,
        "from": _OUTPUT_NAME,
        "load": _OPTIONS,
    },
    others=_NOWHERE,
)
_REGISTER: Final = PlaceRule(references=True, step=True, short_for="name")
_OUTPUT: Final = PlaceRule(short_for="file", below={"save": _OPTIONS, "register": _REGISTER}, others=_NOWHERE)
_CLUSTER: Final = PlaceRule(references=True, kinds_replace=True, others=_VALUES)
"""An address, or a class with its own arguments."""
_STEP: Final = PlaceRule(
    x_keys=True,
    below={
        "checks": PlaceRule(own_names=True, others=_NOWHERE),
        "engine": _VALUES,
        "identity": PlaceRule(kinds_replace=True, others=_NOWHERE),
        "inputs": PlaceRule(own_names=True, others=_INPUT),
        "matrix": PlaceRule(
            references=True,
            axis_in_brackets=True,
            kinds_replace=True,
            own_names=True,
            below={"include": _VALUES, "exclude": _VALUES},
        ),
        "outputs": PlaceRule(own_names=True, others=_OUTPUT),
        "params": IN_STEP,
        "resources": _AMOUNTS,
    },
    others=_NOWHERE,
)
DOCUMENT: Final = PlaceRule(
    x_keys=True,
    below={
        "defaults": _STEP,
        "engine": PlaceRule(
            references=True,
            below={"cluster": _CLUSTER, "resources": _NAMED_VALUES},
            others=_VALUES,
        ),
        "mlflow": PlaceRule(
            references=True,
            kinds_replace=True,
            below={"experiment": PlaceRule(references=True, step=True), "tags": _NAMED_VALUES},
            others=_VALUES,
        ),
        "notify": PlaceRule(references=True, secret=True, below={"template": _NOWHERE}),
        "options": PlaceRule(own_names=True),
        "params": SHARED,
        "steps": PlaceRule(own_names=True, others=_STEP),
    },
    others=_NOWHERE,
)
"""The whole document."""

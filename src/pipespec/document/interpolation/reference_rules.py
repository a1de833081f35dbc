"""Which places of a document may contain references: a tree of rules, parallel to the tree of nodes.

Takes the path of a value, one key at a time. Returns the `PlaceRule` of that place: whether references are allowed, and
whether its keys are names that the user chose. References are allowed in values of params, matrix, mlflow, engine,
notify, resources, paths of include, file, dir, files, and names of models. They are never allowed in keys, call, step
names or references to outputs, except as in train[depth=${matrix.depth}].model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["DOCUMENT", "INCLUDE", "IN_STEP", "SHARED", "PlaceRule"]


@dataclass(frozen=True, slots=True, eq=False)
class PlaceRule:
    """What is allowed at a place. `below` are the places of named keys; any other key or item is `others`.

    If `others` is None, the rule applies to everything below it.
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
    """References are allowed only inside the `[ ]` of a reference to an output, and only to axes."""
    axis_in_brackets: bool = False
    """`${matrix.axis}`, but only inside the `[ ]` of a reference to an output."""
    free: bool = False
    """No references are resolved here."""
    x_keys: bool = False
    """Keys below this place that begin with `x-` are allowed."""
    short_for: str | None = None
    """A text here is the short form of a mapping with this one key."""
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Alternative keys of a mapping here, each with the keys that are allowed only beside it."""
    kinds_replace: bool = False
    """A mapping here replaces anything else and is replaced by it, because both are whole values."""
    own_names: bool = False
    """Keys are names of the user, except those in `below`; otherwise they are names of the language."""
    below: Mapping[str, PlaceRule] = field(default_factory=dict)
    others: PlaceRule | None = None

    def at(self, key: str) -> PlaceRule:
        """Return the rule of the place below `key`. Items of a list have the place of the list."""
        found = self.below.get(key)
        if found is not None:
            return found
        if self.x_keys and key.startswith("x-"):
            return _FREE
        return self if self.others is None else self.others


_FREE: Final = PlaceRule(free=True, own_names=True)
_NOWHERE: Final = PlaceRule()
_OPTIONS: Final = PlaceRule(kinds_replace=True, others=_NOWHERE)
"""For a library: keys are its names, which need not exist in a lower layer."""
_VALUES: Final = PlaceRule(references=True)
_NAMED_VALUES: Final = PlaceRule(references=True, own_names=True)
SHARED: Final = PlaceRule(references=True, secret=True, own_names=True)
"""Top-level params: what a reference can refer to."""
IN_STEP: Final = PlaceRule(references=True, step=True, matrix=True, secret=True, own_names=True)
"""A step's params."""
INCLUDE: Final = _VALUES
"""The path of an included file, which `layers.includes` resolves before everything else."""

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

"""What came of importing the callables of a step: values that `step.trial` makes, and checks judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipespec.spec.signature import CallableProblem, CallableSource

__all__ = ["Lack", "Verdict"]


@dataclass(frozen=True, slots=True)
class Lack:
    """An input or output (`what`) whose format cannot be used; `message` says why."""

    what: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of importing the callables of one step.

    `callables` holds each of them by its text: its live signature, or why there is none; one that does not tell its
    arguments (it is written in C) is not in it. `misfits` says of params, by their position in `asked_params`, why the
    function's argument refuses them.
    """

    callables: Mapping[str, CallableSource | CallableProblem] = field(default_factory=dict)
    misfits: Mapping[int, str] = field(default_factory=dict)
    lacks: tuple[Lack, ...] = ()

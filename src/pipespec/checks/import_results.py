"""The results of importing the callables of a step: created by `step.questions.import_trial`, used by checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pipespec.frozen_values import frozen
from pipespec.python.signature import CallableProblem, CallableSource

__all__ = ["ImportResult", "Lack"]


@frozen
class Lack:
    """An input or output (`what`) whose format cannot be used; `message` says why."""

    what: str
    name: str
    message: str


@frozen
class ImportResult:
    """What came of importing the callables of one step.

    `callables` holds each of them by its text: its live signature, or why there is none; one that does not tell its
    arguments (it is written in C) is not in it. `misfits` says of params, by their position in `asked_params`, why the
    function's argument refuses them.
    """

    callables: Mapping[str, CallableSource | CallableProblem] = field(default_factory=dict)
    misfits: Mapping[int, str] = field(default_factory=dict)
    lacks: tuple[Lack, ...] = ()

"""The results of importing the callables of a step: created by `step.questions.import_trial`, used by checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pipespec.frozen_values import frozen
from pipespec.python.signature import CallableProblem, CallableSource

__all__ = ["ImportResult", "Lack"]


@frozen
class Lack:
    """An input or output (`what`) with a format that cannot be used; `message` says why."""

    what: str
    name: str
    message: str


@frozen
class ImportResult:
    """The result of importing the callables of one step.

    `callables` has each of them by its text: its imported signature, or why there is none. A callable without a signature,
    for example one that is written in C, is missing. `misfits` says, by the position of a param in `asked_params`, why the
    function's argument refuses it.
    """

    callables: Mapping[str, CallableSource | CallableProblem] = field(default_factory=dict)
    misfits: Mapping[int, str] = field(default_factory=dict)
    lacks: tuple[Lack, ...] = ()

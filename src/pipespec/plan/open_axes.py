"""Matrices over outputs: which axes can be filled in now, and which values the text of an output contains.

Takes a plan and records of complete steps, and returns `OpenAxis` values. Takes the JSON of an output, and returns the
values of an axis, each once. For the step concerned only, refuses something that is not a list, a list that would
create too many variants, and values that a key cannot contain.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import NoReturn

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError, UsageError
from pipespec.frozen_values import frozen
from pipespec.plan.plan import Action, Plan
from pipespec.plan.records import StepRecord
from pipespec.plan.step_key import canonical
from pipespec.plan.step_selection import split_id
from pipespec.spec.pipeline_spec import DeferredAxis
from pipespec.spec.steps.matrix import MOST_VARIANTS

__all__ = ["AxisError", "OpenAxis", "axis_values", "open_axes", "reused_records"]


class AxisError(PipespecError):
    """The matrix of one step (`step`, its id) cannot be created from the recorded values. Other steps are not affected."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step

    def __reduce__(self) -> tuple[type[AxisError], tuple[str, str]]:
        return type(self), (self.step, str(self))


@frozen
class OpenAxis:
    """An axis whose values can be read now: they are an output of the run `record`."""

    step: str
    """The id of the step that has the axis."""
    axis: DeferredAxis
    record: StepRecord

    def __str__(self) -> str:
        source = self.axis.source
        part = f"/{source.part}" if source.part else ""
        return (
            f"axis '{self.axis.name}' of step '{split_id(self.step)[0]}' takes its values from"
            f" '{source.producers[0]}.{source.output}{part}' (run {self.record.run_id})"
        )

    def refused(self, why: str) -> AxisError:
        """Return the error that says why these values cannot be used."""
        return AxisError(self.step, f"{self}, {why}")


def open_axes(
    plan: Plan, records: Mapping[str, StepRecord], *, without: Collection[str] = ()
) -> Iterator[OpenAxis]:
    """Yield the axes whose producer has a record, in plan order, except those of the steps `without`."""
    for step_id, decision in plan.decisions.items():
        if step_id in without:
            continue
        for axis in decision.step.deferred:
            producer = axis.source.producers[0]
            if producer in records and not axis.waits_for_axis:
                yield OpenAxis(step_id, axis, records[producer])


def reused_records(plan: Plan) -> Mapping[str, StepRecord]:
    """Return the records of the steps of a plan that do not have to run and meet their bounds."""
    return {
        step_id: decision.record
        for step_id, decision in plan.decisions.items()
        if decision.action is Action.REUSE and decision.record is not None and not decision.check_failures
    }


def axis_values(axis: OpenAxis, text: str | bytes) -> tuple[JSON, ...]:
    """Return the distinct values in the JSON of an output, in its order. `1` and `1.0` are different.

    Raises:
        AxisError: if it is not a list of up to `MOST_VARIANTS` values that a key can contain.
    """
    try:
        values = json.loads(text, parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        raise axis.refused(f"which is not valid JSON: {error}") from None
    if not isinstance(values, list):
        raise axis.refused(f"which is {_kind(values)}, not a list")
    try:
        distinct = {canonical(value): value for value in values}
    except UsageError as error:
        raise axis.refused(f"of which one {str(error).removeprefix('value ')}") from None
    if len(distinct) > MOST_VARIANTS:
        raise axis.refused(
            f"which has {len(distinct):,} distinct values; a pipeline may have at most {MOST_VARIANTS:,} variants"
        )
    return tuple(distinct.values())


def _not_a_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _kind(value: JSON) -> str:
    match value:
        case dict():
            return "a mapping"
        case str():
            return "a text"
        case None:
            return "null"
        case bool():
            return "a boolean"
        case _:
            return "a number"

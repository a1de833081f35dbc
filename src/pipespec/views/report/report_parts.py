"""What the report of an invocation shows, as plain values: gathered at the edge, rendered by `page`.

Times are POSIX seconds where they say when, else seconds. Texts are as they were found; `with_texts` changes them all
in one place, so that nothing is forgotten when secrets are taken out, or what a page would not show is spelt out.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import field, fields, is_dataclass, replace
from itertools import chain
from typing import Any, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.results import Execution, SweepPoint

__all__ = [
    "Cause",
    "Metric",
    "OutputPart",
    "PastValue",
    "PicturePreview",
    "Preview",
    "Report",
    "RunEnvironment",
    "StepPart",
    "Table",
    "TextPreview",
    "with_texts",
]


@frozen
class Cause:
    """One reason for what became of a step; `diff` is the unified diff of code that changed."""

    text: str
    diff: str = ""


@frozen
class StepPart:
    """What is told of one step; `state` is one of `StepState`.

    `seconds` of a reused step are those that were saved. `log` has the last lines of a failed one's log, `log_file` says
    where all of it is.
    """

    step: str
    state: str
    description: str = ""
    call: str = ""
    seconds: float | None = None
    run_id: str | None = None
    url: str = ""
    """Of its run on a tracking server."""
    causes: tuple[Cause, ...] = ()
    error: str = ""
    traceback: str = ""
    log: str = ""
    log_file: str = ""
    advice: str = ""
    executions: tuple[Execution, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    """Each value as text."""


@frozen
class PastValue:
    """A metric of a past run, and when that ended."""

    value: float
    ended: float
    run_id: str


@frozen
class Metric:
    """A metric of a step, with the same step's past values, the oldest first, and the bounds that are set on it."""

    step: str
    name: str
    value: float
    past: tuple[PastValue, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def is_bounded(self) -> bool:
        """True where a bound is set on it."""
        return self.minimum is not None or self.maximum is not None

    @property
    def misses(self) -> bool:
        """True where a bound is not kept; a value that is no number keeps none."""
        low = self.minimum is not None and not self.value >= self.minimum
        return low or (self.maximum is not None and not self.value <= self.maximum)


@frozen
class PicturePreview:
    """A picture as its file is; `media` is its type, as `image/png`."""

    media: str
    content: bytes


@frozen
class Table:
    """The first rows of a table; `more` says what of it is left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""


@frozen
class TextPreview:
    """The beginning of a text; `more` says what is left out."""

    text: str
    more: str = ""


Preview: TypeAlias = PicturePreview | Table | TextPreview


@frozen
class OutputPart:
    """An output of a complete step. Without a preview `note` says why there is none."""

    step: str
    state: str
    name: str
    file: str
    bytes: int
    files: int
    digest: str
    preview: Preview | None = None
    note: str = ""


@frozen
class RunEnvironment:
    """What the run ran in: `facts` by what they are called, `layers` the lowest first, packages with versions."""

    facts: Mapping[str, str]
    layers: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    patch: str = ""


@frozen
class Report:
    """One invocation. `left_out` says in sentences what the bounds of a report kept out of it."""

    pipeline: str
    description: str
    command: str
    ended: float
    seconds: float
    workers: int
    steps: tuple[StepPart, ...]
    environment: RunEnvironment
    invocation: str | None = None
    interrupted_by: str = ""
    metrics: tuple[Metric, ...] = ()
    outputs: tuple[OutputPart, ...] = ()
    points: tuple[SweepPoint, ...] = ()
    left_out: tuple[str, ...] = ()
    graph: JSON = None
    """Of the shape of `schemas/graph.schema.json`, with the states of this run."""


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with every text in it changed, in dataclasses, tuples and mappings too; keys included.

    A part in which no text changes is returned as it is: most of a report, which may be long.
    """
    made: Any
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            made = change(value)
            return value if made == value else made
        case tuple() | list():
            made = [with_texts(item, change) for item in value]
            return value if all(map(operator.is_, made, value)) else type(value)(made)
        case _ if is_dataclass(value) and not isinstance(value, type):
            found = [(each.name, getattr(value, each.name)) for each in fields(value)]
            made = [(name, old, with_texts(old, change)) for name, old in found]
            changed = {name: new for name, old, new in made if new is not old}
            return replace(value, **changed) if changed else value
        case Mapping():
            pairs = [(with_texts(key, change), with_texts(item, change)) for key, item in value.items()]
            flat = chain.from_iterable
            return value if all(map(operator.is_, flat(pairs), flat(value.items()))) else dict(pairs)
        case _:
            return value

"""What the report of an invocation shows, as plain values: gathered at the edge, rendered by `page`.

Times are POSIX seconds where they say when, else seconds. Texts are as they were found; `with_texts` changes them all
in one place, so that nothing is forgotten when secrets are taken out, or what a page would not show is spelt out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.plan.model import Execution
from pipespec.views.sweep import SweepPoint

__all__ = [
    "Cause",
    "Metric",
    "OutputPart",
    "PastValue",
    "Picture",
    "Preview",
    "Report",
    "StepPart",
    "Surroundings",
    "Table",
    "Text",
    "with_texts",
]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for what became of a step; `diff` is the unified diff of code that changed."""

    text: str
    diff: str = ""


@dataclass(frozen=True, slots=True)
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
    executions: tuple[Execution, ...] = ()


@dataclass(frozen=True, slots=True)
class PastValue:
    """A metric of a past run, and when that ended."""

    value: float
    ended: float
    run_id: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of a step, with the same step's past values, the oldest first, and the bounds that are set on it."""

    step: str
    name: str
    value: float
    past: tuple[PastValue, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def misses(self) -> bool:
        """True where a bound is not kept; a value that is no number keeps none."""
        low = self.minimum is not None and not self.value >= self.minimum
        return low or (self.maximum is not None and not self.value <= self.maximum)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as its file is; `media` is its type, as `image/png`."""

    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a table; `more` says what of it is left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """The beginning of a text; `more` says what is left out."""

    text: str
    more: str = ""


Preview: TypeAlias = Picture | Table | Text


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the run ran in: `facts` by what they are called, `layers` the lowest first, packages with versions."""

    facts: Mapping[str, str]
    layers: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    patch: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One invocation. `left_out` says in sentences what the bounds of a report kept out of it."""

    pipeline: str
    description: str
    command: str
    ended: float
    seconds: float
    workers: int
    steps: tuple[StepPart, ...]
    surroundings: Surroundings
    invocation: str | None = None
    interrupted_by: str = ""
    metrics: tuple[Metric, ...] = ()
    outputs: tuple[OutputPart, ...] = ()
    points: tuple[SweepPoint, ...] = ()
    left_out: tuple[str, ...] = ()
    graph: JSON = None
    """Of the shape of `schemas/graph.schema.json`, with the states of this run."""


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with every text in it changed, in dataclasses, tuples and mappings too; keys included."""
    match value:
        case str():
            return change(value)
        case tuple():
            return tuple(with_texts(item, change) for item in value)
        case list():
            return [with_texts(item, change) for item in value]
        case Mapping():
            return {with_texts(key, change): with_texts(item, change) for key, item in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            changed = {each.name: with_texts(getattr(value, each.name), change) for each in fields(value)}
            return replace(value, **changed)
        case _:
            return value

"""What the report of an invocation shows, as plain values: collected by `operations.reporting`, rendered by `report_page`.

Times are POSIX seconds if they are moments, otherwise seconds. Texts are as they were found. `with_texts` changes all
of them in one place, so that none is missed when secrets are removed, or characters that a page would not show are
escaped.
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
    """One reason for the state of a step. `diff` is the unified diff of code that changed."""

    text: str
    diff: str = ""


@frozen
class StepPart:
    """What is shown of one step. `state` is one of `StepState`.

    For a reused step, `seconds` are those that were saved. For a failed step, `log` has the last lines of its log, and
    `log_file` says where the whole log is.
    """

    step: str
    state: str
    description: str = ""
    call: str = ""
    seconds: float | None = None
    run_id: str | None = None
    url: str = ""
    """The page of its run on a tracking server."""
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
    """A metric of a past run, and when that run ended."""

    value: float
    ended: float
    run_id: str


@frozen
class Metric:
    """A metric of a step, with the past values of the same step, the oldest first, and its bounds."""

    step: str
    name: str
    value: float
    past: tuple[PastValue, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def is_bounded(self) -> bool:
        """True if it has a bound."""
        return self.minimum is not None or self.maximum is not None

    @property
    def misses(self) -> bool:
        """True if a bound is missed. A value that is not a number misses every bound."""
        low = self.minimum is not None and not self.value >= self.minimum
        return low or (self.maximum is not None and not self.value <= self.maximum)


@frozen
class PicturePreview:
    """The bytes of a picture file. `media` is its type, for example `image/png`."""

    media: str
    content: bytes


@frozen
class Table:
    """The first rows of a table. `more` says what is left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""


@frozen
class TextPreview:
    """The beginning of a text. `more` says what is left out."""

    text: str
    more: str = ""


Preview: TypeAlias = PicturePreview | Table | TextPreview


@frozen
class OutputPart:
    """An output of a complete step. Without a preview, `note` says why there is none."""

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
    """The environment of the run: `facts` by their names, `layers` the lowest first, packages with versions."""

    facts: Mapping[str, str]
    layers: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    patch: str = ""


@frozen
class Report:
    """One invocation. `left_out` says in sentences what was left out because of the limits of a report."""

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
    """The structure of `schemas/graph.schema.json`, with the states of this run."""


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with every text in it changed, also in dataclasses, tuples and mappings, including keys.

    A part in which no text changes is returned unchanged. This is most of a report, which may be long.
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

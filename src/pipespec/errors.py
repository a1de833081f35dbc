"""What can go wrong, as values: places, findings and the exception tree; and how messages count things.

A leaf module: it imports nothing of the package except how values are shown.

    PipespecError                    exit 1
    ├── StepFailedError              exit 1   a run from Python did not succeed
    ├── UsageError                   exit 2   the command or call asks for something that does not exist
    │   └── MissingPackageError      exit 2   it needs a package that is not installed
    ├── InvalidPipelineError         exit 2   the pipeline has mistakes (`validate` exits with 1: they are its result)
    └── StoreUnavailableError        exit 3   the tracking store or scheduler cannot be reached
        └── ClusterUnavailableError  exit 3   a cluster that executes steps cannot be reached
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, NamedTuple

from pipespec.display import view_of
from pipespec.frozen_values import frozen

__all__ = [
    "ClusterUnavailableError",
    "Diagnostic",
    "InvalidPipelineError",
    "MissingPackageError",
    "PipespecError",
    "Severity",
    "Span",
    "StepFailedError",
    "StoreUnavailableError",
    "UsageError",
    "counted",
]


class Span(NamedTuple):
    """A part of a text, and the layer of the document to which it belongs.

    Lines and columns count from 1, columns in characters; the end is exclusive. `file` is spelled as the user wrote it;
    for `--set` it is the option itself. `layer` is one of `include`, `file`, `overlay`, `set`.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    layer: str = "file"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How serious a finding is: an error stops everything, advice stops nothing."""

    ERROR = "error"
    ADVICE = "advice"


@frozen
class Diagnostic:
    """One finding about a pipeline: what is wrong, where, and how to correct it.

    `code` is in kebab-case and never changes; the documentation explains each code. `message` is in lower case, without
    a full stop, and quotes names as the user spelled them. `hint` says what to do.
    """

    code: str
    message: str
    span: Span
    hint: str | None = None
    severity: Severity = Severity.ERROR


class PipespecError(Exception):
    """The base of all errors that pipespec raises on purpose. Its text is one line for the user, and all that a notebook shows."""

    exit_code: ClassVar[int] = 1

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback, whose frames would all belong to pipespec: only the message."""
        return f"{type(self).__name__}: {self}".split("\n")


class UsageError(PipespecError):
    """A step, run, file or option was requested that does not exist or is not valid."""

    exit_code = 2


class MissingPackageError(UsageError):
    """The request needs a package that is not installed. The text says how to install it."""


class InvalidPipelineError(PipespecError):
    """The pipeline has mistakes. `diagnostics` contains all of them, sorted by place.

    `sources` maps each file named in a span to its text, so that a view can show the line.
    """

    exit_code = 2

    def __init__(self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda found: (found.span, found.code)))
        self.sources = dict(sources)
        count = len(self.diagnostics)
        super().__init__(f"{counted(count, 'mistake')}, the first: {self.diagnostics[0].message}")

    def __str__(self) -> str:
        """Return all mistakes as text, formatted as on the command line if the views are available."""
        view = view_of(type(self))
        if view is not None:
            return view.text(self)
        return "\n".join(f"{found.span}: {found.message}" for found in self.diagnostics)

    def _render_traceback_(self) -> list[str]:
        """Return the mistakes. Each contains its kind itself."""
        return str(self).split("\n")

    def __reduce__(self) -> tuple[type[InvalidPipelineError], tuple[object, ...]]:
        return type(self), (self.diagnostics, self.sources)


class StepFailedError(PipespecError):
    """A run did not succeed. The text has each failure with its traceback. `report` is the `RunReport` of the run."""

    def __init__(self, text: str, report: object = None) -> None:
        super().__init__(text)
        self.report = report


class TakenOverError(PipespecError):
    """Another process counted a run as dead and computes its key: its result counts no more."""


class AlteredContentError(PipespecError):
    """Something recorded of a run does not exist any more, or is not what the run recorded."""


class StoreUnavailableError(PipespecError):
    """The tracking store or the scheduler cannot be reached, so nothing can be decided."""

    exit_code = 3


class ClusterUnavailableError(StoreUnavailableError):
    """A cluster that executes steps cannot be reached, or not any more."""


def counted(count: int, thing: str, several: str | None = None) -> str:
    """Say how many there are of a thing: `1 byte`, `2 bytes`, `2 entries` where `several` says so."""
    return f"{count:,} {thing if count == 1 else several or f'{thing}s'}"

"""A compiled pipeline as planning, running and reporting use it: one pipeline, or that of all points of a sweep.

No caller has to know which of the two it is. What only a sweep has (points, tags) is empty for a single pipeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipespec.frozen_values import frozen

if TYPE_CHECKING:  # importing these takes longer than reading a memo
    from pipespec.document.nodes import JSON, MappingNode
    from pipespec.project.disk_modules import DiskModules
    from pipespec.project.source_stamps import SourcesRead
    from pipespec.spec.merge_points import Coordinates
    from pipespec.spec.pipeline_spec import PipelineSpec
    from pipespec.step.secrets import Redactor

__all__ = ["CompileOptions", "PipelineSource", "PointSteps"]


class CompileOptions(NamedTuple):
    """The options of a compilation: overlays and overrides as the user wrote them, and whether the file is trusted."""

    overlays: tuple[str, ...]
    overrides: tuple[str, ...]
    trusted: bool


class PipelineSource(Protocol):
    """A compiled pipeline, or the compiled pipelines of a sweep as one."""

    @property
    def name(self) -> str:
        """The file as the user wrote it."""

    @property
    def pipeline(self) -> PipelineSpec:
        """The pipeline of all points, as far as it is known.

        Raises:
            InvalidPipelineError: if it has mistakes.
        """

    @property
    def document(self) -> MappingNode:
        """The resolved document as it is displayed and recorded; for a sweep, that of its first point."""

    @property
    def modules(self) -> DiskModules:
        """The project's code, as far as it was read."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The files and options that make up the document, the lowest first."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of the invocation's run."""

    @property
    def options(self) -> CompileOptions:
        """The layers over the file, and whether it is trusted."""

    def sources_read(self) -> SourcesRead | None:
        """Return everything that determined the result; None if that was more than files, code and environment."""

    def contents_read(self) -> Mapping[str, bytes | None]:
        """Return the content of pipeline files and code that was read so far, by path; None if a file could not be read."""

    def files(self) -> Mapping[str, str]:
        """Return what is stored of the pipeline with the invocation's run: name -> text."""

    def redactor(self) -> Redactor:
        """Return a redactor that removes the secrets of all points, with their present values, from texts."""

    def points(self) -> Iterable[PointSteps]:
        """Return the points of a sweep with the steps of each."""

    def reread(self) -> PipelineSource:
        """Return the source as its files, the project's code, environment and git define it now.

        Raises:
            InvalidPipelineError: if it has mistakes now.
        """

    def filled(self, step: str, values: Mapping[str, Sequence[JSON]]) -> PipelineSource:
        """Return the source with values instead of some references of the matrix of one step, by its id.

        Raises:
            InvalidPipelineError: if the pipeline with these values has mistakes.
        """


@frozen
class PointSteps:
    """One point, by the ids of its steps in the merged pipeline. `last` maps ids at the point to those ids, for its last steps."""

    at: Coordinates
    steps: tuple[str, ...]
    last: Mapping[str, str]

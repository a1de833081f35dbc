"""What was compiled, as all that plans, runs and reports sees it: one pipeline, or that of all points of a sweep.

Nobody asks which of the two it is. What only a sweep has (points, tags) is empty where one pipeline was compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipespec.frozen_values import frozen

if TYPE_CHECKING:  # these take longer to import than a memo to be read
    from pipespec.document.nodes import JSON, MappingNode
    from pipespec.project.disk_modules import DiskModules
    from pipespec.project.source_stamps import SourcesRead
    from pipespec.spec.merge_points import Coordinates
    from pipespec.spec.pipeline_spec import PipelineSpec
    from pipespec.step.secrets import Redactor

__all__ = ["CompileOptions", "PipelineSource", "PointSteps"]


class CompileOptions(NamedTuple):
    """With what a file is compiled: overlays and overrides as the user wrote them, and whether it is trusted."""

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
        """The pipeline as far as it is known, of all points.

        Raises:
            InvalidPipelineError: where it has mistakes.
        """

    @property
    def document(self) -> MappingNode:
        """The resolved document as it is shown and recorded: of a sweep, that of its first point."""

    @property
    def modules(self) -> DiskModules:
        """The project's code, as far as it was read."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The files and options that make up the document, the lowest first."""

    @property
    def tags(self) -> Mapping[str, str]:
        """What the invocation's run is marked with."""

    @property
    def options(self) -> CompileOptions:
        """What was laid over the file, and whether it is trusted."""

    def sources_read(self) -> SourcesRead | None:
        """Return all that decided what was compiled; None where that was more than files, code and environment."""

    def contents_read(self) -> Mapping[str, bytes | None]:
        """Return what was read of pipeline files and code so far, by path; None is what could not be read."""

    def files(self) -> Mapping[str, str]:
        """Return what the invocation's run keeps of the pipeline: name -> text."""

    def redactor(self) -> Redactor:
        """Return what takes the secrets, of all points and as the environment has them now, out of texts."""

    def points(self) -> Iterable[PointSteps]:
        """Return the points of a sweep with the steps of each."""

    def reread(self) -> PipelineSource:
        """Return the source as its files, the project's code, environment and git have it now.

        Raises:
            InvalidPipelineError: where it has mistakes now.
        """

    def filled(self, step: str, values: Mapping[str, Sequence[JSON]]) -> PipelineSource:
        """Return the source with values in place of some references of the matrix of one step, by its id.

        Raises:
            InvalidPipelineError: where the pipeline with these values has mistakes.
        """


@frozen
class PointSteps:
    """One point, by the ids of its steps in the whole; `last` maps ids at the point to those, of its last steps."""

    at: Coordinates
    steps: tuple[str, ...]
    last: Mapping[str, str]

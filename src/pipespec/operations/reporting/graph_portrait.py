"""What a picture shows of a pipeline: where its functions are in the source and, if requested, the states of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipespec.operations.compiling.compile_file import read_signatures
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.inspecting.step_states import states
from pipespec.python.signature import CallableSource
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.tracking.tracking_uri import shown
from pipespec.views.graph.portrait import Portrait

if TYPE_CHECKING:
    from pipespec.operations.planning.pipeline_session import PipelineSession

__all__ = ["portrait", "portrait_with_states"]


def portrait(source: PipelineSource) -> Portrait:
    """Return what the files of a project show. Nothing is imported or queried."""
    return Portrait(source.pipeline, _places(source.pipeline, source))


def portrait_with_states(session: PipelineSession) -> Portrait:
    """Also return the states of the steps. Matrices that outputs of complete steps fill are then known.

    Raises:
        StoreUnavailableError: if the store cannot be read.
    """
    plan = session.plan()
    found = {each.step: each for each in states(plan, session.ledger)}
    return Portrait(
        plan.pipeline, _places(plan.pipeline, session.source), found, shown(session.ledger.tracking_uri)
    )


def _places(spec: PipelineSpec, source: PipelineSource) -> dict[str, str]:
    """Return the file, relative to the project root, and the line of each function that can be read."""
    found = read_signatures(spec, source.modules)
    return {
        text: f"{each.path.relative_to(spec.root) if each.path.is_relative_to(spec.root) else each.path.name}:{each.line}"
        for text, each in found.items()
        if isinstance(each, CallableSource)
    }

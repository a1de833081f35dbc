"""Before a run plans: publish results that an earlier run could not publish, so that the plan counts them.

Takes a pipeline and its open ledger. If there are no such results, nothing is opened, imported or written.
"""

from __future__ import annotations

import contextlib

from pipespec.errors import StoreUnavailableError
from pipespec.operations.planning.open_store import write_store
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.state_folder import StateFolder
from pipespec.tracking.reading.ledger import Ledger

__all__ = ["publish_unpublished"]


def publish_unpublished(spec: PipelineSpec, ledger: Ledger) -> tuple[str, ...]:
    """Publish the results that are kept for the pipeline's store. Return the steps whose results count now."""
    state = StateFolder.of(spec.root)
    folder = state.unpublished
    if not folder.is_dir() or not any(folder.iterdir()):
        return ()
    from pipespec.engine.result_publication import publish_kept  # noqa: PLC0415 - few runs need it

    with contextlib.suppress(StoreUnavailableError), write_store(spec) as recorder:
        return publish_kept(folder, ledger, recorder, state.downloads)
    return ()

"""If there is nothing to do: end runs that are still RUNNING because their invocation was killed here after its last step.

Takes a compiled pipeline and its open ledger. A folder in `.pipespec/staging` whose process is dead shows that there
may be such runs. Without one, nothing is read, imported or written. A run that executes a step ends them anyway.
"""

from __future__ import annotations

import contextlib

from pipespec.errors import StoreUnavailableError
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.planning.open_store import write_store
from pipespec.state_folder import StateFolder
from pipespec.tracking.reading.ledger import Ledger

__all__ = ["settle_left_runs"]


def settle_left_runs(source: PipelineSource, ledger: Ledger) -> None:
    """End what dead processes of this computer left, for all pipelines in the store. If that fails, the next run tries again."""
    spec = source.pipeline
    state = StateFolder.of(spec.root)
    if not any(state.staging.glob("*.lock")):
        return
    from pipespec.engine.left_runs import settle  # noqa: PLC0415 - few runs need it
    from pipespec.engine.staging import Staging, dead_folders  # noqa: PLC0415 - as above

    if not dead_folders(state.staging):
        return
    with contextlib.suppress(StoreUnavailableError, OSError):
        left = ledger.running()
        if left:
            with write_store(spec) as recorder:
                settle(left, ledger, recorder, state, source.redactor())
        with Staging(state.staging):
            pass  # ending the runs removes the folders

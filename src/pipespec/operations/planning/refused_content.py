"""Recorded content that a reader outside of a run found gone or altered: it is noted, so that the next plan does not count it.

Takes the record that was read; lets every error pass, that of altered content with the command that makes it anew. Nothing
is noted where the run's manifest is gone as well: then a whole store may have been moved.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pipespec.errors import AlteredContentError, PipespecError
from pipespec.operations.planning.open_store import write_store
from pipespec.plan.records import StepRecord
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.tracking.reading.ledger import Ledger

__all__ = ["noting_refusal"]


@contextlib.contextmanager
def noting_refusal(
    spec: PipelineSpec, ledger: Ledger, record: StepRecord, *, remedy: str | None
) -> Iterator[None]:
    """Note on a record that its content was refused meanwhile.

    Raises:
        AlteredContentError: with `remedy`, the command that makes it anew, where there is one.
    """
    try:
        yield
    except AlteredContentError as error:
        # Who may only read still gets the answer; `--verify` finds it out once more.
        with contextlib.suppress(PipespecError, OSError):
            ledger.manifest(record)
            with write_store(spec) as recorder:
                recorder.mark_damaged(record.run_id, "content gone or altered, found by 'get'")
        raise AlteredContentError(
            f"{error}; make it again with: {remedy}" if remedy else str(error)
        ) from None

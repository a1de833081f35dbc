"""Recorded content that a reader outside of a run found to be missing or altered.

It is recorded, so that the next plan does not count it.

Takes the record that was read. All errors are passed on; an error about altered content includes the command that
produces it again. Nothing is recorded if the run's manifest is also missing, because then a whole store may have been
moved.
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
    """Record that the content of a record was refused in this context.

    Raises:
        AlteredContentError: with `remedy`, the command that produces it again, if there is one.
    """
    try:
        yield
    except AlteredContentError as error:
        # A user with read access only still gets the error; `--verify` detects it again later.
        with contextlib.suppress(PipespecError, OSError):
            ledger.manifest(record)
            with write_store(spec) as recorder:
                recorder.mark_damaged(record.run_id, "content gone or altered, found by 'get'")
        raise AlteredContentError(
            f"{error}; make it again with: {remedy}" if remedy else str(error)
        ) from None

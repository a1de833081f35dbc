"""Compare two pipelines, and read what the store contains about the second: which results exist, and how long the rest may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipespec.engine.final_metrics import final_metrics
from pipespec.errors import UsageError
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.inspecting.compare_versions import compare
from pipespec.operations.inspecting.past_runs import with_history
from pipespec.operations.planning.pipeline_session import open_session
from pipespec.plan.forecast import forecast
from pipespec.plan.pipeline_diff import Difference, actions_of

__all__ = ["compare_with_records"]


def compare_with_records(
    old: str, new: str | None = None, *, overlays: Sequence[str] = (), overrides: Sequence[str] = ()
) -> Difference:
    """Compare two pipelines, of which the second must be a file.

    Raises the same errors as `compare`, and one if it is not a file.
    """
    second: list[PipelineSource] = []
    found = compare(old, new, overlays=overlays, overrides=overrides, trusted=True, keep=second.append)
    if not second:
        raise UsageError(f"--records needs a pipeline file as B, but '{found.new.label}' is not one")
    with open_session(second[0]) as session:
        planned = with_history(session.plan(), session.ledger)
    expected = forecast(planned, planned.pipeline.engine.workers_for(None))
    records = {step: decision.record for step, decision in planned.decisions.items()}
    measured = {step: record.metrics for step, record in records.items() if record is not None}
    side = replace(found.new, metrics=final_metrics(measured)) if planned.is_complete else found.new
    return replace(found, new=side, actions=actions_of(planned, found.new.spec), expected=expected)

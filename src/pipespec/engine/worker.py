"""A worker's main: executes one job with what user code logs going to its MLflow run, and uploads what it made.

Takes a pickled `StepJob` in a process that is the step's own, leaves a result record; asks no questions and writes
nothing to the tracking store. Whoever started it believes the record only together with a clean exit.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pipespec.engine.jobs import result_path
from pipespec.errors import PipespecError
from pipespec.step.execute import execute
from pipespec.step.model import Artifact, Failure, StepJob, StepOutcome
from pipespec.step.result import write_outcome
from pipespec.tracking import fluent
from pipespec.tracking.artifacts import localise, upload

__all__ = ["run_payload", "work"]


def run_payload(payload: bytes) -> None:
    """Execute a pickled job, and write its result record."""
    job: StepJob = pickle.loads(payload)  # noqa: S301 - from our parent, over an inherited socket
    write_outcome(work(job), result_path(job.staging))


def work(job: StepJob, *, on_error: Callable[[BaseException], None] | None = None) -> StepOutcome:
    """Execute a job and upload its outputs; whatever goes wrong is in the outcome.

    With `on_error`, which is told a live exception, standard streams are left where they are.
    """

    def fetch(artifact: Artifact) -> Artifact:
        return localise(artifact, Path(job.downloads), job.tracking_uri or "")

    outcome = execute(
        job,
        localise=fetch,
        during=lambda: _logging_to_run(job),
        on_error=on_error,
        attach=on_error is None,
    )
    return outcome if outcome.failure is not None else _upload(job, outcome)


@contextlib.contextmanager
def _logging_to_run(job: StepJob) -> Iterator[None]:
    """Let MLflow's own API reach the step's run while its function runs."""
    if job.run_id is None or job.tracking_uri is None or job.experiment_id is None:
        yield
        return
    fluent.activate(job.tracking_uri, job.run_id, job.experiment_id)
    failed = True
    try:
        yield
        failed = False
    finally:
        fluent.deactivate(failed=failed)


def _upload(job: StepJob, outcome: StepOutcome) -> StepOutcome:
    if job.artifact_uri is None or job.tracking_uri is None:
        return outcome
    made = Path(job.staging) / "outputs"
    try:
        upload(
            [(made / saved.file, saved.file) for saved in outcome.outputs], job.artifact_uri, job.tracking_uri
        )
    except (PipespecError, OSError) as error:
        return replace(outcome, failure=Failure("store", f"its outputs could not be uploaded: {error}"))
    return outcome

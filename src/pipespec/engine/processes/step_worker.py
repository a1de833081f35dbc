"""A worker's main: executes one job with what user code logs going to its MLflow run, and uploads what it made.

Takes a pickled `StepJob` in a process that is the step's own, leaves a result record; asks no questions and writes
nothing to the tracking store. Whoever started it believes the record only together with a clean exit.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipespec.activity import ActivityFile, watched_by
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.frozen_values import compile_waiting
from pipespec.step.arguments.planned_sources import compile_beforehand
from pipespec.step.execute import execute
from pipespec.step.loaded_files import note_loaded
from pipespec.step.outcome_file import write_outcome
from pipespec.step.step_job import (
    Artifact,
    Failure,
    StepJob,
    StepOutcome,
    activity_path,
    result_path,
    taken_outputs,
)
from pipespec.step.witness.path_judgement import PathJudgement, python_places
from pipespec.tracking.artifacts import localise, upload
from pipespec.tracking.models.mlflow_models import MlflowModels
from pipespec.tracking.writing import user_logging

__all__ = ["prepare", "work"]


def prepare(payload: bytes) -> Callable[[], None]:
    """Return what executes a pickled job, and writes its result record, in a process that is forked from this one.

    What is done here is done once, and in memory that need not be copied.
    """
    _get_ready()
    job: StepJob = pickle.loads(payload)  # noqa: S301 - from our parent, over an inherited socket
    compile_beforehand(job.code_files, job.code_folder)
    if job.witness is not None:
        PathJudgement(job.witness)  # knows from now on where its places are
    return partial(_run, job)


@functools.cache
def _get_ready() -> None:
    compile_waiting()
    python_places()
    note_loaded()
    sys.path_importer_cache.clear()  # each step looks at the folders of its modules anew


def _run(job: StepJob) -> None:
    with watched_by(ActivityFile(activity_path(job.staging))):
        outcome = work(job)
    write_outcome(outcome, result_path(job.staging))


def work(job: StepJob, *, on_error: Callable[[BaseException], None] | None = None) -> StepOutcome:
    """Execute a job and upload its outputs; whatever goes wrong is in the outcome.

    With `on_error`, which is told a live exception, standard streams are left where they are.
    """

    def fetch(artifact: Artifact) -> Artifact:
        return localise(artifact, Path(job.downloads), job.tracking_uri or "")

    outcome = execute(
        job,
        localise=fetch,
        models=MlflowModels(),
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
    user_logging.activate(job.tracking_uri, job.run_id, job.experiment_id)
    failed = True
    try:
        yield
        failed = False
    finally:
        user_logging.deactivate(failed=failed)


def _upload(job: StepJob, outcome: StepOutcome) -> StepOutcome:
    if job.artifact_uri is None or job.tracking_uri is None:
        return outcome
    made = taken_outputs(job.staging)
    try:
        upload(
            [(made / saved.file, saved.file) for saved in outcome.outputs], job.artifact_uri, job.tracking_uri
        )
    except StoreUnavailableError as error:
        sys.stderr.write(f"pipespec: outputs are kept, since {error}\n")
        return replace(outcome, is_uploaded=False)
    except (PipespecError, OSError) as error:
        return replace(outcome, failure=Failure("store", f"its outputs could not be uploaded: {error}"))
    return outcome

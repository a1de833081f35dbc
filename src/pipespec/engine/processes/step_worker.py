"""A worker's main: executes one job, directs what user code logs to its MLflow run, and puts its files into a local store.

Takes a pickled `StepJob` in a process that only this step uses. Leaves a result record. It asks no questions and writes
nothing to the tracking store. The process that started it accepts the record only together with a clean exit.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from pipespec.activity import ActivityFile, watched_by
from pipespec.errors import PipespecError
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
from pipespec.tracking.artifact_uris import local_path
from pipespec.tracking.artifacts import localise, require_storable, upload
from pipespec.tracking.models.mlflow_models import MlflowModels
from pipespec.tracking.writing import user_logging

__all__ = ["prepare", "work"]

_LITTLE: Final = 64 << 20
"""Bytes of memory that a step may have needed to count as done when its outputs are saved; otherwise it is done when it ends."""


def prepare(payload: bytes) -> Callable[[Callable[[], None]], None]:
    """Return a function that executes a pickled job, and writes its result record, in a process forked from this one.

    It says that it is done when the next step may begin beside it. What is done
    here is done once, and its memory need not be copied.
    """
    _get_ready()
    job: StepJob = pickle.loads(payload)  # noqa: S301 - from our parent, over an inherited socket
    compile_beforehand(job.code_files, job.code_folder)
    if job.witness is not None:
        PathJudgement(job.witness)  # this caches its folders
    return partial(_run, job)


@functools.cache
def _get_ready() -> None:
    compile_waiting()
    python_places()
    note_loaded()
    sys.path_importer_cache.clear()  # each step reads the folders of its modules again


def _run(job: StepJob, say_done: Callable[[], None]) -> None:
    before = _most_memory()

    def on_saved() -> None:
        if _most_memory() - before < _LITTLE:
            say_done()

    with watched_by(ActivityFile(activity_path(job.staging))):
        outcome = work(job, on_saved=on_saved)
    write_outcome(outcome, result_path(job.staging))


def _most_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def work(
    job: StepJob,
    *,
    on_error: Callable[[BaseException], None] | None = None,
    on_saved: Callable[[], None] = lambda: None,
) -> StepOutcome:
    """Execute a job. Every failure is in the outcome. If the store is not local, its outputs wait for their upload.

    With `on_error`, which is called with a live exception, the standard streams are not changed. `on_saved` is called once the
    user's code has run and what it returned is saved.
    """

    def fetch(artifact: Artifact) -> Artifact:
        return localise(artifact, Path(job.downloads), job.tracking_uri or "")

    outcome = execute(
        job,
        localise=fetch,
        models=MlflowModels(),
        during=lambda: _logging_to_run(job),
        on_error=on_error,
        on_saved=on_saved,
        attach=on_error is None,
    )
    return outcome if outcome.failure is not None else _upload(job, outcome)


@contextlib.contextmanager
def _logging_to_run(job: StepJob) -> Iterator[None]:
    """Direct MLflow's own API to the step's run while its function runs."""
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
    files = [(made / saved.file, saved.file) for saved in outcome.outputs]
    try:
        if local_path(job.artifact_uri) is None:
            require_storable(files)
            return replace(outcome, is_uploaded=False)
        upload(files, job.artifact_uri, job.tracking_uri)
    except (PipespecError, OSError) as error:
        return replace(outcome, failure=Failure("store", f"its outputs could not be uploaded: {error}"))
    return outcome

"""Publish one result: search for it again under its key, send its files, end its run.

Takes an `UnpublishedResult`, of this process or kept by an earlier one. Returns the record that counts. Everything here
may be done twice: if the store became unreachable in between, the whole publication is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

from pipespec.engine.unpublished_results import UnpublishedResult, kept_results
from pipespec.errors import PipespecError, StoreUnavailableError, TakenOverError
from pipespec.frozen_values import frozen
from pipespec.plan.records import StepRecord
from pipespec.step.step_job import Failure, taken_outputs
from pipespec.tracking.artifacts import keep_uploaded, upload
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.started_run import StartedRun
from pipespec.tracking.writing.recorder import Recorder

__all__ = ["Published", "newer_record", "publish_kept", "publish_result"]


@frozen
class Published:
    """The result that counts for a key now: our own, or that of an invocation that was faster."""

    record: StepRecord
    is_ours: bool


def publish_result(
    result: UnpublishedResult,
    ledger: Ledger,
    recorder: Recorder,
    downloads: Path,
    in_doubt: Callable[[], bool] = lambda: True,
) -> Published:
    """Publish a result, unless another invocation did for the same generation.

    What is uploaded for it is then also in the folder `downloads`. `in_doubt` returns whether other processes may have
    considered this process dead by now, and have computed the key themselves.

    Raises:
        StoreUnavailableError: if the store cannot be read or written.
        TakenOverError: if another invocation computes the key instead, and has not published it yet.
        PipespecError: if the run does not exist any more.
        OSError: from a local disk.
    """
    try:
        return _publish(result, ledger, recorder, downloads, in_doubt)
    except TakenOverError:
        key = result.started.key or ""
        if theirs := newer_record(ledger.complete((key,)).get(key), result.known):
            return Published(theirs, is_ours=False)
        raise


def _publish(
    result: UnpublishedResult,
    ledger: Ledger,
    recorder: Recorder,
    downloads: Path,
    in_doubt: Callable[[], bool],
) -> Published:
    started, outcome = result.started, result.outcome
    superseded: tuple[str, ...] = ()
    if started.key is not None:
        must_look = result.known is not None or in_doubt()
        current = ledger.complete((started.key,)).get(started.key) if must_look else None
        if record := newer_record(current, result.known):
            if record.run_id == started.run_id:  # an earlier try came through, and its answer was lost
                recorder.insist(record.run_id)
                return Published(record, is_ours=True)
            why = f"run {record.run_id} was faster with the same key"
            recorder.fail(started, Failure("cancelled", why), status="KILLED")
            return Published(record, is_ours=False)
        superseded = () if current is None or current.accepted else (current.run_id,)
    made = taken_outputs(result.staging)
    if not outcome.is_uploaded:
        files = [(made / saved.file, saved.file) for saved in outcome.outputs]
        upload(files, started.artifact_uri, recorder.tracking_uri)
    record = recorder.publish(
        started,
        outcome,
        manifest=result.manifest,
        generation=0 if result.known is None else result.known + 1,
        log=result.log,
        supersedes=superseded,
        in_doubt=in_doubt,
    )
    ledger.note((record,))
    if not outcome.is_uploaded:
        keep_uploaded([(made / saved.file, saved.digest) for saved in outcome.outputs], downloads)
    return Published(_with_logged(record, result, ledger), is_ours=True)


def newer_record(record: StepRecord | None, known: int | None) -> StepRecord | None:
    """Return the record of a key if its generation is newer than the known one. An accepted record is not."""
    if record is None or record.accepted is not None:
        return None
    return record if known is None or record.generation > known else None


def publish_kept(folder: Path, ledger: Ledger, recorder: Recorder, downloads: Path) -> tuple[str, ...]:
    """Publish what earlier runs kept for this store, and return the steps whose results now count.

    What was published meanwhile, or whose run is gone, is dropped; what another invocation is computing stays.

    Raises:
        StoreUnavailableError: if the store is still not reachable. What is not published stays.
    """
    published = []
    for result in kept_results(folder, ledger.tracking_uri):
        facts = ledger.run(result.started.run_id)
        if _is_computed(result.started, ledger):
            continue
        if facts is not None and facts.status != "FINISHED":
            try:
                if publish_result(result, ledger, recorder, downloads).is_ours:
                    published.append(result.started.step)
            except StoreUnavailableError:
                raise
            except OSError:
                continue
            except PipespecError:
                pass
        rmtree(result.staging, ignore_errors=True)
    return tuple(published)


def _is_computed(started: StartedRun, ledger: Ledger) -> bool:
    """Return whether another run claims the key of a kept result."""
    claims = () if started.key is None else ledger.claims(started.key)
    return any(claim.run_id != started.run_id for claim in claims)


def _with_logged(record: StepRecord, result: UnpublishedResult, ledger: Ledger) -> StepRecord:
    """Add the metrics that the function logged itself, if the step has bounds for any of them."""
    if set(result.bounded) <= record.metrics.keys():
        return record
    facts = ledger.run(record.run_id)
    return record if facts is None else replace(record, metrics={**facts.metrics, **record.metrics})

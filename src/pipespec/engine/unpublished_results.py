"""Results that no store has yet: what publishing one takes, and how it is kept for the next run.

A result is a value; it is kept as a folder with what its step left in staging and a record of the rest, so that another
process publishes just what this one would have. A folder without a whole record is a result that was never kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.step.arguments.param_conversion import MisfitError, ParamPlace, convert
from pipespec.step.outcome_file import read_outcome, write_outcome
from pipespec.step.step_job import StepOutcome, result_path
from pipespec.tracking.started_run import StartedRun

__all__ = ["UnpublishedResult", "keep_result", "kept_results"]

_RECORD: Final = "publication.json"
_LOG: Final = "log.txt"


@frozen
class UnpublishedResult:
    """What a step made, with all that its publication needs."""

    started: StartedRun
    outcome: StepOutcome
    manifest: Mapping[str, JSON]
    staging: Path
    log: Path
    known: int | None = None
    """The generation that was there before the step executed; None for none."""
    bounded: tuple[str, ...] = ()
    """Metrics that bounds are set on."""


def keep_result(result: UnpublishedResult, folder: Path, tracking_uri: str) -> Path:
    """Move a result to `folder`, below which it is found by `kept_results`; return where it is.

    Raises:
        OSError: where the disk does not take it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / result.started.run_id
    shutil.rmtree(result.staging / "inputs", ignore_errors=True)
    result.staging.rename(place)
    if result.log.is_file():
        shutil.copyfile(result.log, place / _LOG)
    record = result_path(str(place))
    if read_outcome(record) != result.outcome:
        record.unlink(missing_ok=True)
        write_outcome(result.outcome, record)
    rest = {
        "tracking_uri": tracking_uri,
        "started": dataclasses.asdict(result.started),
        "manifest": dict(result.manifest),
        "known": result.known,
        "bounded": list(result.bounded),
    }
    part = place / f"{_RECORD}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(rest, file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(place / _RECORD)
    return place


def kept_results(folder: Path, tracking_uri: str) -> Iterator[UnpublishedResult]:
    """Yield what is kept for a store, each locked while it is in hand: no two processes publish the same.

    One that cannot be read is left where it is.
    """
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        with (
            contextlib.suppress(OSError, ValueError, MisfitError, KeyError),
            (place / _RECORD).open(encoding="utf-8") as file,
        ):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            rest = json.load(file)
            outcome = read_outcome(result_path(str(place)))
            if rest["tracking_uri"] == tracking_uri and outcome is not None:
                yield _read(rest, outcome, place)


def _read(rest: Mapping[str, JSON], outcome: StepOutcome, place: Path) -> UnpublishedResult:
    started: StartedRun = convert(rest["started"], StartedRun, ParamPlace("value", "started"))
    manifest, known, bounded = rest["manifest"], rest["known"], rest["bounded"]
    if not (isinstance(manifest, dict) and isinstance(bounded, list) and isinstance(known, int | None)):
        raise ValueError("no record of ours")  # noqa: TRY004 - one kind of error for a bad record
    return UnpublishedResult(
        started, outcome, manifest, place, place / _LOG, known, bounded=tuple(map(str, bounded))
    )

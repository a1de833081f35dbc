"""Results that no store has yet: what their publication needs, and how they are kept for the next run.

A result is a value. It is kept as a folder with the step's files from staging and a record of the rest, so that another
process publishes exactly what this one would have published. A folder without a complete record counts as a result that
was never kept.
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
    """The result of a step, with everything that its publication needs."""

    started: StartedRun
    outcome: StepOutcome
    manifest: Mapping[str, JSON]
    staging: Path
    log: Path
    known: int | None = None
    """The generation that was there before the step executed; None for none."""
    bounded: tuple[str, ...] = ()
    """Metrics for which bounds are set."""


def keep_result(result: UnpublishedResult, folder: Path, tracking_uri: str) -> Path:
    """Move a result into `folder`, where `kept_results` finds it. Return its place.

    Raises:
        OSError: if the disk does not accept it.
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
    """Yield the results that are kept for a store, each locked while it is used: no two processes publish the same.

    A result that cannot be read is left in its place.
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
        raise ValueError("no record of ours")  # noqa: TRY004 - the same error for every invalid record
    return UnpublishedResult(
        started, outcome, manifest, place, place / _LOG, known, bounded=tuple(map(str, bounded))
    )

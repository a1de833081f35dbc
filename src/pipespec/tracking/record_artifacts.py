"""Turn an output of a step's record into a file that can be fetched, read and checked."""

from __future__ import annotations

from pathlib import PurePosixPath

from pipespec.plan.records import StepRecord
from pipespec.step.step_job import Artifact
from pipespec.tracking.artifact_uris import location

__all__ = ["recorded_artifact", "recorded_part"]


def recorded_artifact(record: StepRecord, output: str) -> Artifact:
    """Return the place of an output, by its name, and the digest that it must have."""
    recorded = record.outputs[output]
    place = location(record.artifact_uri, recorded.file)
    return Artifact(place, recorded.digest, PurePosixPath(recorded.file).name, recorded.executable)


def recorded_part(record: StepRecord, output: str, part: str, digest: str | None) -> Artifact:
    """Return the place of a file or a folder (whose name ends with a slash) in an output, and the digest that it must have."""
    recorded = record.outputs[output]
    within = part if part.endswith("/") else ""
    executable = (
        tuple(name.removeprefix(within) for name in recorded.executable if name.startswith(within))
        if within
        else tuple(PurePosixPath(name).name for name in recorded.executable if name == part)
    )
    place = location(record.artifact_uri, recorded.file + part)
    return Artifact(place, digest, PurePosixPath(part).name, executable)

"""What was recorded, brought back: logs of attempts, outputs of complete runs.

Takes a ledger and what to look for; gives text, bytes or paths. Content is checked against the digest that its
run recorded, whatever store it comes from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pipespec.document.nodes import plain
from pipespec.errors import PipespecError, UsageError
from pipespec.plan.model import Attempt, StepRecord
from pipespec.project.root import STATE_FOLDER
from pipespec.spec.model import PipelineSpec, StepSpec
from pipespec.step import formats
from pipespec.step.model import Artifact
from pipespec.step.secret import redactor
from pipespec.tracking import artifacts
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.names import LOG

__all__ = ["fetch_output", "load_path", "local_output", "read_log", "read_output"]

_PIECE: Final = 1 << 16
_BETWEEN_LOOKS: Final = 0.3
"""Seconds between two looks at a log that is followed."""


def read_log(spec: PipelineSpec, step: StepSpec, ledger: Ledger, *, follow: bool) -> Iterator[str]:
    """Yield the log of a step's last attempt in pieces; with `follow`, what is added until the attempt ends.

    While the step runs its log is raw, so secrets are taken out here, line by line.

    Raises:
        UsageError: where the step was never tried, or left no log.
    """
    attempt = _last_attempt(spec, step, ledger)
    local = spec.root / STATE_FOLDER / "logs" / f"{attempt.run_id}.log"
    if not local.exists():
        yield _recorded_log(attempt, step, ledger)
        return
    redact = redactor(plain(spec.document), os.environ)
    with local.open("rb") as log:
        unread = b""
        while True:
            while piece := log.read(_PIECE):
                whole, newline, rest = (unread + piece).rpartition(b"\n")
                yield redact.clean(whole + newline).decode(errors="replace")
                unread = rest
            if not follow or _last_attempt(spec, step, ledger).status != "RUNNING":
                # What was written between our last look and its end.
                yield redact.clean(unread + log.read()).decode(errors="replace")
                return
            time.sleep(_BETWEEN_LOOKS)


def fetch_output(
    spec: PipelineSpec, record: StepRecord, name: str, to: Path | None, tracking_uri: str
) -> Path:
    """Copy an output to `to` (in a folder that is there: below it; None: in the working directory)."""
    artifact = _artifact(record, name)
    target = to if to is not None else Path(artifact.name)
    if to is not None and to.is_dir() and not artifact.location.endswith("/"):
        target = to / artifact.name
    artifacts.fetch(artifact, target, _downloads(spec), tracking_uri)
    return target


def local_output(spec: PipelineSpec, record: StepRecord, name: str, tracking_uri: str) -> Path:
    """Return a local path of an output, its content checked; where the store is remote, of a download."""
    artifact = _artifact(record, name)
    local = artifacts.localise(artifact, _downloads(spec), tracking_uri)
    path = artifacts.local_path(local.location)
    assert path is not None
    artifacts.require_digest(path, artifact)
    return path


def read_output(spec: PipelineSpec, record: StepRecord, name: str, tracking_uri: str) -> bytes:
    """Return the content of an output that is a file.

    Raises:
        UsageError: where it is a directory.
    """
    if record.outputs[name].file.endswith("/"):
        raise UsageError(f"output '{name}' is a directory; name a path to copy it to")
    return local_output(spec, record, name, tracking_uri).read_bytes()


def load_path(path: Path, as_type: type | None) -> Any:
    """Load a local file as its suffix says, or as a type.

    Raises:
        UsageError: where it cannot be loaded so.
    """
    if path.is_dir() or as_type is Path or formats.gives_path(path.name, as_type):
        return path
    try:
        return formats.load(path, path.name, as_type, {})
    except PipespecError as error:
        raise UsageError(str(error)) from error


def _last_attempt(spec: PipelineSpec, step: StepSpec, ledger: Ledger) -> Attempt:
    attempt = ledger.attempts((step.id,), spec.name).get(step.id) or ledger.attempts((step.id,)).get(step.id)
    if attempt is None:
        raise UsageError(f"step '{step.id}' was never tried, so it has no log")
    return attempt


def _recorded_log(attempt: Attempt, step: StepSpec, ledger: Ledger) -> str:
    try:
        return artifacts.read(attempt.artifact_uri, LOG, ledger.tracking_uri).decode(errors="replace")
    except FileNotFoundError:
        raise UsageError(f"the last attempt of step '{step.id}' (run {attempt.run_id}) left no log") from None


def _artifact(record: StepRecord, name: str) -> Artifact:
    output = record.outputs[name]
    place = artifacts.location(record.artifact_uri, output.file)
    return Artifact(place, output.digest, PurePosixPath(output.file).name)


def _downloads(spec: PipelineSpec) -> Path:
    return spec.root / STATE_FOLDER / "downloads"

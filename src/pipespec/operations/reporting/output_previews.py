"""Show how the outputs of a run begin: convert records to `OutputPart`s, with previews as far as limits allow.

Reads local files. From a remote store, it reads only small files, for no longer than two seconds in total. An artifact
that is missing, altered, or not a valid file of its format has no preview but a reason: nothing here makes a run fail.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path, PurePosixPath
from typing import Final

from pipespec.errors import PipespecError
from pipespec.operations.reporting.file_head import PICTURES, SHOWN, beginning_of
from pipespec.plan.records import StepRecord
from pipespec.plan.results import StepResult
from pipespec.step.secrets import Redactor
from pipespec.step.step_job import Artifact
from pipespec.tracking.artifacts import local_path, localise, require_digest
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.views.report.report_parts import OutputPart, PicturePreview, Preview

__all__ = ["Previews"]

_MOST: Final = 60
"""Maximum number of outputs in one report."""
_PICTURE: Final = 2 << 20
_PICTURES: Final = 6 << 20
"""Maximum size in bytes of one picture, and of all pictures. In a page, they take a third more."""
_DOWNLOADED: Final = 1 << 20
"""Maximum size in bytes of one output of a remote store."""
_DOWNLOADING: Final = 2.0
"""Seconds for all downloads."""


class Previews:
    """Shows outputs until the limits of a report are reached. `left_out` then says what is missing."""

    def __init__(self, downloads: Path, tracking_uri: str, redact: Redactor) -> None:
        self._downloads = downloads
        self._tracking_uri = tracking_uri
        self._redact = redact
        self._shown = 0
        self._pictures = 0
        self._seconds = _DOWNLOADING
        self._beyond = 0

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was left out because of the limits."""
        if not self._beyond:
            return ()
        return (
            f"{self._beyond:,} more outputs are listed without a preview; the maximum in a report is {_MOST}.",
        )

    def of(self, result: StepResult, record: StepRecord, name: str) -> OutputPart:
        """Return what a page shows of one output of a record, with its first rows or lines if there are any."""
        output = record.outputs[name]
        preview, note = self._preview(record, name)
        return OutputPart(
            result.step,
            str(result.state),
            name,
            output.file,
            output.bytes,
            output.files,
            output.digest,
            preview,
            note,
        )

    def _preview(self, record: StepRecord, name: str) -> tuple[Preview | None, str]:
        output = record.outputs[name]
        suffix = PurePosixPath(output.file).suffix.lower()
        if suffix not in SHOWN:
            return None, ""
        if self._shown >= _MOST:
            self._beyond += 1
            return None, ""
        self._shown += 1
        if suffix in PICTURES and not self._has_room(output.bytes):
            return None, "a picture that is too large for a report"
        try:
            path = self._fetched(record, name)
            if isinstance(path, str):
                return None, path
            found = beginning_of(path, suffix, self._redact)
        except PipespecError as error:
            return None, str(error)
        except Exception:  # noqa: BLE001 - whatever a library raises for a file that is not in its format
            return None, f"cannot be read as {suffix}"
        self._pictures += len(found.content) if isinstance(found, PicturePreview) else 0
        return found, ""

    def _has_room(self, size: int) -> bool:
        return size <= _PICTURE and self._pictures + size <= _PICTURES

    def _fetched(self, record: StepRecord, name: str) -> Path | str:
        """Return a local path of an output, or why there is none. The content of a picture is checked."""
        output, artifact = record.outputs[name], recorded_artifact(record, name)
        path = local_path(artifact.location)
        if path is None:
            return self._downloaded(artifact, output.bytes)
        if not path.is_file() or path.stat().st_size != output.bytes:
            return "missing or changed since then"
        if output.bytes <= _PICTURE:
            require_digest(path, artifact)
        return path

    def _downloaded(self, artifact: Artifact, size: int) -> Path | str:
        if size > _DOWNLOADED:
            return "too large to download for a report"
        if self._seconds <= 0:
            return "not downloaded: the store was too slow"
        began = time.monotonic()
        found: list[Artifact | str] = []

        def fetch() -> None:
            try:
                found.append(localise(artifact, self._downloads, self._tracking_uri))
            except (PipespecError, OSError) as error:
                found.append(str(error))

        # In a thread that is not waited for: MLflow itself waits for a store for minutes.
        fetching = threading.Thread(target=fetch, daemon=True)
        fetching.start()
        fetching.join(self._seconds)
        self._seconds -= time.monotonic() - began
        if not found:
            self._seconds = 0.0
            return "not downloaded: the store was too slow"
        if isinstance(found[0], str):
            return found[0]
        path = local_path(found[0].location)
        assert path is not None
        return path

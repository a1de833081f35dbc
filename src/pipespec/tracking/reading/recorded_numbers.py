"""The numbers of a recorded output, for a step that asks for metrics which its run has not: `metrics` was added later.

Takes a record and the name of an output of it; reads the artifact, and checks its digest. What cannot be read has no
numbers: then the metrics are not recorded, as a check will say.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.plan.records import StepRecord
from pipespec.tracking.artifacts import read

__all__ = ["recorded_numbers"]


def recorded_numbers(
    record: StepRecord, output: str, part: str | None, tracking_uri: str
) -> Mapping[str, float]:
    """Return the numbers of an output, or of a file in it, under the names that metrics have.

    Raises:
        StoreUnavailableError: where the store of artifacts cannot be asked.
    """
    from pipespec.step.results.metric_reading import read_metrics  # noqa: PLC0415 - formats; few plans need them

    recorded = record.outputs[output]
    file = recorded.file if part is None else recorded.file + part
    try:
        content = read(record.artifact_uri, file, tracking_uri)
        if part is None and hashlib.sha256(content).hexdigest() != recorded.digest:
            return {}
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            place = Path(folder, PurePosixPath(file).name)
            place.write_bytes(content)
            return read_metrics(output, place, place.name, None)
    except StoreUnavailableError:
        raise
    except (PipespecError, OSError):
        return {}

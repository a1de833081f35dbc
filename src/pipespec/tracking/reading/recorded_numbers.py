"""Read the numbers of a recorded output, for a step with metrics that its run does not have: `metrics` was added later.

Takes a record and the name of one of its outputs. Reads the artifact, and checks its digest. If it cannot be read,
there are no numbers: the metrics are then not recorded, and a check reports this.
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
    """Return the numbers of an output, or of a file in it, by the names of metrics.

    Raises:
        StoreUnavailableError: if the artifact store cannot be read.
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

"""The manifest of a published run, `pipespec/step.json`: what it was made of and what it made, as bytes.

Pure. Its digest stands in a tag, so that a manifest of another run, or a changed one, is known as such.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.step.model import SavedOutput, StepOutcome
from pipespec.tracking.model import StartedRun

__all__ = ["FORMAT", "make_manifest"]

FORMAT: Final = 1
"""Raised when a reader of an older one would misread it."""


def make_manifest(
    started: StartedRun, outcome: StepOutcome, generation: int, told: Mapping[str, JSON]
) -> bytes:
    """Return the manifest as UTF-8 JSON; `told` are the caller's own entries, which ours override."""
    entries: dict[str, JSON] = {
        **told,
        "format": FORMAT,
        "run_id": started.run_id,
        "step": started.step,
        "key": started.key,
        "generation": generation,
        "seconds": outcome.seconds,
        "outputs": {saved.name: _output(saved) for saved in outcome.outputs},
        "metrics": {name: _number(value) for name, value in outcome.metrics.items()},
    }
    text = json.dumps(entries, ensure_ascii=False, indent=1, sort_keys=False, allow_nan=False)
    return text.encode(errors="backslashreplace") + b"\n"


def _output(saved: SavedOutput) -> JSON:
    entry: dict[str, JSON] = {
        "digest": saved.digest,
        "bytes": saved.bytes,
        "files": saved.files,
        "file": saved.file,
    }
    if saved.manifest:
        entry["manifest"] = dict(saved.manifest)
    return entry


def _number(value: float) -> JSON:
    # JSON has no NaN and no infinity.
    return value if math.isfinite(value) else str(value)

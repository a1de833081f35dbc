"""The manifest of a published run, `pipespec/step.json`: its inputs and its outputs, as bytes.

Pure. Its digest is in a tag, so that the manifest of another run, or a changed manifest, is detected.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.plan.witness import NO_WITNESS, witness_to_manifest
from pipespec.step.step_job import SavedOutput, StepOutcome
from pipespec.tracking.record_names import FOLDER
from pipespec.tracking.started_run import StartedRun

__all__ = ["FORMAT", "make_manifest", "query_files"]

FORMAT: Final = 1
"""Increased when a reader of an older version would misread it."""


def make_manifest(
    started: StartedRun, outcome: StepOutcome, generation: int, told: Mapping[str, JSON]
) -> bytes:
    """Return the manifest as UTF-8 JSON. `told` are the caller's own entries. Ours override them."""
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
    if outcome.witness != NO_WITNESS:
        entries["witness"] = witness_to_manifest(outcome.witness)
    # One entry per line: with an indent, json uses an encoder that is ten times slower than the one in C.
    lines = ",\n".join(f" {_json(name)}: {_json(value)}" for name, value in entries.items())
    return f"{{\n{lines}\n}}\n".encode(errors="backslashreplace")


def query_files(told: Mapping[str, JSON]) -> dict[str, bytes]:
    """Return the queries that a step ran, by the names under which they are stored next to the tables made from them."""
    sources = told.get("sources")
    return {
        f"{FOLDER}{PurePosixPath(name).name}": str(text).encode(errors="backslashreplace")
        for name, text in (sources if isinstance(sources, dict) else {}).items()
        if name.endswith(".sql")
    }


def _json(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _output(saved: SavedOutput) -> JSON:
    entry: dict[str, JSON] = {
        "digest": saved.digest,
        "bytes": saved.bytes,
        "files": saved.files,
        "file": saved.file,
    }
    if saved.executable:
        entry["executable"] = [*saved.executable]
    if saved.manifest:
        entry["manifest"] = dict(saved.manifest)
    return entry


def _number(value: float) -> JSON:
    # JSON has no NaN and no infinity.
    return value if math.isfinite(value) else str(value)

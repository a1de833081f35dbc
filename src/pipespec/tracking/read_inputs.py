"""The inputs of a run in its tag `pipespec.inputs`, so that lineage needs no manifest. Pure.

Takes the entries `inputs` of a manifest. Returns `ReadInput`s, and their text in the tag. If the text would exceed
MLflow's limit, it is only in the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.tracking.record_names import TAG_LENGTH

__all__ = ["ReadInput", "decode_inputs", "encode_inputs", "inputs_of_manifest"]


@frozen
class ReadInput:
    """One input of a run: an output of another run, of any pipeline, or external data (`run_id` empty)."""

    argument: str
    source: str
    """The output's name; for external data, its path as it was written."""
    digest: str
    run_id: str = ""


def inputs_of_manifest(inputs: JSON) -> tuple[ReadInput, ...]:
    """Return the inputs in a manifest. Entries that are not as pipespec writes them are ignored."""
    if not isinstance(inputs, dict):
        return ()
    return tuple(
        read
        for argument, told in inputs.items()
        for entry in (told if isinstance(told, list) else [told])
        if isinstance(entry, dict)
        for read in _read(argument, entry)
    )


def _read(argument: str, entry: Mapping[str, JSON]) -> Iterator[ReadInput]:
    digest = str(entry.get("digest", ""))
    if "run_id" in entry and "output" in entry:
        yield ReadInput(argument, str(entry["output"]), digest, str(entry["run_id"]))
    elif "model" in entry:
        yield ReadInput(argument, f"models:/{entry.get('name')}/{entry.get('version')}", digest)
    elif "external" in entry:
        yield ReadInput(argument, str(entry["external"]), digest)


def encode_inputs(inputs: JSON) -> str | None:
    """Return the tag's value: one row for each input, with the beginning of its digest; None if it is too long."""
    rows = [
        [read.argument, read.source, read.digest[:16], read.run_id] for read in inputs_of_manifest(inputs)
    ]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= TAG_LENGTH else None


def decode_inputs(text: str) -> tuple[ReadInput, ...] | None:
    """Return what `encode_inputs` wrote; None if it was changed by hand to something else."""
    try:
        rows = json.loads(text)
    except ValueError:
        return None
    if not isinstance(rows, list) or not all(
        isinstance(row, list) and len(row) == 4 and all(isinstance(cell, str) for cell in row) for row in rows
    ):
        return None
    return tuple(ReadInput(*row) for row in rows)

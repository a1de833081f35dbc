"""The record of one execution: the outcome as one file, there whole or not at all, and written once.

A worker writes it as its last act, the parent believes it together with a clean exit. What is torn, too large
or not ours reads as no result.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Final

from pipespec.faults import reach
from pipespec.step.digest import ContentError, open_regular
from pipespec.step.model import StepOutcome
from pipespec.step.params import MisfitError, Place, convert

__all__ = ["MAX_BYTES", "read_outcome", "write_outcome"]

MAX_BYTES: Final = 64 << 20
"""Of a record; a directory output of 50,000 files with the longest names takes about 30 MB."""

_FORMAT: Final = "pipespec-outcome-1"


def write_outcome(outcome: StepOutcome, path: Path) -> None:
    """Write a record.

    Raises:
        FileExistsError: where there is one already: a step has one result, whatever it forked.
        OSError: where it cannot be written.
    """
    reach("step.before-result")
    body = json.dumps(dataclasses.asdict(outcome), allow_nan=False)
    digest = hashlib.sha256(body.encode()).hexdigest()
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("x", encoding="utf-8") as file:
        file.write(f'["{_FORMAT}", "{digest}", {body}]\n')
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # unlike a rename it does not replace
    finally:
        part.unlink()
    reach("step.after-result")


def read_outcome(path: Path) -> StepOutcome | None:
    """Return what a record says, or None where there is none that can be believed."""
    with contextlib.suppress(OSError, ContentError, ValueError, RecursionError, MisfitError):
        with open_regular(path, follow=False) as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            return None
        match json.loads(text):
            case [str() as name, str() as digest, dict() as body] if name == _FORMAT:
                if hashlib.sha256(json.dumps(body).encode()).hexdigest() == digest:
                    outcome: StepOutcome = convert(body, StepOutcome, Place("value", "outcome"))
                    return outcome
    return None

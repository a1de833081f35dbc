"""The record of one execution: the outcome in one file, accepted as a whole or not at all, and written once.

A worker writes it as its last action. The parent accepts it only together with a clean exit. A file that is incomplete,
too large or not from pipespec counts as no result.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pipespec.fault_points import reach
from pipespec.step.content_digest import ContentError, open_regular
from pipespec.step.exact_shape import read_exact
from pipespec.step.step_job import StepOutcome

__all__ = ["MAX_BYTES", "read_outcome", "write_outcome"]

MAX_BYTES: Final = 64 << 20
"""Maximum size of a record. A directory output of 50,000 files with the longest names takes about 30 MB."""

_HEAD: Final = '["pipespec-outcome-1", "'
_NECK: Final = '", '
_BODY: Final = len(_HEAD) + 64 + len(_NECK)
"""The start of the record, which follows its own digest: the digest detects an incomplete record."""


def write_outcome(outcome: StepOutcome, path: Path) -> None:
    """Write a record.

    Raises:
        FileExistsError: if there is one already. A step has one result, whatever it forked.
        OSError: if it cannot be written.
    """
    reach("step.before-result")
    body = json.dumps(outcome, allow_nan=False, default=_fields)
    digest = hashlib.sha256(body.encode()).hexdigest()
    with path.open("x", encoding="utf-8") as file:  # not synced to the disk: it is read immediately or never
        file.write(f"{_HEAD}{digest}{_NECK}{body}]\n")
    reach("step.after-result")


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def read_outcome(path: Path) -> StepOutcome | None:
    """Return the content of a record, or None if there is none that can be accepted."""
    with contextlib.suppress(OSError, ContentError, ValueError, RecursionError):
        with open_regular(path, follow=False) as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            return None
        head, body = text[:_BODY].decode("ascii"), text[_BODY:].rstrip()[:-1]
        if head == f"{_HEAD}{hashlib.sha256(body).hexdigest()}{_NECK}" and text.rstrip().endswith(b"]"):
            return read_exact(json.loads(body), StepOutcome)
    return None

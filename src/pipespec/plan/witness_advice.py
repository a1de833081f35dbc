"""Advice about what a step read although no input names it. Pure: from a witness to one line."""

from __future__ import annotations

import json
import re
from typing import Final

from pipespec.plan.witness import Trace, Witness

__all__ = ["witness_advice"]

_KEYS: Final = {Trace.FILE: "file", Trace.LARGE: "file", Trace.TREE: "dir", Trace.FOLDER: "dir"}
"""The input that would name what was used in this way."""

_PLAIN: Final = re.compile(r"[\w./-]+")


def witness_advice(step: str, witness: Witness) -> str | None:
    """Return one line about the files that a run read directly, or None if it read none.

    Modules are not mentioned: no input can name them, and the witness is sufficient for them.
    """
    files = [touched for touched in witness.touched if touched.trace in (Trace.FILE, Trace.LARGE, Trace.TREE)]
    found = files or [touched for touched in witness.touched if touched.trace is Trace.FOLDER]
    if not found:
        return None
    first = found[0]
    path = first.path if _PLAIN.fullmatch(first.path) else json.dumps(first.path)
    verb = "listed" if first.trace is Trace.FOLDER else "read"
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    says = "no input names" if len(found) == 1 else "no inputs name"
    return (
        f"step '{step}' {verb} '{first.path}'{others}, which {says}: add `{{{_KEYS[first.trace]}: {path}}}`"
    )

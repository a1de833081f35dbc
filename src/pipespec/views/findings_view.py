"""The findings of `doctor`: text for a terminal of 80 columns, and JSON.

Takes an `Examination`. Returns text or the structure of `schemas/doctor.schema.json`.
"""

from __future__ import annotations

from typing import Any, Final

from pipespec.errors import counted
from pipespec.plan.store_findings import Examination
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.terminal_text import WIDTH, printable, wrap

__all__ = ["render_text", "to_json"]

_MOST: Final = 50


def render_text(found: Examination) -> str:
    """List the findings, each with its place and how to correct it; then their number, and what was examined."""
    lines: list[str] = []
    for one in found.findings[:_MOST]:
        lines += wrap(printable(f"{one.place}: {one.code}: {one.message}"), WIDTH.get())
        lines += [f"   {line}" for line in wrap(printable(f"help: {one.hint}"), WIDTH.get() - 3)]
    rest = len(found.findings) - _MOST
    if rest > 0:
        lines.append(f"and {rest} more")
    count = len(found.findings)
    told = counted(count, "finding") if count else "nothing is wrong"
    seen = f"looked at: {', '.join(found.looked_at)}"
    return "\n".join([*lines, *([""] if lines else []), told, seen, name_of_store(found.store)])


def to_json(found: Examination) -> dict[str, Any]:
    """Return the structure of `schemas/doctor.schema.json`."""
    return {
        "version": 1,
        "store": found.store.uri,
        "findings": [
            {"code": one.code, "place": one.place, "message": one.message, "hint": one.hint}
            for one in found.findings
        ],
    }

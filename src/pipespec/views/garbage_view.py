"""What is not reachable any more: text for a terminal of 80 columns, and JSON.

Takes `Garbage` and the time. Returns text or the structure of `schemas/gc.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from pipespec.errors import counted
from pipespec.plan.garbage import Garbage
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.terminal_text import age_text, printable, rows

__all__ = ["render_text", "size_text", "to_json"]

_UNITS: Final = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def render_text(found: Garbage, *, now: float) -> str:
    """Show how many runs of each step are unreachable, their size and age; then unneeded files in `.pipespec`, and the sums."""
    lines = rows([*_runs(found, now), *_leftovers(found, now)])
    count, kept = len(found.unreached), len(found.kept)
    word = "purged" if found.purged else "deleted" if found.deleted else "unreached"
    told = f"{counted(count, 'run')} {word}, {kept} kept"
    if found.young:
        told += f", {found.young} younger than --older-than"
    lines += ["", f"{told}; {size_text(found.bytes)}", name_of_store(found.store)]
    return "\n".join([*lines, *_next(found)]).lstrip("\n")


def size_text(size: int) -> str:
    """Format a size in bytes for people."""
    for unit, factor in _UNITS:
        if size >= factor:
            return f"{size / factor:.3g} {unit}" if size < 1000 * factor else f"{size / factor:.0f} {unit}"
    return counted(size, "byte")


def to_json(found: Garbage, *, now: float) -> dict[str, Any]:
    """Return the structure of `schemas/gc.schema.json`."""
    return {
        "version": 1,
        "store": found.store.uri,
        "pipelines": [*found.pipelines],
        "deleted": found.deleted,
        "purged": found.purged,
        "bytes": found.bytes,
        "unreached": [
            {
                "run_id": run.run_id,
                "pipeline": run.pipeline,
                "step": run.step or None,
                "status": run.status,
                "age_seconds": max(0.0, now - run.ended),
                "bytes": run.bytes,
            }
            for run in found.unreached
        ],
        "younger": found.young,
        "kept": [{"run_id": run_id, "reason": reason} for run_id, reason in found.kept.items()],
        "leftovers": [
            {
                "kind": one.kind,
                "path": str(one.path),
                "age_seconds": max(0.0, now - one.changed),
                "bytes": one.bytes,
            }
            for one in found.leftovers
        ],
    }


def _runs(found: Garbage, now: float) -> Iterator[tuple[tuple[str, ...], str]]:
    for (pipeline, step), group in groupby(found.unreached, key=lambda run: (run.pipeline, run.step)):
        runs = [*group]
        name = f"{pipeline} {step or '(invocations)'}"
        told = (
            f"{counted(len(runs), 'run')}",
            size_text(sum(run.bytes for run in runs)),
        )
        yield (printable(name), *told), _ages([run.ended for run in runs], now)


def _leftovers(found: Garbage, now: float) -> Iterator[tuple[tuple[str, ...], str]]:
    for kind, group in groupby(found.leftovers, key=lambda one: one.kind):
        left = [*group]
        told = (
            f"{counted(len(left), 'entry', 'entries')}",
            size_text(sum(one.bytes for one in left)),
        )
        yield (f".pipespec/{kind}", *told), _ages([one.changed for one in left], now)


def _ages(times: Sequence[float], now: float) -> str:
    oldest, newest = age_text(now - min(times)), age_text(now - max(times))
    return oldest if oldest == newest else f"{oldest} to {newest}"


def _next(found: Garbage) -> list[str]:
    if found.purged or not (found.unreached or found.leftovers):
        return []
    if not found.deleted:
        return [
            "delete with: --delete (can be restored)" + (", or --purge (for good)" if found.can_purge else "")
        ]
    if not found.unreached:
        return []
    return ["restore a run with: mlflow runs restore --run-id RUN"]

"""A reproduced run as text and JSON: what is the same, what is close, what differs.

Takes a `Reproduction`. Returns text for a terminal, or the structure of `schemas/reproduce.schema.json`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from pipespec.plan.reproduction import Repeat, Reproduction, StepRepeat
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.terminal_text import printable

__all__ = ["render_text", "to_json"]

_WORDS: Final = {
    Repeat.SAME: "same",
    Repeat.CLOSE: "close",
    Repeat.DIFFERENT: "different",
    Repeat.MISSING: "missing",
}
_WORD: Final = 11
_SHOWN: Final = 16
"""Number of digits of a digest."""
_MOST: Final = 10
"""Maximum number of packages that differ that are named. JSON contains all."""


def render_text(found: Reproduction) -> str:
    """Show each output and metric beside the recorded one, then what else has changed."""
    patched = " with the changes that were not committed" if found.is_patched else ""
    lines = [printable(f"run {found.run_id[:8]} of '{found.pipeline}', commit {found.commit[:12]}{patched}")]
    for step in found.steps:
        lines += _step(step)
    lines += [""]
    lines += [printable(f"note: {note}") for note in found.notes]
    lines += _surroundings(found)
    if found.folder is not None:
        lines.append(printable(f"kept: {found.folder}"))
    return "\n".join([*lines, _summary(found), name_of_store(found.store)])


def _step(step: StepRepeat) -> Iterator[str]:
    new = "" if step.new_run_id is None else f", now {step.new_run_id[:8]}"
    yield ""
    yield printable(f"{step.step}  (run {step.run_id[:8]}{new})")
    if step.error is not None:
        yield printable(f"  {'failed':{_WORD}}{step.error}")
    if not step.is_same_key:
        yield f"  {'other key':{_WORD}}its code, params, inputs or packages are not what they were"
    for output in step.outputs:
        told = output.recorded[:_SHOWN]
        if output.repeat in (Repeat.CLOSE, Repeat.DIFFERENT) and output.now is not None:
            told += f" -> {output.now[:_SHOWN]}"
        detail = f"  {output.detail}" if output.detail else ""
        yield printable(f"  {_WORDS[output.repeat]:{_WORD}}{output.name}  {told}{detail}")
    for metric in step.metrics:
        now = "" if metric.now is None or metric.repeat is Repeat.SAME else f" -> {metric.now:g}"
        exact = (
            f"{metric.recorded!r} -> {metric.now!r}"
            if now and f"{metric.recorded:g}" == f"{metric.now:g}"
            else ""
        )
        yield printable(
            f"  {_WORDS[metric.repeat]:{_WORD}}metric {metric.name}  {exact or f'{metric.recorded:g}{now}'}"
        )


def _surroundings(found: Reproduction) -> Iterator[str]:
    changed = [f"{name} {then} -> {now or 'missing'}" for name, (then, now) in found.surroundings.items()]
    if changed:
        rest = len(changed) - _MOST
        more = f" and {rest} more" if rest > 0 else ""
        yield printable(f"not as then: {', '.join(changed[:_MOST])}{more}")


def _summary(found: Reproduction) -> str:
    counts = ", ".join(f"{count} {_WORDS[repeat]}" for repeat, count in found.counts().items() if count)
    if found.is_same:
        within = f", numbers within {found.tolerance:g}" if found.counts()[Repeat.CLOSE] else ""
        return f"reproduced: {counts or 'nothing to compare'}{within}"
    return f"not reproduced: {counts or 'nothing to compare'}"


def to_json(found: Reproduction) -> dict[str, Any]:
    """Return the structure of `schemas/reproduce.schema.json`."""
    return {
        "version": 1,
        "run_id": found.run_id,
        "pipeline": found.pipeline,
        "invocation": found.invocation,
        "commit": found.commit,
        "patched": found.is_patched,
        "reproduced": found.is_same,
        "tolerance": found.tolerance,
        "steps": [_step_to_json(step) for step in found.steps],
        "surroundings": [
            {"name": name, "then": then, "now": now} for name, (then, now) in found.surroundings.items()
        ],
        "notes": [*found.notes],
        "folder": found.folder,
    }


def _step_to_json(step: StepRepeat) -> dict[str, Any]:
    return {
        "step": step.step,
        "run_id": step.run_id,
        "new_run_id": step.new_run_id,
        "same_key": step.is_same_key,
        "error": step.error,
        "seconds": step.seconds,
        "outputs": [
            {
                "output": one.name,
                "result": str(one.repeat),
                "then": one.recorded,
                "now": one.now,
                "detail": one.detail or None,
            }
            for one in step.outputs
        ],
        "metrics": [
            {
                "metric": one.name,
                "result": str(one.repeat),
                "then": _number(one.recorded),
                "now": None if one.now is None else _number(one.now),
            }
            for one in step.metrics
        ],
    }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)

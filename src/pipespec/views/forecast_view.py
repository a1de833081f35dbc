"""How long it may take, in words and as JSON: what `plan`, `diff` and a run in progress show of a `Forecast`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipespec.plan.forecast import Forecast
from pipespec.views.terminal_text import WIDTH, printable, seconds_text, wrap

__all__ = ["chain_ends", "chain_lines", "expected_cell", "forecast_json", "forecast_lines", "total_text"]

_LINKS: Final = 6
"""Maximum number of steps of a chain that are shown."""


def expected_cell(expected: Forecast | None, step_id: str) -> str:
    """Return the expected time of a step; empty if it is reused or nothing is known."""
    seconds = None if expected is None else expected.steps.get(step_id)
    return "" if seconds is None else seconds_text(seconds)


def total_text(expected: Forecast) -> str:
    """Say how long everything takes: `about 3 min 5 s, 2 at a time, and 1 that never finished before`."""
    at_once = "one at a time" if expected.workers == 1 else f"{expected.workers} at a time"
    unknown = len(expected.unknown)
    more = f", plus {unknown} without an earlier run" if unknown else ""
    return f"about {seconds_text(expected.seconds)}, {at_once}{more}"


def forecast_lines(expected: Forecast) -> Iterator[str]:
    """Say how long the steps of a run take, and which chain of them takes longest."""
    yield f"{total_text(expected)}; start-up is not included"
    yield from chain_lines(expected)


def chain_lines(expected: Forecast) -> Iterator[str]:
    """Say which chain of steps takes longest; empty if no step follows another."""
    if len(expected.chain) > 1:
        steps = printable(" > ".join(chain_ends(expected.chain)))
        text = f"the longest chain takes {seconds_text(expected.chain_seconds)}: {steps}"
        yield from wrap(text, WIDTH.get())


def chain_ends(chain: tuple[str, ...]) -> tuple[str, ...]:
    """Return a chain, or the two ends of a long one."""
    return chain if len(chain) <= _LINKS else (*chain[: _LINKS // 2], "...", *chain[-_LINKS // 2 :])


def forecast_json(expected: Forecast) -> dict[str, Any]:
    """Return the field `expected` as in `schemas/plan.schema.json`."""
    return {
        "workers": expected.workers,
        "seconds": expected.seconds,
        "critical_path": list(expected.chain),
        "critical_seconds": expected.chain_seconds,
        "unknown": list(expected.unknown),
    }

"""The state of each step as a table for a terminal, and as JSON.

Takes `StepStatus` values and the time, in POSIX seconds. Ages that would be negative, because clocks differ, are shown
as zero.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipespec.plan.records import own_metrics
from pipespec.plan.results import StepStatus
from pipespec.plan.store_name import StoreName
from pipespec.views.change_view import accepted_json, accepted_text
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.state_words import state_word
from pipespec.views.styled_text import joined
from pipespec.views.terminal_text import age_text, number_text, printable, rows, seconds_text

__all__ = ["render_text", "shown_metrics", "to_json"]

_NAME: Final = 26
"""Maximum width of a step's name that leaves room for the rest of its row. A longer name has its own line."""


def render_text(states: Sequence[StepStatus], *, store: StoreName | None, now: float) -> str:
    """Show each step's state, its run, how long ago it ended, its duration, its metrics; then the counts and the store."""
    cells = [
        (
            (
                state_word(each.state),
                printable(each.step),
                printable(each.run_id or "")[:8],
                "" if (age := _age(each, now)) is None else age_text(age),
                "" if (seconds := each.seconds) is None else seconds_text(seconds),
            ),
            printable(
                "  ".join(f"{name}={number_text(value)}" for name, value in shown_metrics(each.metrics))
            ),
        )
        for each in states
    ]
    count = Counter(each.state for each in states)
    summary = ", ".join(f"{number} {state}" for state, number in sorted(count.items()))
    return joined(
        "\n",
        [
            *rows(cells, most=_NAME),
            *_accepted(states, now),
            *_advice(states),
            "",
            summary or "no steps",
            *([] if store is None else [name_of_store(store)]),
        ],
    )


def to_json(states: Sequence[StepStatus], *, store: StoreName, now: float) -> dict[str, Any]:
    """Return the structure of `schemas/status.schema.json`.

    A metric that is not a finite number is null, because JSON has no such numbers.
    """
    return {
        "version": 1,
        "store": store.uri,
        "steps": [
            {
                "step": each.step,
                "state": each.state,
                "run_id": each.run_id,
                "age_seconds": _age(each, now),
                "seconds": each.seconds,
                "metrics": {
                    name: value if math.isfinite(value) else None
                    for name, value in sorted(each.metrics.items())
                },
                **accepted_json(each.accepted),
                **({} if each.advice is None else {"advice": each.advice}),
            }
            for each in states
        ],
    }


def _accepted(states: Sequence[StepStatus], now: float) -> list[str]:
    """Name the steps that are complete because a user accepted a run."""
    cells = [((printable(each.step),), accepted_text(each.accepted, now)) for each in states if each.accepted]
    return ["", "accepted:", *rows(cells)] if cells else []


def _advice(states: Sequence[StepStatus]) -> list[str]:
    """Say what steps read although no input names it."""
    lines = [printable(each.advice) for each in states if each.advice is not None]
    return ["", *lines] if lines else []


def shown_metrics(metrics: Mapping[str, float]) -> list[tuple[str, float]]:
    """The user's own metrics. Those of pipespec (`pipespec.seconds`) are already columns."""
    return sorted(own_metrics(metrics).items())


def _age(status: StepStatus, now: float) -> float | None:
    """Seconds since the run ended or, while it runs, since it started."""
    since = status.started if status.ended is None else status.ended
    return None if since is None else max(now - since, 0.0)

"""What Luigi sees of a plan. Pure: takes a plan and what became of its steps, gives a `Board`."""

from __future__ import annotations

import json
from collections.abc import Collection

from pipespec.document.nodes import plain
from pipespec.engine.tasks import Board, raised_priorities
from pipespec.engine.waves import culprits, postponed, waits_for
from pipespec.plan.model import Plan

__all__ = ["make_board"]


def make_board(plan: Plan, token: str, *, complete: Collection[str], failed: Collection[str]) -> Board:
    """Make what Luigi sees: all steps but those that failed, those that depend on them, and the postponed.

    `complete` is kept as it is, so that what is added to it later is complete for Luigi too.
    """
    everything = waits_for(plan)
    left_out = {*failed, *culprits(everything, failed), *postponed(plan)}
    upstream = {step: above for step, above in everything.items() if step not in left_out}
    steps = {step: plan.decisions[step].step for step in upstream}
    return Board(
        invocation=token,
        pipeline=plan.pipeline.name,
        upstream=upstream,
        shown={
            name: json.dumps({param: plain(node) for param, node in step.params.items()}, ensure_ascii=False)
            for name, step in steps.items()
            if name not in complete
        },
        priorities=raised_priorities(upstream, {name: step.priority for name, step in steps.items()}),
        resources={name: step.resources for name, step in steps.items() if step.resources},
        complete=complete,
    )

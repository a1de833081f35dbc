"""What Luigi sees of a plan. Pure: takes a plan and what became of its steps, gives a `TaskGraph`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping

from pipespec.engine.luigi.luigi_tasks import TaskGraph, raised_priorities
from pipespec.engine.readiness import culprits, postponed, waits_for
from pipespec.plan.plan import Plan
from pipespec.spec.pipeline_spec import StepSpec

__all__ = ["make_task_graph"]


def make_task_graph(
    plan: Plan,
    token: str,
    *,
    complete: Collection[str],
    failed: Collection[str],
    shows_reused: bool = False,
    counted: Callable[[StepSpec], Mapping[str, int]] = lambda step: step.resources,
) -> TaskGraph:
    """Make what Luigi sees: all steps but those that failed, those that depend on them, and the postponed.

    `shows_reused` lets a luigid show what is complete as well. `complete` is kept as it is, so that what is added to it later is complete for Luigi too.
    `counted` says what a step takes of the totals of resources.
    """
    everything = waits_for(plan)
    left_out = {*failed, *culprits(everything, failed), *postponed(plan)}
    upstream = {step: above for step, above in everything.items() if step not in left_out}
    steps = {step: plan.decisions[step].step for step in upstream}
    return TaskGraph(
        invocation=token,
        pipeline=plan.pipeline.name,
        upstream=upstream,
        shown={
            name: json.dumps(step.param_values, ensure_ascii=False)
            for name, step in steps.items()
            if shows_reused or name not in complete
        },
        priorities=raised_priorities(upstream, {name: step.priority for name, step in steps.items()}),
        resources={name: needs for name, step in steps.items() if (needs := counted(step))},
        complete=complete,
        shows_reused=shows_reused,
    )

"""Create Luigi's view of a plan. Pure: takes a plan and the results of its steps, returns a `TaskGraph`."""

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
    """Return the graph of all steps except those that failed, those that depend on them, and the postponed.

    With `shows_reused`, a luigid also shows complete steps. `complete` is not copied, so that a step that is added
    later is also complete for Luigi. `counted` says how much of the totals of resources a step takes.
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

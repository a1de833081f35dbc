"""Determine which steps of a plan can run now, and what prevents the others. Pure.

Takes a plan and what is known about its steps. Returns which step waits for which, and the causes of steps that will
not run. Everything is linear in steps and edges, without recursion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from pipespec.errors import UsageError
from pipespec.plan.plan import Action, Plan
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.spec.resource_amounts import spelled_amount
from pipespec.spec.step_graph import descendants

__all__ = ["culprits", "postponed", "require_resources", "shared_imports", "waits_for"]


def waits_for(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Map each step of a plan, in its order, to the steps of the plan for which it waits.

    A step with the same key as an earlier step also waits for that step, and uses its result.
    """
    found = {}
    for step, decision in plan.decisions.items():
        above = [other for other in plan.pipeline.upstream[step] if other in plan.decisions]
        found[step] = tuple(above) if decision.same_as is None else (*above, decision.same_as)
    return found


def postponed(plan: Plan) -> frozenset[str]:
    """Return the steps whose matrix is not known yet, and all that depend on them: they belong to a later wave."""
    unknown = [step for step, decision in plan.decisions.items() if decision.step.deferred]
    return descendants(waits_for(plan), unknown) | frozenset(unknown)


def culprits(upstream: Mapping[str, tuple[str, ...]], failed: Collection[str]) -> dict[str, str]:
    """Map each step that depends on a failed step to that step. `upstream` is in topological order."""
    found: dict[str, str] = {}
    for step, above in upstream.items():
        culprit = next(
            (found.get(other, other) for other in above if other in failed or other in found), None
        )
        if culprit is not None:
            found[step] = culprit
    return found


def require_resources(
    plan: Plan,
    resources: Mapping[str, int],
    complete: Collection[str],
    counted: Callable[[StepSpec], Mapping[str, int]] = lambda step: step.resources,
) -> None:
    """Refuse a plan that would wait forever. Of a resource that is not in `resources` there is one.

    `counted` returns how much of them a step takes.

    Raises:
        UsageError: naming the first step that needs more than there is.
    """
    for name, decision in plan.decisions.items():
        if name in complete:
            continue
        for resource, amount in counted(decision.step).items():
            there = resources.get(resource, 1)
            if amount > there:
                needed, total = (spelled_amount(resource, each) for each in (amount, there))
                raise UsageError(
                    f"step '{name}' needs {needed} of resource '{resource}', but the total is {total}"
                )


def shared_imports(plan: Plan) -> tuple[str, ...]:
    """Return the installed modules that two or more steps which may run import, the most used first."""
    counts: Counter[str] = Counter()
    for decision in plan.decisions.values():
        if decision.action is not Action.REUSE:
            code = plan.facts.code.get(str(decision.step.call))
            counts.update(() if code is None else set(code.imports))
    return tuple(
        module for module, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count > 1
    )

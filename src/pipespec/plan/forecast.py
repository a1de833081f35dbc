"""Estimate how long a plan may take: expected seconds of each step, of the longest chain, and of everything in parallel.

Takes a plan with its history and returns a `Forecast`. The expected time of a step is the median duration of its past
runs, of any variant. Steps that wait for content are counted as if they ran, so the sum is an upper limit, as far as
past runs show. Resources are ignored. Pure; takes n log n time.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from pipespec.frozen_values import frozen
from pipespec.plan.plan import Action, Decision, Plan

__all__ = ["Forecast", "Work", "expected_work", "forecast", "longest_chain", "makespan"]


@frozen
class Forecast:
    """The expected time of a plan, in seconds.

    `steps` has each step that is not reused, with None if it has never finished. Those count as zero in `seconds`, the
    time of all steps with `workers` in parallel, and in `chain_seconds`, the time of the longest `chain` (the critical
    path).
    """

    steps: Mapping[str, float | None]
    workers: int
    seconds: float
    chain: tuple[str, ...]
    chain_seconds: float

    @property
    def unknown(self) -> tuple[str, ...]:
        """The steps whose expected time is not known."""
        return tuple(step for step, seconds in self.steps.items() if seconds is None)


@frozen
class Work:
    """The remaining work of a plan: the expected seconds of each step that is not reused, and the order."""

    steps: Mapping[str, float | None]
    upstream: Mapping[str, tuple[str, ...]]
    priorities: Mapping[str, int]


def expected_work(plan: Plan) -> Work:
    """Return the remaining steps in topological order, with None for a step that has never finished."""
    medians = {name: _median(seconds) for name, seconds in plan.history.items() if seconds}
    steps = {
        step: 0.0 if decision.same_as is not None else _expected(decision, medians)
        for step, decision in plan.decisions.items()
        if decision.action is not Action.REUSE
    }
    return Work(
        steps=steps,
        upstream={step: _waits_for(plan, plan.decisions[step], steps) for step in steps},
        priorities={step: plan.decisions[step].step.priority for step in steps},
    )


def forecast(plan: Plan, workers: int = 1) -> Forecast:
    """Return how long a plan may take with this number of workers."""
    work = expected_work(plan)
    seconds = {step: known or 0.0 for step, known in work.steps.items()}
    chain = longest_chain(work.upstream, seconds)
    return Forecast(
        steps=work.steps,
        workers=workers,
        seconds=makespan(work.upstream, seconds, workers, work.priorities),
        chain=chain,
        chain_seconds=sum(seconds[step] for step in chain),
    )


def longest_chain(upstream: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> tuple[str, ...]:
    """Return the chain of steps that takes longest, with the first step first. `upstream` is in topological order."""
    ends: dict[str, float] = {}
    before: dict[str, str] = {}
    for step, above in upstream.items():
        latest = max(above, key=lambda one: ends[one], default=None)
        ends[step] = seconds[step] + (0.0 if latest is None else ends[latest])
        if latest is not None:
            before[step] = latest
    last = max(ends, key=lambda step: ends[step], default=None)
    chain: list[str] = []
    while last is not None:
        chain.append(last)
        last = before.get(last)
    return tuple(reversed(chain))


def makespan(
    upstream: Mapping[str, Sequence[str]],
    seconds: Mapping[str, float],
    workers: int,
    priorities: Mapping[str, int] | None = None,
) -> float:
    """Return when the last step ends if at most `workers` steps run in parallel.

    As in a run, the step with the highest priority among those that are ready starts first, then the first in the plan.
    """
    order = {step: number for number, step in enumerate(upstream)}
    missing = {step: len(set(above)) for step, above in upstream.items()}
    readers: dict[str, list[str]] = {}
    for step, above in upstream.items():
        for one in dict.fromkeys(above):
            readers.setdefault(one, []).append(step)
    ready = [(-(priorities or {}).get(step, 0), order[step], step) for step in upstream if not missing[step]]
    heapq.heapify(ready)
    going: list[tuple[float, int, str]] = []
    now = 0.0
    while ready or going:
        while ready and len(going) < workers:
            _, number, step = heapq.heappop(ready)
            heapq.heappush(going, (now + seconds[step], number, step))
        now, _, ended = heapq.heappop(going)
        for reader in readers.get(ended, ()):
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, (-(priorities or {}).get(reader, 0), order[reader], reader))
    return now


def _expected(decision: Decision, medians: Mapping[str, float]) -> float | None:
    """If the values of a matrix are not known yet, its number of variants is not known either."""
    return None if decision.step.deferred else medians.get(decision.step.name)


def _waits_for(plan: Plan, decision: Decision, steps: Mapping[str, float | None]) -> tuple[str, ...]:
    above = [one for one in plan.pipeline.upstream[decision.step.id] if one in steps]
    if decision.same_as is not None and decision.same_as in steps:
        above.append(decision.same_as)
    return tuple(dict.fromkeys(above))


def _median(values: Sequence[float]) -> float:
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

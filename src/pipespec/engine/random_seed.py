"""The seed of a step's random numbers: from its key, or a new one if the result should be a different one. Pure.

Takes a decision and the id of the run in which the step executes. No other execution has this id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.plan.plan import Decision, ReasonKind

__all__ = ["RandomSeed", "seed_of"]

_NO_SEEDS: Final[Mapping[str, int]] = {}


@frozen
class RandomSeed:
    """A seed below 2 ** 32, or None for unseeded random numbers. `is_new` if no other execution has it."""

    value: int | None
    is_new: bool = False


def seed_of(decision: Decision, run_id: str, seeds: Mapping[str, int] = _NO_SEEDS) -> RandomSeed:
    """Return the seed of an execution. `seeds` are the seeds that a run was given for some steps, by id.

    A step that runs again (because its result was lost, or after another attempt failed) repeats its numbers. A step
    that is forced, or has no identity, is executed to get a different result.
    """
    if not decision.step.is_seeded:
        return RandomSeed(None)
    if decision.step.id in seeds:
        return RandomSeed(seeds[decision.step.id])
    is_forced = any(reason.kind is ReasonKind.FORCED for reason in decision.reasons)
    if decision.key is None or is_forced:
        return RandomSeed(int(hashlib.sha256(run_id.encode()).hexdigest()[:8], 16), is_new=True)
    return RandomSeed(int(decision.key.hex[:8], 16))

"""The seed that a step's random numbers start from: that of its key, or a new one where it is to be another result. Pure.

Takes a decision and the id of the run that it executes in, which no other execution has.
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
    """A seed below 2 ** 32, None for random numbers that start anywhere; `is_new` where no other execution has it."""

    value: int | None
    is_new: bool = False


def seed_of(decision: Decision, run_id: str, seeds: Mapping[str, int] = _NO_SEEDS) -> RandomSeed:
    """Say what an execution starts from; `seeds` are those that a run was given for some steps, by id.

    A step that runs anew (for it was lost, or after another failed) repeats its numbers. One that is forced, or has no
    identity, is executed for the sake of another result.
    """
    if not decision.step.is_seeded:
        return RandomSeed(None)
    if decision.step.id in seeds:
        return RandomSeed(seeds[decision.step.id])
    is_forced = any(reason.kind is ReasonKind.FORCED for reason in decision.reasons)
    if decision.key is None or is_forced:
        return RandomSeed(int(hashlib.sha256(run_id.encode()).hexdigest()[:8], 16), is_new=True)
    return RandomSeed(int(decision.key.hex[:8], 16))

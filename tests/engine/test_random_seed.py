"""Which seed an execution of a step starts from."""

from __future__ import annotations

import pytest

from pipespec.engine.random_seed import RandomSeed, seed_of
from pipespec.plan.plan import Action, Decision, Reason, ReasonKind
from pipespec.plan.records import StepKey
from pipespec.spec.pipeline_spec import Identity

KEY = StepKey("0000000f" + "a" * 56, {})


def decision(make, kind, *, key=KEY, **more):
    return Decision(make.step("train", **more), Action.RUN, (Reason(kind, "so"),), key)


@pytest.mark.parametrize("kind", [ReasonKind.NEVER_RAN, ReasonKind.CHANGED, ReasonKind.LOST])
def test_a_step_repeats_the_numbers_of_its_key(make, kind):
    assert seed_of(decision(make, kind), "one") == seed_of(decision(make, kind), "two") == RandomSeed(15)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (ReasonKind.FORCED, {}),
        (ReasonKind.NO_IDENTITY, {"key": None, "identity": Identity(never=True)}),
    ],
)
def test_a_forced_step_and_one_without_identity_start_anew_in_each_run(make, kind, more):
    one, again, other = (seed_of(decision(make, kind, **more), run) for run in ("one", "one", "two"))

    assert one == again
    assert one.value != other.value
    assert one.is_new
    assert other.is_new
    assert 0 <= one.value < 2**32


@pytest.mark.parametrize("kind", [ReasonKind.NEVER_RAN, ReasonKind.FORCED])
def test_without_a_seed_numbers_start_anywhere(make, kind):
    assert seed_of(decision(make, kind, is_seeded=False), "one") == RandomSeed(None)

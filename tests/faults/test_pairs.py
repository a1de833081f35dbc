"""Pairs of faults: a run that is struck at a named point, and the next one, which goes on with what is left, at another.

A seeded sample of the pairs in CI; `PIPESPEC_FAULTS=all` tries them all, `PIPESPEC_FAULTS_SEED` draws another sample.
"""

import os
import random
import signal

import pytest
from fault_judge import assert_clean_end, executions, with_steps

from pipespec.fault_points import POINTS

pytestmark = pytest.mark.faults

FAULTS = [
    *(f"{point}:1:kill9" for point in POINTS),
    *(f"{point}:1:raise" for point in POINTS if not point.startswith("step.")),
]
PAIRS = [(first, second) for first in FAULTS for second in FAULTS]
SAMPLE = 8


def tried():
    if os.environ.get("PIPESPEC_FAULTS") == "all":
        return PAIRS
    return random.Random(int(os.environ.get("PIPESPEC_FAULTS_SEED", "5"))).sample(PAIRS, SAMPLE)


@pytest.mark.parametrize(("first", "second"), tried())
def test_two_runs_struck_one_after_the_other_and_run_again(empty_project, first, second):
    three = with_steps(empty_project)

    for fault in (first, second):
        struck = three.pipespec("run", "pipeline.yaml", PIPESPEC_FAULT_TESTING="1", PIPESPEC_FAULT=fault)
        assert struck.code in (0, 1, 3, -signal.SIGKILL), (struck.code, struck.err)
        assert "Traceback" not in struck.err

    assert_clean_end(three)
    assert all(count <= 3 for count in executions(three).values())

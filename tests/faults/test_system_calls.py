"""A run that is killed at its n-th write, sync, rename or link, or has it fail: it says so, and another run ends as one clean run.

`strace` strikes: whichever process of the run first makes the call for the n-th time. `PIPESPEC_FAULTS=all` strikes at every call, not at some.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fault_judge import assert_clean_end, executions, with_steps

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace"),
]

IS_WHOLE = os.environ.get("PIPESPEC_FAULTS") == "all"
STRIDE = 1 if IS_WHOLE else 16
KILLS = {"fsync": 5, "link": 4, "rename": 12, "fdatasync": 30, "mkdir": 33}
"""About as often the busiest process of a run makes the call."""
FAILURES = {
    ("fsync", "EIO"): 5,
    ("fdatasync", "EIO"): 30,
    ("link", "ENOSPC"): 4,
    ("rename", "ENOSPC"): 12,
    ("mkdir", "ENOSPC"): 33,
    ("pwrite64", "ENOSPC"): 410,
}


def numbers(most):
    return sorted({1, 1 + IS_WHOLE, *range(3, most + 1, STRIDE * max(1, most // 40))})


@pytest.fixture
def three(empty_project):
    return with_steps(empty_project)


def struck(project, call, what, nth):
    """Run once, with a call struck; return the exit code and what was said on stderr."""
    strike = [
        "strace",
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        f"trace={call}",
        "-e",
        f"inject={call}:{what}:when={nth}",
    ]
    done = subprocess.run(
        [*strike, Path(sys.executable).with_name("pipespec"), "run", "pipeline.yaml"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("call", "nth"), [(call, nth) for call, most in KILLS.items() for nth in numbers(most)]
)
def test_killed_at_a_system_call_and_run_again(three, call, nth):
    code, told = struck(three, call, "signal=SIGKILL", nth)

    assert code in (0, 1, -signal.SIGKILL), told
    assert_clean_end(three)
    assert all(count <= 2 for count in executions(three).values())


@pytest.mark.parametrize(
    ("call", "error", "nth"), [(*which, nth) for which, most in FAILURES.items() for nth in numbers(most)]
)
def test_a_system_call_that_fails_is_told_in_a_line_and_healed(three, call, error, nth):
    code, told = struck(three, call, f"error={error}", nth)

    assert code in (0, 1, 3), told
    assert "Traceback" not in told
    assert_clean_end(three)
    assert all(count <= 2 for count in executions(three).values())

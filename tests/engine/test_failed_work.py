"""A step that fails after its work does not lose it."""

from __future__ import annotations

import os
import time

import pytest

PIPELINE = """\
    pipespec: 1
    name: late
    steps:
      late: {call: "late_steps:make", outputs: {kept: kept.txt, missing: missing.txt}}
"""


def test_what_a_step_wrote_that_failed_for_its_outputs_is_kept_and_said_where(engine):
    engine.write("late_steps.py", "def make(kept, missing):\n    kept.write_text('hours of work')\n")
    engine.write("pipeline.yaml", PIPELINE)

    result = engine.result("late")

    place = engine.state / "failed" / result.run_id
    assert (result.state, "missing" in result.error) == ("failed", True)
    assert result.traceback == f"The files that it wrote are kept in '{place}'."
    assert {path.name: path.read_text() for path in place.iterdir()} == {"kept.txt": "hours of work"}


@pytest.mark.parametrize(
    "end",
    ["assert False, 'too few'", "return False", "sys.exit(0)", "os._exit(0)", "os.kill(os.getpid(), 9)", "kept.write_text('')\n    1 / 0"],
)  # fmt: skip
def test_however_a_test_of_the_outputs_ends_they_are_kept(engine, end):
    engine.write(
        "late_steps.py",
        "import os, sys\nfrom pathlib import Path\ndef make(): return 'hours of work'\n"
        f"def test(kept: Path):\n    {end}\n",
    )
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: late
        steps:
          late: {call: "late_steps:make", outputs: {kept: kept.txt}, after: "late_steps:test"}
        """,
    )

    result = engine.result("late")

    place = engine.state / "failed" / result.run_id
    assert result.traceback.splitlines()[-1] == f"The files that it wrote are kept in '{place}'."
    assert {path.name: path.read_text() for path in place.iterdir()} == {"kept.txt": "hours of work"}


def test_a_function_that_raised_leaves_nothing_behind(engine):
    engine.write("late_steps.py", "def make(kept, missing):\n    kept.write_text('half')\n    1 / 0\n")
    engine.write("pipeline.yaml", PIPELINE)

    assert engine.result("late").state == "failed"
    assert not (engine.state / "failed").exists()


def test_what_was_kept_for_a_month_is_removed(engine):
    old, new = (engine.state / "failed" / name for name in ("old", "new"))
    for place in (old, new):
        place.mkdir(parents=True)
    month_ago = time.time() - 31 * 24 * 3600
    os.utime(old, (month_ago, month_ago))
    engine.write(
        "late_steps.py", "def make(kept, missing):\n    kept.write_text('a')\n    missing.write_text('b')\n"
    )
    engine.write("pipeline.yaml", PIPELINE)

    assert engine.states() == {"late": "ran"}
    assert (old.exists(), new.exists()) == (False, True)

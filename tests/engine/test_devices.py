"""GPUs are handed out by number, and each to one step at a time."""

from __future__ import annotations

import pytest

from pipespec.engine.places.devices import VARIABLE, Devices


@pytest.mark.parametrize(
    ("totals", "visible", "asked", "got"),
    [
        ({}, None, [{"gpu": 1}], ["0"]),
        ({"gpu": 4}, None, [{"gpu": 1}, {"gpu": 2}, {"GPU": 1}], ["0", "1,2", "3"]),
        ({"gpu": 2}, "5,GPU-8f", [{"gpu": 1}, {"gpu": 1}], ["GPU-8f", "5"]),
        ({"gpu": 2}, None, [{"database": 1}, {"gpu": 0}, {}], [None, None, None]),
        ({"gpu": 2}, "3", [{"gpu": 2}], [None]),
    ],
)
def test_each_step_gets_devices_of_its_own(totals, visible, asked, got):
    devices = Devices(totals, visible)

    handed_out = [devices.hand_out(str(number), resources) for number, resources in enumerate(asked)]

    expected = [None if names is None else set(names.split(",")) for names in got]
    found = [set(one[VARIABLE].split(",")) if one else None for one in handed_out]
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_what_is_taken_back_is_handed_out_again_lowest_first():
    devices = Devices({"gpu": 3}, None)
    assert [devices.hand_out(step, {"gpu": 1})[VARIABLE] for step in "abc"] == ["0", "1", "2"]

    devices.take_back("b")
    devices.take_back("a")

    assert devices.hand_out("d", {"gpu": 1}) == {VARIABLE: "0"}
    assert devices.hand_out("e", {"gpu": 1}) == {VARIABLE: "1"}


GPU_STEPS = """
import os, time
from pathlib import Path

def used(k: int) -> dict:
    Path(f"there-{k}").touch()
    until = time.monotonic() + 60
    while not (Path("there-1").exists() and Path("there-2").exists()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return {"gpu": os.environ["CUDA_VISIBLE_DEVICES"], "threads": os.environ["OMP_NUM_THREADS"]}
"""


def test_steps_that_execute_at_a_time_see_different_gpus_and_the_environment_of_the_pipeline(
    engine, monkeypatch
):
    monkeypatch.delenv(VARIABLE, raising=False)
    engine.write("steps.py", GPU_STEPS)
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: gpus
        engine: {env: {OMP_NUM_THREADS: 1}}
        steps:
          used:
            call: steps:used
            matrix: {k: [1, 2]}
            resources: {gpu: 1}
            engine: {env: {OMP_NUM_THREADS: 2}}
            outputs: {used: used.json}
        """,
    )

    states = engine.states(workers=2, resources={"gpu": 2})

    assert set(states.values()) == {"ran"}
    made = sorted(path.read_text() for path in engine.root.glob("mlartifacts/**/used.json"))
    assert [text.split() for text in made] == [
        ["{", '"gpu":', f'"{number}",', '"threads":', '"2"', "}"] for number in (0, 1)
    ]

"""Random numbers of steps: alike for one key, others where another result is wanted, and recorded."""

import json
import random
import re

import numpy as np
import pytest

STEPS = """
import random

import numpy as np


def draw() -> dict:
    return {"random": random.random(), "numpy": np.random.random()}


def draw_late() -> dict:
    return {"late": random.random()}


def read(numbers: dict) -> int:
    return 1
"""
PIPELINE = """\
pipespec: 1
name: drawn
steps:
  draw: {call: "steps:draw", outputs: {numbers: numbers.json}}
  read: {call: "steps:read", inputs: {numbers: draw}, outputs: {one: one.json}}
"""


@pytest.fixture
def drawn(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    return empty_project


def draw(project, *args):
    """Run, and return the numbers, the seed in the manifest and that in the log of the step's last run."""
    assert "draw" in project.ran(*args)
    numbers = json.loads(project.pipespec("get", "pipeline.yaml", "draw.numbers", "-").out)
    ((uri,),) = project.query(
        "select artifact_uri from runs join tags using (run_uuid)"
        " where key = 'pipespec.step' and value = 'draw' order by start_time desc limit 1"
    )
    folder = uri.removeprefix("file://")
    with open(f"{folder}/pipespec/step.json") as file:
        seed = json.load(file)["seed"]
    told = re.findall(r"start from the seed (\d+)", project.pipespec("logs", "pipeline.yaml", "draw").out)
    return numbers, seed, [int(one) for one in told]


def forget(project):
    project.query("update runs set lifecycle_stage = 'deleted'")


def differ(one, other):
    return all(one[name] != other[name] for name in one)


def test_a_step_that_runs_again_draws_the_same_numbers(drawn):
    first = draw(drawn)
    forget(drawn)

    assert draw(drawn) == first
    assert first[1] is not None
    assert first[2] == []


@pytest.mark.parametrize("way", ["--force", "identity: none"])
def test_other_numbers_are_drawn_where_another_result_is_wanted_and_the_seed_is_recorded(drawn, way):
    args = ("--force", "draw") if way == "--force" else ()
    if not args:
        drawn.edit(
            "pipeline.yaml",
            "outputs: {numbers: numbers.json}",
            "outputs: {numbers: numbers.json}, identity: none",
        )
    else:
        drawn.run()

    one, seed, told = draw(drawn, *args)
    other, another, told_again = draw(drawn, *args)

    assert differ(one, other)
    assert (told, told_again) == ([seed], [another])
    numbers = random.Random(seed).random(), np.random.RandomState(seed).random_sample()
    assert (one["random"], one["numpy"]) == numbers


@pytest.mark.parametrize(
    ("pipeline", "step", "is_seeded"),
    [
        ("", ", seed: false", False),
        ("engine: {seed: false}\n", "", False),
        ("engine: {seed: false}\n", ", seed: true", True),
        ("defaults: {seed: false}\n", "", False),
        ('engine: {seed: "${env:SEEDED, false}"}\n', "", False),
    ],
)
def test_seeding_can_be_switched_off_for_a_step_and_for_all(drawn, pipeline, step, is_seeded):
    drawn.write(
        "pipeline.yaml",
        PIPELINE.replace("steps:\n", f"{pipeline}steps:\n", 1).replace(
            "numbers.json}", f"numbers.json}}{step}", 1
        ),
    )

    one, seed, told = draw(drawn)
    forget(drawn)
    other, _, _ = draw(drawn)

    assert (differ(one, other), one == other) == (not is_seeded, is_seeded)
    assert (seed is not None, told) == (is_seeded, [])


def test_the_switch_runs_nothing_again(drawn):
    drawn.run()
    drawn.edit("pipeline.yaml", "numbers.json}", "numbers.json}, seed: false")

    assert drawn.ran() == set()


def test_a_rendered_module_has_the_switch(drawn):
    drawn.edit("pipeline.yaml", "numbers.json}", "numbers.json}, seed: false")

    answer = drawn.pipespec("render", "pipeline.yaml")

    assert (answer.code, answer.out.count("is_seeded=False")) == (0, 1)

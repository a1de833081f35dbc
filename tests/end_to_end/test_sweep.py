"""`pipespec run --sweep`: points share what they have in common, resume, and are told in a table."""

import time
from collections import Counter

import pytest

STEPS = """
import json
from pathlib import Path


def note(word):
    with Path("calls.txt").open("a") as calls:
        calls.write(f"{word}\\n")


def load(n: int) -> list:
    note("load")
    return list(range(n))


def train(x: list, depth: int, seed: int) -> dict:
    note(f"train {depth} {seed}")
    if depth == 8 and Path("stop").exists():
        raise ValueError("stopped")
    return {"size": depth * len(x), "seed": seed}


def score(model: dict) -> dict:
    note("score")
    return {"accuracy": model["size"] + model["seed"] / 10}


def seeds(n: int) -> list:
    return [n, n + 1]
"""

PIPELINE = """\
pipespec: 1
name: swept
params: {model: {depth: 1}, seed: 0}
steps:
  load: {call: 'steps:load', params: {n: 3}, outputs: {o: o.json}}
  train:
    call: steps:train
    inputs: {x: load}
    params: {depth: "${params.model.depth}", seed: "${params.seed}"}
    outputs: {o: o.json}
  score: {call: 'steps:score', inputs: {model: train}, outputs: {o: o.json}, metrics: o}
"""

DEPTHS = ("--sweep", "params.model.depth=4,8")


@pytest.fixture
def swept(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    return empty_project


def calls(project):
    return sorted((project.folder / "calls.txt").read_text().splitlines())


def test_points_share_steps_with_each_other_and_with_runs_without_a_sweep(swept):
    seeds = ("--sweep", "params.seed=range(1,3)")
    states = swept.run("-j", "2", *DEPTHS, *seeds)

    points = [f"model.depth={depth},seed={seed}" for depth in (4, 8) for seed in (1, 2)]
    assert set(states) == {"load", *(f"{step}{{{at}}}" for step in ("train", "score") for at in points)}
    assert set(states.values()) == {"ran"}
    assert calls(swept) == ["load", *["score"] * 4, "train 4 1", "train 4 2", "train 8 1", "train 8 2"]

    done = swept.pipespec("run", "pipeline.yaml", *DEPTHS, *seeds, "--format", "json")
    assert done.json["invocation"] is None
    assert {step["state"] for step in done.json["steps"]} == {"reused"}
    assert swept.run("--set", "params.model.depth=8", "--set", "params.seed=2") == dict.fromkeys(
        ["load", "train", "score"], "reused"
    )
    more = swept.ran("--sweep", "params.model.depth=4,8,16", *seeds)
    assert more == {f"{step}{{model.depth=16,seed={seed}}}" for step in ("train", "score") for seed in (1, 2)}


def test_the_runs_of_a_sweep_say_where_they_belong(swept):
    answer = swept.pipespec("run", "pipeline.yaml", *DEPTHS)

    assert answer.code == 0, answer.err
    assert answer.out.split("\n\n")[1].splitlines() == [
        "model.depth  state  accuracy",
        "4            ran    12",
        "8            ran    24",
    ]
    assert swept.query("select value from tags where key = 'pipespec.sweep.params.model.depth'") == [("4,8",)]
    found = swept.query(
        "select s.value, p.value from tags s join tags p on s.run_uuid = p.run_uuid"
        " where s.key = 'pipespec.step' and p.key = 'mlflow.pipespec.point' order by 1"
    )
    assert found == [
        (f"{step}{{model.depth={depth}}}", f"model.depth={depth}")
        for step in ("score", "train")
        for depth in (4, 8)
    ]
    parents = swept.query("select count(distinct value) from tags where key = 'mlflow.pipespec.invocation'")
    assert parents == [(1,)]
    assert len(list((swept.folder / "mlartifacts").rglob("sweep.json"))) == 1


def test_a_sweep_that_stopped_goes_on_where_it_was(swept):
    swept.write("stop", "")
    answer = swept.pipespec("run", "pipeline.yaml", "--keep-going", *DEPTHS)
    assert answer.code == 1
    assert answer.out.split("\n\n")[-1].splitlines()[1:] == [
        "4            ran     12",
        "8            failed",
    ]

    (swept.folder / "stop").unlink()

    assert swept.ran(*DEPTHS) == {"train{model.depth=8}", "score{model.depth=8}"}


def test_a_sweep_that_was_killed_resumes(swept):
    sweep = ("--sweep", "params.seed=range(0,8)")
    process = swept.start("run", "pipeline.yaml", *sweep)
    until = time.monotonic() + 120
    while not (swept.folder / "calls.txt").exists() or len(calls(swept)) < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)

    states = swept.run(*sweep)

    assert len(states) == 1 + 2 * 8
    assert {"ran", "reused"} == set(states.values())
    twice = [call for call, count in Counter(calls(swept)).items() if call != "score" and count > 1]
    assert len(twice) <= 1  # at most the one that was under way
    assert swept.ran(*sweep) == set()


def test_twenty_points_run_what_differs_and_nothing_twice(swept):
    states = swept.run(
        "-j", "2", "--sweep", "params.model.depth=range(0,4)", "--sweep", "params.seed=range(0,5)"
    )

    assert len(states) == 1 + 2 * 20
    assert len([call for call in calls(swept) if call.startswith("train")]) == 20
    assert calls(swept).count("load") == 1


def test_a_matrix_over_an_output_is_filled_in_at_each_point(swept):
    swept.write(
        "pipeline.yaml",
        PIPELINE.partition("  load:")[0]
        + """\
  seeds: {call: 'steps:seeds', params: {n: "${params.seed}"}, outputs: {o: o.json}}
  train:
    call: steps:train
    matrix: {seed: seeds.o}
    params: {x: [1], depth: "${params.model.depth}"}
    outputs: {o: o.json}
""",
    )

    states = swept.run("--sweep", "params.seed=1,2")

    assert set(states) == {
        "seeds{seed=1}",
        "seeds{seed=2}",
        "train[seed=1]",
        "train[seed=2]{seed=1}",
        "train[seed=2]{seed=2}",
        "train[seed=3]",
    }
    assert sorted(states[f"train[seed=2]{{seed={seed}}}"] for seed in (1, 2)) == ["ran", "reused"]
    assert set(swept.run("--sweep", "params.seed=1,2").values()) == {"reused"}


@pytest.mark.parametrize(
    "sweep", ["params.modle.depth=1", "params.seed=", "params.seed", "params.seed=[1", "params.seed=one"]
)
def test_a_bad_sweep_starts_nothing(swept, sweep):
    answer = swept.pipespec("run", "pipeline.yaml", "--sweep", sweep)

    assert answer.code == 2
    assert answer.err.count("error") == 1
    assert not (swept.folder / "mlflow.db").exists()


def test_the_secrets_of_all_points_are_taken_out_of_streamed_and_kept_logs(swept):
    swept.write("steps.py", "def show(token: str) -> str:\n    print(f'token {token}')\n    return 'x'\n")
    step = "{call: 'steps:show', params: {token: '${params.token}'}, outputs: {o: o.txt}}"
    swept.write("pipeline.yaml", f"pipespec: 1\nparams: {{token: none}}\nsteps:\n  show: {step}\n")
    secrets = {"FIRST": "7Q1xW5-first", "SECOND": "9ZkP02-second"}
    sweep = ("--sweep", "params.token='${secret:FIRST}','${secret:SECOND}'")

    answer = swept.pipespec("run", "pipeline.yaml", "-v", *sweep, **secrets)

    assert answer.code == 0, answer.err
    streamed = [line.partition(" | ")[2] for line in answer.err.splitlines() if " | token" in line]
    assert sorted(streamed) == ["token ${secret:FIRST}", "token ${secret:SECOND}"]
    everywhere = [path.read_bytes() for path in swept.folder.rglob("*") if path.is_file()]
    for secret in secrets.values():
        assert secret not in answer.out + answer.err
        assert not any(secret.encode() in content for content in everywhere)


def test_the_table_of_points_asks_nothing_anew(swept):
    """A probe that worked when the sweep was planned may fail once it has run."""
    swept.write(
        "steps.py", STEPS + "\n\ndef probe(n):\n    assert not Path('calls.txt').exists()\n    return n\n"
    )
    swept.edit("pipeline.yaml", "params: {n: 3}", "params: {n: 3}, identity: {probe: 'steps:probe'}")

    answer = swept.pipespec("run", "pipeline.yaml", *DEPTHS)

    assert answer.code == 0, answer.err
    assert answer.out.split("\n\n")[1].splitlines() == [
        "model.depth  state  accuracy",
        "4            ran    12",
        "8            ran    24",
    ]
    refused = swept.pipespec("plan", "pipeline.yaml")
    assert (refused.code, "probe" in refused.err) == (2, True)


def test_a_dry_run_shows_the_plan_of_all_points_and_help_teaches_sweeps(swept):
    answer = swept.pipespec("run", "pipeline.yaml", "--dry-run", *DEPTHS)
    assert "train{model.depth=8}" in answer.out
    assert not (swept.folder / "mlflow.db").exists()

    words = swept.pipespec("run", "--help").out
    assert "--sweep" in words
    assert "range(" in words

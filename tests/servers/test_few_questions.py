"""How many requests a server gets: counted on the way to it, for time says little on a busy machine."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from proxy import proxy_to

from pipespec.step.step_job import SavedOutput, StepOutcome
from pipespec.tracking.artifacts import upload
from pipespec.tracking.started_run import NewAttempt
from pipespec.tracking.writing.recorder import Recorder

pytestmark = pytest.mark.servers

LEVELS = 6

MODULE = """
def first(salt: str) -> int:
    return 0


def after(value: int, salt: str, other: int) -> int:
    return value + other + 1
"""


def pipeline(name, uri, sides="ab"):
    """Some levels, two steps each; each level's keys are known only when those above are."""
    lines = ["pipespec: 1", f"name: {name}", f'mlflow: {{tracking_uri: "{uri}"}}', "steps:"]
    for level in range(LEVELS):
        for side in sides:
            lines += [f"  {side}{level}:", f"    call: levels:{'after' if level else 'first'}"]
            lines += [f"    inputs: {{value: {side}{level - 1}}}"] if level else []
            other = f", other: {ord(side[0])}" if level else ""
            lines += [
                f"    params: {{salt: {name}-{side}{other}}}",
                f"    outputs: {{value: {side}{level}.json}}",
            ]
    return "\n".join(lines) + "\n"


def counted(proxy):
    """What was asked since the last time, by its name."""
    asked = Counter(
        request.path.partition("?")[0].removeprefix("/api/2.0/mlflow/") for request in proxy.requests
    )
    proxy.requests.clear()
    return asked


def test_a_complete_plan_is_one_bulk_read_and_no_more_than_two_from_a_fresh_clone(proxied, proxy):
    project = proxied.project
    project.write("levels.py", MODULE)
    project.write("pipeline.yaml", pipeline(proxied.records.pipeline, proxy.url))
    assert len(project.ran("-j", "2")) == 2 * LEVELS
    proxy.requests.clear()

    one_read = {"/health": 1, "experiments/search": 1, "runs/search": 1}
    assert project.ran() == set()
    assert counted(proxy) == one_read

    proxied.fresh_clone()
    assert set(project.planned().values()) == {"reuse"}
    from_nothing = counted(proxy)
    assert from_nothing["runs/search"] <= LEVELS + 1
    assert from_nothing == one_read

    assert project.ran() == set()
    assert counted(proxy) == one_read


def test_recording_a_step_is_at_most_one_and_a_half_times_the_bare_client_calls(mlflow_on_sqlite, tmp_path):
    """Bare: a run with params, an output, a manifest, metrics and an end, by the shortest way that MLflow's client has."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    with proxy_to(mlflow_on_sqlite.port) as proxy:
        (tmp_path / "table.csv").write_text("a,b\n")
        (tmp_path / "log.txt").write_text("adding up\n")

        client = MlflowClient(proxy.url)
        experiment = client.create_experiment(f"bare {tmp_path}")
        counted(proxy)
        run = client.create_run(experiment, tags={"some": "tag"})
        client.log_batch(run.info.run_id, params=[Param("depth", "4")])
        client.log_artifact(run.info.run_id, str(tmp_path / "table.csv"))
        client.log_text(run.info.run_id, json.dumps({}), "pipespec/step.json")
        client.log_artifact(run.info.run_id, str(tmp_path / "log.txt"), "pipespec")
        client.log_batch(run.info.run_id, metrics=[Metric("seconds", 1, 0, 0)], tags=[RunTag("key", "1")])
        client.set_terminated(run.info.run_id)
        bare = counted(proxy)

        with Recorder.open(proxy.url, root=tmp_path) as recorder:
            new = NewAttempt(
                pipeline="p",
                step="s",
                call="m:f",
                experiment=f"ours {tmp_path}",
                key="a" * 64,
                params={"depth": 4},
            )
            recorder.fail(recorder.start(new), _failure())  # makes the experiment
            counted(proxy)
            started = recorder.start(new)
            upload([(tmp_path / "table.csv", "table.csv")], started.artifact_uri, proxy.url)
            saved = SavedOutput("table", "table.csv", "b" * 64, 4, 1)
            outcome = StepOutcome("s", 1.0, (saved,), {})
            recorder.publish(started, outcome, manifest={}, log=tmp_path / "log.txt")
            ours = counted(proxy)

    assert sum(ours.values()) <= 1.5 * sum(bare.values()), (ours, bare)


def _failure():
    from pipespec.step.step_job import Failure

    return Failure("raised", "no")


def test_a_step_that_never_ran_costs_a_bounded_number_of_requests(proxied, proxy):
    project, levels = proxied.project, LEVELS
    salt = proxied.records.pipeline.rpartition("-")[2]
    project.write("levels.py", MODULE)
    text = pipeline(proxied.records.pipeline, proxy.url)
    for level in range(levels):
        for side in "ab":
            text = text.replace(f"{side}{level}", f"{side}{level}_{salt}").replace(
                f"_{salt}_{salt}", f"_{salt}"
            )
    project.write("pipeline.yaml", text)
    proxy.requests.clear()

    assert len(project.ran()) == 2 * levels
    asked = counted(proxy)

    steps = 2 * levels
    per_step = {
        "experiments/create": 1,  # once for each step
        "runs/create": 1,
        "runs/get": 1,  # of the invocation: whether anybody else is at work
        "runs/log-inputs": 1,
        "runs/log-batch": 1,
        "runs/update": 1,
    }
    files = sum(asked.pop(path) for path in [*asked] if "mlflow-artifacts" in path)
    assert files <= 3 * steps + 6, asked  # output, log, manifest; of the run itself
    beyond = {endpoint: asked[endpoint] - per_step.get(endpoint, 0) * steps for endpoint in asked}
    assert max(beyond.values()) <= 4, (beyond, asked)


def test_a_report_on_changed_steps_reads_the_history_of_all_at_once(proxied, proxy):
    project, name = proxied.project, proxied.records.pipeline
    sides = [f"{side}-{name.rpartition('-')[2]}-" for side in "ab"]
    project.write("levels.py", MODULE)
    project.write("pipeline.yaml", pipeline(name, proxy.url, sides))
    assert len(project.ran()) == 2 * LEVELS
    project.write("pipeline.yaml", pipeline(name, proxy.url, sides).replace("salt: ", "salt: again-"))
    proxy.requests.clear()

    assert len(project.ran()) == 2 * LEVELS
    asked = counted(proxy)

    reads_at_turns = 2 * (LEVELS - 1)  # whether a result of the new key is there, once its inputs are known
    assert asked["runs/search"] <= reads_at_turns + 8, asked
    assert asked["runs/get"] <= 2 * LEVELS + 4, asked  # of the invocation, after each claim

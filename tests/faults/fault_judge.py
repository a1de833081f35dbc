"""Three steps that are struck while they run, and the judge of what is left when they have been run once more.

The judge reads MLflow's database and the artifact folders itself, through no code of ours.
"""

import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass

STEPS = """
import os


def note(word):
    with open(os.path.join(os.path.dirname(__file__), "executions.txt"), "a") as file:
        file.write(word + "\\n")


def first(count: int) -> list:
    note("first")
    return list(range(count))


def second(numbers: list, folder) -> dict:
    note("second")
    (folder / "a.txt").write_text("a" * len(numbers))
    (folder / "b.txt").write_text("b")
    return {"size": len(numbers)}


def third(sizes: dict) -> dict:
    note("third")
    return sizes
"""

PIPELINE = """\
pipespec: 1
name: three
steps:
  first:
    call: steps:first
    params: {count: 3}
    outputs: {numbers: numbers.json}
  second:
    call: steps:second
    inputs: {numbers: first}
    outputs: {folder: folder/, sizes: sizes.json}
    metrics: sizes
  third:
    call: steps:third
    inputs: {sizes: second.sizes}
    outputs: {sizes: sizes.json}
"""

STEP_NAMES = {"first", "second", "third"}


def with_steps(project):
    """Write the three steps into a project, and return it."""
    project.write("steps.py", STEPS)
    project.write("pipeline.yaml", PIPELINE)
    return project


@dataclass(frozen=True)
class Published:
    """A finished run with a key: what it says, and what its files hold."""

    run_id: str
    step: str
    key: str
    params: dict
    metrics: dict
    files: dict
    """SHA-256 of each file, by path."""


def published_runs(query, folder_of=lambda uri: uri.removeprefix("file://")):
    """Return every finished run with a key, after checking that its folder holds the files it promises, whole, and no others.

    `query` asks MLflow's database; `folder_of` says where the artifacts at a URI are.
    """
    rows = query(
        "select r.run_uuid, r.artifact_uri, s.value, k.value, o.value, m.value from runs r"
        " join tags s on s.run_uuid = r.run_uuid and s.key = 'pipespec.step'"
        " join tags k on k.run_uuid = r.run_uuid and k.key = 'pipespec.key'"
        " join tags o on o.run_uuid = r.run_uuid and o.key = 'mlflow.pipespec.outputs'"
        " join tags m on m.run_uuid = r.run_uuid and m.key = 'pipespec.manifest'"
        " where r.status = 'FINISHED' and r.lifecycle_stage = 'active'"
    )
    params, metrics = ({}, {})
    for found, table in ((params, "params"), (metrics, "latest_metrics")):
        for run_id, name, value in query(f"select run_uuid, key, value from {table}"):
            found.setdefault(run_id, {})[name] = value
    return [
        Published(
            run_id,
            step,
            key,
            _without_decision(params.get(run_id, {})),
            _without_measurements(metrics.get(run_id, {})),
            _whole_files(folder_of(uri), json.loads(outputs), manifest),
        )
        for run_id, uri, step, key, outputs, manifest in rows
    ]


def _without_decision(params):
    """Drop the param by which one that was away for long has asked whether its run still counts; no other run bears it."""
    return {name: value for name, value in params.items() if name != "pipespec.outcome"}


def _without_measurements(metrics):
    return {name: value for name, value in metrics.items() if not name.startswith("pipespec.")}


def _whole_files(folder, outputs, manifest):
    """Return the files of a run's outputs with their digests, which are those that its manifest says."""
    assert _digest(folder, "pipespec/step.json") == manifest, folder
    with open(os.path.join(folder, "pipespec/step.json"), "rb") as file:
        promised = json.load(file)["outputs"]
    assert {name: output["digest"] for name, output in outputs.items()} == {
        name: output["digest"] for name, output in promised.items()
    }
    files = {}
    for output in promised.values():
        if output["file"].endswith("/"):
            files |= {output["file"] + name: digest for name, digest in output["manifest"].items()}
        else:
            files[output["file"]] = output["digest"]
    found = {
        os.path.relpath(os.path.join(place, name), folder)
        for place, _, names in os.walk(folder)
        for name in names
    }
    found = {name for name in found if not name.startswith("pipespec/")}
    assert {name: _digest(folder, name) for name in found} == files, folder
    return files


def _digest(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def published(project):
    """How many finished runs each step has; their files are there, whole."""
    return Counter(run.step for run in published_runs(project.query))


def executions(project):
    return Counter((project.folder / "executions.txt").read_text().split())


def assert_clean_end(project):
    """Run plainly; then all is published once, nothing is left over, and another run does nothing."""
    again = project.pipespec("run", "pipeline.yaml", "--format", "json")
    assert again.code == 0, again.err
    assert published(project) == dict.fromkeys(STEP_NAMES, 1)
    # The run of an invocation that died may stay RUNNING: where nothing is to do, nothing is written.
    assert project.query(
        "select count(*) from runs r join tags t on t.run_uuid = r.run_uuid"
        " where t.key = 'pipespec.step' and r.status = 'RUNNING'"
    ) == [(0,)]
    assert project.ran() == set()
    if again.json["invocation"] is not None:  # where nothing is to do, nothing is touched
        staging = project.folder / ".pipespec/staging"
        assert not staging.exists() or not list(staging.iterdir())
